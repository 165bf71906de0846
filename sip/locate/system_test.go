package locate

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"testing"
)

// The names of /etc/hosts count, which no name server knows.
func TestSystemKnowsTheHostsFile(t *testing.T) {
	addrs, ttl, err := System{}.Addrs(t.Context(), "localhost")
	if err != nil || ttl != 0 || len(addrs) == 0 {
		t.Fatalf("%v for %v, %v", addrs, ttl, err)
	}
	if i := slices.IndexFunc(addrs, func(a netip.Addr) bool { return !a.IsLoopback() }); i >= 0 {
		t.Errorf("localhost is %v", addrs)
	}
}

func TestClassify(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		missing bool
	}{
		"no such name": {&net.DNSError{IsNotFound: true}, true},
		"no records":   {nil, true},
		"SERVFAIL":     {&net.DNSError{IsTemporary: true}, false},
		"timeout":      {&net.DNSError{IsTimeout: true}, false},
		"other":        {errors.New("no route"), false},
	} {
		if err := classify(test.err); err == nil || errors.Is(err, ErrNotFound) != test.missing {
			t.Errorf("%s: %v", name, err)
		}
	}
}
