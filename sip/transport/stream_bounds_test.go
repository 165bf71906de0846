package transport

import (
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/sip/transport/memory"
)

func TestDialTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		w.Silence(pbx)
		h := newRecorder(nil)
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		began := time.Now()
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 1)
		send(n, Flow{Peer: pbx, Protocol: TCP}, options(""), 2)
		if got := h.waitFailed(2); !slices.Equal(got, []uint64{1, 2}) || time.Since(began) != DialTimeout {
			t.Errorf("failed %v after %v", got, time.Since(began))
		}
		synctest.Wait()
		if s := n.Stats(); s.DialFailures != 1 || s.Open != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestDialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		o := onWire(w)
		o.MaxDialling = 2
		h := newRecorder(nil)
		n := start(t, h, o, Listener{TCP, gateway})
		for i := range uint16(3) {
			to := netip.AddrPortFrom(pbx.Addr(), 6000+i)
			w.Silence(to)
			send(n, Flow{Peer: to, Protocol: TCP}, options(""), uint64(i)+1)
		}
		began := time.Now()
		if got := h.waitFailed(1); got[0] != 3 || time.Since(began) != 0 {
			t.Errorf("failed %v after %v", got, time.Since(began))
		}
		h.waitFailed(3)
	})
}

func TestPeerThatDoesNotReadLosesItsConnectionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		deaf, err := w.Listen(pbx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = deaf.Close() }()
		far, h := newRecorder(nil), newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, trunk})
		o := onWire(w)
		o.MaxQueue = 100_000
		n := start(t, h, o, Listener{TCP, gateway})
		message := options(strings.Repeat("b", 20_000))
		for i := range uint64(10) { // 3 fit the wire; 5 the queue, and the 6th ends it
			send(n, Flow{Peer: pbx, Protocol: TCP}, message, i+1)
			send(n, Flow{Peer: trunk, Protocol: TCP}, message, i+101)
			synctest.Wait()
		}
		far.wait(10)
		failed := h.waitFailed(5)
		if failed[0] < 2 || failed[len(failed)-1] > 100 {
			t.Errorf("failed: %v", failed)
		}
		if s := n.Stats(); s.QueueFull != 1 {
			t.Errorf("stats %+v", s)
		}
		conn, err := deaf.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	})
}

// A message that comes while a stream is on its way out goes over a new one.
func TestEndingStreamIsNotReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		far, h := newRecorder(nil), newRecorder(nil)
		start(t, far, onWire(w), Listener{TCP, pbx})
		o := onWire(w)
		o.MaxQueue = 1000
		n := start(t, h, o, Listener{TCP, gateway})
		for i := range 20 {
			send(n, Flow{Peer: pbx, Protocol: TCP}, options(strings.Repeat("b", 1000)), 1) // ends the stream
			send(n, Flow{Peer: pbx, Protocol: TCP}, options("small"), 2)
			far.wait(i + 1)
		}
		if failed := h.waitFailed(20); slices.Max(failed) != 1 {
			t.Errorf("failed: %v", failed)
		}
	})
}

func TestOnlyWhatWasWrittenCounts(t *testing.T) {
	o := outgoing{marks: []mark{{1, 100}, {2, 200}, {3, 300}, {4, never}}}
	for written, want := range map[int]int{0: 0, 99: 0, 100: 1, 199: 1, 250: 2, 300: 3} {
		var failed []uint64
		sent := o.settle(written, func(token uint64) { failed = append(failed, token) })
		if sent != want || len(failed) != 4-want || failed[0] != uint64(want)+1 {
			t.Errorf("%d bytes written: %d messages sent, %v failed", written, sent, failed)
		}
	}
}

func TestPeerThatReadsNothingStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		deaf, err := w.Listen(pbx)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = deaf.Close() }()
		h := newRecorder(nil)
		n := start(t, h, onWire(w), Listener{TCP, gateway})
		began := time.Now()
		for i := range uint64(4) {
			send(n, Flow{Peer: pbx, Protocol: TCP}, options(strings.Repeat("b", 20_000)), i+1)
		}
		h.waitFailed(1)
		if waited := time.Since(began); waited != 32*time.Second {
			t.Errorf("gave up after %v", waited)
		}
		synctest.Wait()
		if s := n.Stats(); s.Open != 0 || s.SendErrors != 1 { // 3 messages fit the wire
			t.Errorf("stats %+v", s)
		}
	})
}

func TestStreamTimeouts(t *testing.T) {
	tests := []struct {
		name   string
		opens  string        // written at once
		drip   string        // then a byte a second
		closes time.Duration // after the beginning
		stalls uint64
	}{
		{"idle", "", "", 10 * time.Minute, 0},
		{"idle after a message", options(""), "", 10 * time.Minute, 0},
		{"half a message", options("")[:30], "", 32 * time.Second, 1},
		{"slow loris", "", strings.Repeat("a", 40), 32 * time.Second, 1},
		{"kept alive", "", strings.Repeat("\n", 900), 899*time.Second + 10*time.Minute, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := memory.New()
				n := start(t, newRecorder(nil), onWire(w), Listener{TCP, gateway})
				conn := connect(t, w, trunk.Addr())
				began := time.Now()
				go func() {
					_, _ = io.WriteString(conn, test.opens)
					for i := range test.drip {
						if _, err := conn.Write([]byte{test.drip[i]}); err != nil {
							return
						}
						time.Sleep(time.Second)
					}
				}()
				expectClosed(t, conn)
				if got := time.Since(began); got != test.closes {
					t.Errorf("closed after %v, want %v", got, test.closes)
				}
				synctest.Wait()
				if got := n.Stats(); got.Stalled != test.stalls || got.Open != 0 {
					t.Errorf("stats %+v", got)
				}
				time.Sleep(2 * time.Second) // for the drip to notice
			})
		})
	}
}

func TestAcceptBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		o := onWire(w)
		o.MaxAccepted, o.MaxAcceptedPerPeer = 3, 2
		n := start(t, newRecorder(nil), o, Listener{TCP, gateway})
		first := connect(t, w, trunk.Addr())
		connect(t, w, trunk.Addr())
		expectClosed(t, connect(t, w, trunk.Addr())) // its third
		connect(t, w, pbx.Addr())
		expectClosed(t, connect(t, w, netip.MustParseAddr("192.0.2.9"))) // everybody's fourth
		_ = first.Close()
		synctest.Wait()
		again := connect(t, w, trunk.Addr()) // there is room again
		write(t, again, "\r\n\r\n")
		expect(t, again, "\r\n")
		if s := n.Stats(); s.Accepted != 4 || s.Refused != 2 || s.Open != 3 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestAdmissionOfStreamsFollowsChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := memory.New()
		var admitted atomic.Pointer[netip.Addr]
		peer := trunk.Addr()
		admitted.Store(&peer)
		o := onWire(w)
		o.Admit = func(a netip.Addr) bool { return a == *admitted.Load() }
		h := newRecorder(echo)
		n := start(t, h, o, Listener{TCP, gateway})
		expectClosed(t, connect(t, w, pbx.Addr()))
		conn := connect(t, w, trunk.Addr())
		write(t, conn, options(""))
		expect(t, conn, options(""))
		other := pbx.Addr()
		admitted.Store(&other)
		write(t, conn, options(""))
		expectClosed(t, conn)
		if s := n.Stats(); s.UnknownSource != 2 || s.Received != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}
