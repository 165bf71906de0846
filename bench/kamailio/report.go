//go:build linux

package main

import (
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"ringfence/bench/program"
)

func micros(d time.Duration) float64  { return float64(d.Nanoseconds()) / 1000 }
func megabytes(bytes int64) float64   { return float64(bytes) / (1 << 20) }
func verdict(met bool) (words string) { return map[bool]string{true: "met", false: "missed"}[met] }

// median is that of a figure of the samples; of an even number the mean of the two in the middle.
func median(samples []sample, figure func(*sample) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := make([]float64, len(samples))
	for i := range samples {
		values[i] = figure(&samples[i])
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

func cpuOf(s *sample) float64 { return micros(s.cpu) }
func p50Of(s *sample) float64 { return micros(s.p50) }
func p99Of(s *sample) float64 { return micros(s.p99) }

func memoryOf(s *sample) float64 { return megabytes(s.memory) }

// report is everything as Markdown.
func (r *results) report(binary string) string {
	var b strings.Builder
	r.preface(&b, binary)
	for _, s := range r.scenes {
		r.scene(&b, s)
	}
	if len(r.memory) > 0 {
		fmt.Fprintf(&b, "\n## %d calls held at one time\n\n| proxy | memory, MB |\n| --- | ---: |\n", r.plan.held)
		for _, p := range contestants(allowedPairs) {
			fmt.Fprintf(&b, "| %s | %.1f |\n", p.name, megabytes(r.memory[p.name]))
		}
		b.WriteString("\n| | ratio | goal |\n| --- | ---: | --- |\n")
		for _, p := range allowedPairs {
			best := slices.MinFunc(p.theirs, func(x, y proxy) int { return cmp.Compare(r.memory[x.name], r.memory[y.name]) })
			ratio := float64(r.memory[p.ours.name]) / float64(r.memory[best.name])
			fmt.Fprintf(&b, "| %s / %s | %.2f | 0.50: %s |\n", p.ours.name, best.name, ratio, verdict(ratio <= 0.5))
		}
	}
	if len(r.highest) > 0 {
		b.WriteString("\n## Highest rate without a failed call\n\nThe generator takes its share of the machine's cores. " +
			"Without a proxy it is the generator's own limit.\n\n| proxy | calls a second | what went wrong above |\n| --- | ---: | --- |\n")
		for _, p := range append(contestants(allowedPairs), direct) {
			fmt.Fprintf(&b, "| %s | %.0f | %s |\n", p.name, r.highest[p.name].rate, r.highest[p.name].cause)
		}
		b.WriteString("\n| | ratio | goal |\n| --- | ---: | --- |\n")
		for _, p := range allowedPairs {
			best := slices.MaxFunc(p.theirs, func(x, y proxy) int { return cmp.Compare(r.highest[x.name].rate, r.highest[y.name].rate) })
			ours, theirs := r.highest[p.ours.name], r.highest[best.name]
			ratio, met := ours.rate/theirs.rate, verdict(ours.rate >= 1.5*theirs.rate)
			if theirs.open {
				met = "not known, the search ended too early"
			}
			fmt.Fprintf(&b, "| %s / %s | %.2f | 1.50: %s |\n", p.ours.name, best.name, ratio, met)
		}
	}
	if len(r.overloaded) > 0 {
		r.overload(&b)
	}
	return b.String()
}

func (r *results) preface(b *strings.Builder, binary string) {
	p := &r.plan
	fmt.Fprintf(b, `# Ringfence beside Kamailio

Measured %s by `+"`make bench-kamailio`"+` (arguments: %s).

- Machine: %s, %d cores, Linux %s, loopback. Generator and proxies share the cores; nothing is pinned.
- The generator never sleeps, as if it were another machine: %v. In the search for the highest rate it does.
- Ringfence: %s. Rules of China, call log on (SQLite): it does more for a call than Kamailio does here.
- Kamailio: %s. Allocator tlsf, log off, UDP only; tm, record_route, loose_route, t_relay to one next hop.
- Lists of %d numbers. Ringfence reads Redis into memory; Kamailio asks it for each call.
- A call: INVITE 180, %s later 200 ACK, %s later BYE 200. Calls arrive at random (a Poisson process).
- Each figure is the median of %d rounds, in which the proxies take turns, each started afresh: %s of
  calls to warm up, then %s that count.
- CPU is user and system time of the proxy's process tree for a completed call. Redis is not in it.
- Delay is what INVITE and 200 take from one end to the other, together.
`,
		time.Now().UTC().Format(time.DateOnly), cmp.Or(strings.Join(os.Args[1:], " "), "none"),
		program.Processor(), runtime.NumCPU(), program.FirstLine("uname", "-r"), p.spin,
		program.FirstLine(binary, "--version"), program.FirstLine("kamailio", "-v"), listed,
		p.ring, p.hold, p.rounds, p.warmup, p.duration)
}

func (r *results) scene(b *strings.Builder, s *scene) {
	fmt.Fprintf(b, "\n## %s\n\n| proxy | CPU a call, us | delay p50, us | p99, us | failed | sent again | memory, MB |\n"+
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n", strings.ToUpper(s.String()[:1])+s.String()[1:])
	all := contestants(s.pairs)
	if !s.refused {
		all = append(all, direct)
	}
	for _, p := range all {
		samples := s.samples[p.name]
		failed, again := 0, 0
		for i := range samples {
			failed += samples[i].failed()
			again += samples[i].retransmissions
		}
		fmt.Fprintf(b, "| %s | %.1f | %.0f | %.0f | %d | %d | %.1f |\n", p.name, median(samples, cpuOf),
			median(samples, p50Of), median(samples, p99Of), failed, again, median(samples, memoryOf))
	}
	b.WriteString("\n| | CPU ratio | by round | goal | p99 ratio |\n| --- | ---: | --- | --- | ---: |\n")
	for _, p := range s.pairs {
		best := s.best(p.theirs, cpuOf)
		ours, theirs := s.samples[p.ours.name], s.samples[best.name]
		var rounds []string
		for i := range ours {
			rounds = append(rounds, fmt.Sprintf("%.2f", cpuOf(&ours[i])/cpuOf(&theirs[i])))
		}
		ratio := median(ours, cpuOf) / median(theirs, cpuOf)
		quickest := s.best(p.theirs, p99Of)
		delay := "-"
		if !s.refused {
			delay = fmt.Sprintf("%.2f", median(ours, p99Of)/median(s.samples[quickest.name], p99Of))
		}
		fmt.Fprintf(b, "| %s / %s | %.2f | %s | %.2f: %s | %s |\n",
			p.ours.name, best.name, ratio, strings.Join(rounds, " "), p.goal, verdict(ratio <= p.goal), delay)
	}
}

// best is the proxy with the lowest median of a figure.
func (s *scene) best(of []proxy, figure func(*sample) float64) proxy {
	return slices.MinFunc(of, func(x, y proxy) int {
		return cmp.Compare(median(s.samples[x.name], figure), median(s.samples[y.name], figure))
	})
}
