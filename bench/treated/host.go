//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"ringfence/media"
)

// host is a process of its own that runs the media engine, so that what it uses can be told from what
// the generator uses.
type host struct {
	scene string // prompts, bridge, or nothing
	calls int
	peers [2]netip.AddrPort // where callers and called listen
	ports string            // file that is to hold the ports of the legs
}

// promptTime is how long the prompt is, a usual one.
const promptTime = 12 * time.Second

// promptSamples is the prompt that all contestants play.
func promptSamples() []int16 {
	samples := make([]int16, promptTime*sampleRate/time.Second)
	for i := range samples {
		at := float64(i) / sampleRate
		samples[i] = int16(6000 * math.Sin(2*math.Pi*300*at) * math.Sin(2*math.Pi*2.5*at))
	}
	return samples
}

// run opens the calls and carries them until the process is told to end.
func (h *host) run() error {
	engine, err := media.NewEngine(media.Options{Local4: loopback, First: firstPort, Last: lastPort, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	prompt := []*media.Prompt{media.NewPrompt("prompt", "en", promptSamples())}
	ports := [2][]uint16{}
	for range h.calls {
		var legs [2]*media.Leg
		for side := range legs {
			if h.scene == "prompts" && side > 0 {
				break
			}
			leg, err := engine.Open(loopback, func(media.Event) {})
			if err != nil {
				return err
			}
			leg.Agree(media.Stream{
				Remote: h.peers[side], Codec: media.PCMA, Encoding: "PCMA/8000", Direction: media.SendRecv,
				PayloadType: payloadType, ReceiveType: payloadType,
			})
			legs[side] = leg
			ports[side] = append(ports[side], leg.Local().Port())
		}
		if h.scene == "prompts" {
			legs[0].Play(prompt, 0)
			continue
		}
		legs[0].Hear(legs[1])
		legs[1].Hear(legs[0])
	}
	if err := h.tell(ports); err != nil {
		return err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	counts := engine.Counts()
	fmt.Printf("%+v\n", counts)
	return engine.Close()
}

// tell writes the ports, all at once.
func (h *host) tell(ports [2][]uint16) error {
	text, err := json.Marshal(ports)
	if err != nil {
		return err
	}
	if err := os.WriteFile(h.ports+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(h.ports+".new", h.ports)
}
