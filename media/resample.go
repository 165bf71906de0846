package media

import (
	"math"
	"sync"
)

// The low-pass filter of a change of rate: a sinc in a Kaiser window. What is above the lower of both
// rates' half would come back as another tone, so that it is taken away: by 80 dB and more. What is
// below its band's end, 3400 Hz for a rate of 8000, passes within 0.1 dB.
const (
	filterReach = 40     // half the filter's length, in samples of the lower rate
	filterBand  = 0.4625 // middle of its slope, as a share of the lower rate: 3700 Hz of 8000
	filterBeta  = 8.0    // of the Kaiser window
)

// tableStep is the part of a sample of the lower rate that lies between two entries of the filter's
// table. Between them a straight line is as good as the curve.
const tableStep = 1.0 / 1024

// filterTable is the right half of the filter, of which the left one is the mirror image.
var filterTable = sync.OnceValue(func() []float32 {
	table := make([]float32, filterReach/tableStep+2)
	for i := range table {
		x := float64(i) * tableStep
		table[i] = float32(2 * filterBand * sinc(2*filterBand*x) * kaiser(x/filterReach))
	}
	return table
})

// Resample converts a recording to a rate in samples a second, and its samples to 16 bits.
func Resample(r Recording, rate int) []int16 {
	if r.Rate == rate {
		return quantised(r.Samples)
	}
	table := filterTable()
	scale := float64(min(r.Rate, rate)) / float64(r.Rate) // of a sample of r, in samples of the lower rate
	reach := filterReach / scale
	out := make([]float32, (len(r.Samples)*rate+r.Rate-1)/r.Rate)
	for n := range out {
		at := float64(n) * float64(r.Rate) / float64(rate) // in samples of r; beyond its ends is silence
		var sum float32
		for i := max(0, int(at-reach)+1); i < min(len(r.Samples), int(at+reach)+1); i++ {
			place := math.Abs(at-float64(i)) * (scale / tableStep)
			entry := int(place)
			part := float32(place - float64(entry))
			sum += r.Samples[i] * (table[entry] + part*(table[entry+1]-table[entry]))
		}
		out[n] = sum * float32(scale)
	}
	return quantised(out)
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window from -1 to 1, and 0 outside.
func kaiser(x float64) float64 {
	if math.Abs(x) >= 1 {
		return 0
	}
	return bessel0(filterBeta*math.Sqrt(1-x*x)) / bessel0(filterBeta)
}

// bessel0 is the modified Bessel function of the first kind and order 0, by its series.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > sum*1e-12; k++ {
		term *= x * x / (4 * k * k)
		sum += term
	}
	return sum
}

// quantised rounds samples to 16 bits; what is too loud is cut.
func quantised(samples []float32) []int16 {
	out := make([]int16, len(samples))
	for i, sample := range samples {
		out[i] = int16(max(math.MinInt16, min(math.MaxInt16, math.Round(float64(sample)*(1<<15)))))
	}
	return out
}
