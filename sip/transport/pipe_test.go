package transport_test

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"testing/synctest"

	"ringfence/sip/transport"
)

func pipe() (a, b net.PacketConn) {
	return transport.Pipe(netip.MustParseAddrPort("192.0.0.8:5060"), netip.MustParseAddrPort("192.0.0.8:5062"))
}

func TestPipeKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe()
		const messages = 1000
		read := make(chan error, 1)
		go func() {
			buf := make([]byte, 100)
			for i := range messages {
				n, from, err := b.ReadFrom(buf)
				if err != nil || string(buf[:n]) != strconv.Itoa(i) || from.String() != a.LocalAddr().String() {
					read <- errors.New("read " + string(buf[:n]) + " for " + strconv.Itoa(i))
					return
				}
			}
			read <- nil
		}()
		for i := range messages {
			if i%10 == 0 {
				synctest.Wait()
			}
			if n, err := a.WriteTo([]byte(strconv.Itoa(i)), nil); n == 0 || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := <-read; err != nil {
			t.Error(err)
		}
	})
}

func TestPipeIsBounded(t *testing.T) {
	a, b := pipe()
	message := make([]byte, transport.MaxMessage)
	taken := 0
	for ; ; taken++ {
		if _, err := a.WriteTo(message, nil); errors.Is(err, transport.ErrPipeFull) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if taken != transport.MaxPipe/len(message) {
		t.Errorf("%d messages found room", taken)
	}
	for range taken {
		if n, _, err := b.ReadFrom(message); n != len(message) || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := a.WriteTo(message, nil); err != nil {
		t.Error("what was read makes no room:", err)
	}
	if _, err := a.WriteTo(make([]byte, transport.MaxMessage+1), nil); err == nil {
		t.Error("a message that is too large is taken")
	}
}

func TestPipeCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pipe()
		ended := make(chan error, 2)
		for range 2 {
			go func() {
				_, _, err := a.ReadFrom(make([]byte, 10))
				ended <- err
			}()
		}
		synctest.Wait()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-ended; !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
		}
		if _, err := a.WriteTo([]byte("x"), nil); !errors.Is(err, net.ErrClosed) {
			t.Error("write to a closed end:", err)
		}
		if _, err := b.WriteTo([]byte("x"), nil); err != nil {
			t.Error("write to the other end:", err)
		}
		if err := a.Close(); !errors.Is(err, net.ErrClosed) {
			t.Error("second close:", err)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
}
