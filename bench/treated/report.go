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

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// median is that of a figure of the samples.
func median(samples []sample, figure func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, figure(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// report is everything as Markdown.
func (p plan) report(r results) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# The media of treated calls beside rtpengine

Measured %s by `+"`make bench-treated`"+` (arguments: %s).

- Machine: %s, %d cores, Linux %s, loopback. Generator and contestants share the cores; nothing is pinned.
- Media engine: Ringfence's, in a process of its own, %s.
- Whole gateway: %s. Each call is set up by SIP: the person called is warned, and in relayed calls takes it by key 1.
- rtpengine: %s, user space (no kernel module), its defaults.
- Asterisk is not in this Debian.
- Sound is A-law, 20 ms a packet, %.0f s a prompt. On the busy machine a program for each core never waits,
  and the contestants have a nice value of -10, as Ringfence's systemd unit gives it.
- Each figure is the median of %d rounds, in which the contestants take turns: %s before, %s that count.
- CPU is user and system time of the process tree, for a second of one call.
- Off schedule is how far packets are from where most of their stream are: by RTP timestamps against the
  kernel's time of arrival; of relayed calls, by the time at which they were sent to be relayed.
- Memory is what the process tree holds, less what it holds without a call.
`,
		time.Now().UTC().Format(time.DateOnly), cmp.Or(strings.Join(os.Args[1:], " "), "none"),
		program.Processor(), runtime.NumCPU(), program.FirstLine("uname", "-r"), runtime.Version(), program.FirstLine(p.gateway, "--version"),
		program.FirstLine("sh", "-c", "rtpengine --version 2>&1"), promptTime.Seconds(), p.rounds, p.warmup, p.duration)
	for _, s := range scenes {
		fmt.Fprintf(&b, "\n## %d %s\n\n| | streams heard | CPU, us | off schedule p50, ms | p99 | delay p50, ms | p99 | lost | memory a call, KB |\n"+
			"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n", p.calls(s), s.name)
		for _, c := range p.contestants() {
			samples := r[s.name][c.name]
			if len(samples) == 0 {
				continue
			}
			lost, packets := 0, 0
			for _, got := range samples {
				lost, packets = lost+got.lost, packets+got.packets
			}
			delay := func(q float64) string {
				if s.prompts {
					return "-"
				}
				return fmt.Sprintf("%.2f", median(samples, func(s sample) float64 { return quantile(s.delay, q) }))
			}
			fmt.Fprintf(&b, "| %s | %.0f of %d | %.1f | %.2f | %.2f | %s | %s | %d of %d | %.0f |\n", c.name,
				median(samples, func(s sample) float64 { return float64(s.streams) }), samples[0].wanted,
				median(samples, func(s sample) float64 { return micros(s.cpu) }),
				median(samples, func(s sample) float64 { return quantile(s.off, 0.5) }),
				median(samples, func(s sample) float64 { return quantile(s.off, 0.99) }),
				delay(0.5), delay(0.99), lost, packets,
				median(samples, func(s sample) float64 { return float64(s.memory) / 1024 }))
		}
	}
	return b.String()
}
