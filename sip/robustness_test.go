package sip_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Peers that are slow, silent or half gone hold up nobody: calls by datagrams and on other connections
// go through at once all the while, and what such peers hold is let go of in time.
func TestSlowPeersHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, ipv4, ipv4[2].Addr().String())
		slow, deaf, half, mute, other := e.stream(), e.stream(), e.stream(), e.stream(), e.stream()

		// One sends a byte a second and never ends.
		var speaking sync.WaitGroup
		defer func() {
			slow.close()
			deaf.close()
			speaking.Wait()
		}()
		crawl := e.request(slow, "INVITE", "crawl", "")
		speaking.Go(func() {
			for i := range crawl {
				if _, err := slow.conns[0].Write([]byte(crawl[i : i+1])); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		// One asks, and does not read what it is answered.
		end := make(chan struct{})
		defer close(end)
		deaf.answer = func(string) string {
			<-end
			return ""
		}
		speaking.Go(func() {
			for range 20_000 {
				if _, err := deaf.conns[0].Write([]byte(e.text("OPTIONS", "deaf"))); err != nil {
					return
				}
			}
		})
		// One stops speaking in the midst of a message.
		e.send(half, crawl[:100], 1<<16)
		if err := half.conns[0].(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		for second := range 40 {
			for _, p := range []*peer{e.trunkSide, other} {
				if err := e.call(p); err != nil {
					t.Fatalf("after %d s: %v", second, err)
				}
			}
			time.Sleep(time.Second)
		}
		for name, p := range map[string]*peer{"slow": slow, "half-closed": half} {
			if got := p.received(); len(got) != 1 || got[0] != "closed" {
				t.Errorf("the %s peer got %q, want its connection closed", name, got)
			}
		}
		if got := mute.received(); len(got) != 0 {
			t.Errorf("the silent peer got %q before its time", got)
		}
		if _, network := e.gateway.Stats(); network.Open > 3 {
			t.Errorf("%d connections are open, want the silent one and two that work", network.Open)
		}
		e.idle()
	})
}

// text is a plain request of a stream of the trunk, always the same.
func (e *edge) text(method, callID string) string {
	return fmt.Sprintf("%s sip:%s SIP/2.0\r\nVia: SIP/2.0/TCP %s;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\nFrom: <sip:a@%s>;tag=a\r\n"+
		"To: <sip:%s>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n", method, e.own, e.trunk, callID, e.trunk, e.own, callID, method)
}

// An hour of calls, answered, refused, cancelled and lost, leaves no memory behind.
func TestMemoryIsFlatOverAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, ipv4, ipv4[2].Addr().String())
		e.pbxSide.answer = func(message string) string {
			switch {
			case !strings.HasPrefix(message, "INVITE "):
				return answerSane(message)
			case strings.Contains(message, "Call-ID: busy"):
				return response(message, "486 Busy Here")
			case strings.Contains(message, "Call-ID: ring"):
				return response(message, "180 Ringing")
			}
			return answerSane(message)
		}
		heap := func() uint64 {
			runtime.GC()
			runtime.GC() // what finalizers held
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		over := e.stream()
		var early uint64
		for second := range 3600 {
			if second == 600 {
				early = heap()
			}
			p := e.trunkSide
			if second%2 == 0 {
				p = over
			}
			if err := e.call(p); err != nil {
				t.Fatalf("after %d s: %v", second, err)
			}
			kind := [...]string{"busy", "ring", "lost"}[second%3]
			invite := e.request(p, "INVITE", fmt.Sprint(kind, second), "")
			e.send(p, invite, 1<<16)
			synctest.Wait()
			if kind == "ring" {
				cancel := strings.NewReplacer("INVITE sip:", "CANCEL sip:", "1 INVITE", "1 CANCEL").Replace(invite)
				e.send(p, cancel, 1<<16)
			}
			time.Sleep(time.Second)
			p.received()
			e.pbxSide.received()
		}
		late := heap()
		if late > early+early/10+256<<10 {
			t.Errorf("%d kB at minute 60, %d kB at minute 10", late>>10, early>>10)
		}
		e.idle()
	})
}

// A body of 60 kB passes byte for byte, by datagrams and by a stream; a request that would not fit a
// datagram once our headers are added is answered 513 (RFC 3261 §21.5.7).
func TestLargeBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, ipv4, ipv4[2].Addr().String())
		for _, p := range []*peer{e.trunkSide, e.stream()} {
			text, body := e.large(p, 60_000)
			e.send(p, text, 1000)
			if got := e.pbxSide.received(); len(got) != 1 || !strings.HasSuffix(got[0], "\r\n\r\n"+body) {
				t.Errorf("forwarded as %d messages; answered %.100q", len(got), p.received())
			}
			p.received()
			text, _ = e.large(p, 65_150)
			e.send(p, text, 1000)
			if answers := p.received(); len(answers) != 2 || !strings.HasPrefix(answers[1], "SIP/2.0 513 ") {
				t.Errorf("%d bytes are answered %.100q, want 513", len(text), answers)
			}
			if got := e.pbxSide.received(); len(got) != 0 {
				t.Errorf("%d bytes were forwarded", len(got[0]))
			}
			if err := e.call(p); err != nil {
				t.Error(err)
			}
		}
		e.idle()
	})
}

// large is an INVITE with a body of so many bytes.
func (e *edge) large(p *peer, size int) (text, body string) {
	body = strings.Repeat("0123456789abcdef", size/16+1)[:size]
	text = e.request(p, "INVITE", fmt.Sprint("large-", e.calls), "Content-Type: text/plain\r\n")
	return strings.TrimSuffix(text, "0\r\n\r\n") + fmt.Sprintf("%d\r\n\r\n%s", size, body), body
}

// A message may have many headers, not any number of them; one that has as many as it may is still cancelled
// and acknowledged as it should, wherever in it the headers stand that this takes.
func TestHeaderCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := startEdge(t, ipv4, ipv4[2].Addr().String())
		for _, p := range []*peer{e.trunkSide, e.stream()} {
			for lines, want := range map[int]string{192: "SIP/2.0 100 ", 193: "SIP/2.0 400 Too many headers\r\n", 1000: "SIP/2.0 400 Too many headers\r\n"} {
				text := e.request(p, "INVITE", fmt.Sprint("many-", e.calls), "")
				start, rest, _ := strings.Cut(text, "\r\n")
				via, rest, _ := strings.Cut(rest, "\r\n")
				text = start + "\r\n" + via + "\r\n" + strings.Repeat("X-Filler: y\r\n", lines-strings.Count(rest, "\r\n")) + rest
				e.send(p, text, 1<<16)
				answers := p.received()
				if len(answers) == 0 || !strings.HasPrefix(answers[0], want) {
					t.Errorf("%d header lines are answered %.100q, want %q", lines, answers, want)
				}
				forwarded := e.pbxSide.received()
				if lines != 192 || len(forwarded) != 1 {
					continue
				}
				refusal := response(forwarded[0], "486 Busy Here")
				e.send(e.pbxSide, refusal, 0)
				acks := e.pbxSide.received()
				p.received()
				if len(acks) != 1 || !strings.HasPrefix(acks[0], "ACK ") || !strings.Contains(acks[0], "\r\nCSeq: 1 ACK\r\n") || !strings.Contains(acks[0], "\r\nFrom: <sip:+86138") {
					t.Errorf("the refusal is acknowledged by %q", acks)
				}
			}
		}
	})
}
