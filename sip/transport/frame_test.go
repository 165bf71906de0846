package transport

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// framed is all that comes out of a stream.
type framed struct {
	messages []string
	pings    int
	err      error
}

func (f framed) equal(g framed) bool {
	return slices.Equal(f.messages, g.messages) && f.pings == g.pings && errors.Is(f.err, g.err)
}

// frameAll frames a stream whose reads bring as many bytes as cuts says, over and over; none brings
// as many as there is room for.
func frameAll(stream, cuts []byte) framed {
	var f framer
	var got framed
	for i := 0; len(stream) > 0; i++ {
		n := min(len(stream), len(f.space()))
		if len(cuts) > 0 {
			n = min(n, int(cuts[i%len(cuts)])+1)
		}
		copy(f.space(), stream[:n])
		f.fill(n)
		stream = stream[n:]
		for {
			message, err := f.next()
			if message != nil {
				got.messages = append(got.messages, string(message))
			}
			if got.err = err; err != nil || message == nil {
				break
			}
		}
		got.pings += f.takePings()
		if got.err != nil {
			break
		}
	}
	return got
}

func TestFraming(t *testing.T) {
	head := "BYE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1\r\n"
	long := head + "X: " + strings.Repeat("x", MaxMessage) + "\r\n\r\n"
	whole := head + "Content-Length: " + decimal(MaxMessage-len(head)-25) + "\r\n\r\n"
	whole += strings.Repeat("b", MaxMessage-len(whole))
	tests := []struct {
		name   string
		stream string
		want   framed
	}{
		{"nothing", "", framed{}},
		{"one", options("v=0"), framed{messages: []string{options("v=0")}}},
		{"several", options("v=0") + options("") + options("x"), framed{messages: []string{options("v=0"), options(""), options("x")}}},
		{"no length is none", head + "\r\n" + options(""), framed{messages: []string{head + "\r\n", options("")}}},
		{"compact", head + "l: 3\r\n\r\nabc", framed{messages: []string{head + "l: 3\r\n\r\nabc"}}},
		{"compact, upper case", head + "L:3\r\n\r\nabc", framed{messages: []string{head + "L:3\r\n\r\nabc"}}},
		{"any case and space", head + "cONTENT-lENGTH \t:\t 3 \r\n\r\nabc", framed{messages: []string{head + "cONTENT-lENGTH \t:\t 3 \r\n\r\nabc"}}},
		{"folded", head + "Content-Length:\r\n 3\r\n\r\nabc", framed{messages: []string{head + "Content-Length:\r\n 3\r\n\r\nabc"}}},
		{"folded elsewhere", head + "Subject: a\r\n l: 9\r\nl: 3\r\n\r\nabc", framed{messages: []string{head + "Subject: a\r\n l: 9\r\nl: 3\r\n\r\nabc"}}},
		{"leading zeros", head + "l: 0000000000000000000003\r\n\r\nabc", framed{messages: []string{head + "l: 0000000000000000000003\r\n\r\nabc"}}},
		{"said twice alike", head + "l: 3\r\nContent-Length: 03\r\n\r\nabc", framed{messages: []string{head + "l: 3\r\nContent-Length: 03\r\n\r\nabc"}}},
		{"said twice differently", head + "l: 3\r\nContent-Length: 4\r\n\r\nabcd", framed{messages: []string{head + "l: 3\r\nContent-Length: 4\r\n\r\n"}, err: errFraming}},
		{"not a number", head + "l: abc\r\n\r\nabc", framed{messages: []string{head + "l: abc\r\n\r\n"}, err: errFraming}},
		{"negative", head + "l: -1\r\n\r\nabc", framed{messages: []string{head + "l: -1\r\n\r\n"}, err: errFraming}},
		{"signed", head + "l: +1\r\n\r\nabc", framed{messages: []string{head + "l: +1\r\n\r\n"}, err: errFraming}},
		{"two in one", head + "l: 3, 3\r\n\r\nabc", framed{messages: []string{head + "l: 3, 3\r\n\r\n"}, err: errFraming}},
		{"empty", head + "l:\r\n\r\nabc", framed{messages: []string{head + "l:\r\n\r\n"}, err: errFraming}},
		{"beyond a word", head + "l: 99999999999999999999999999\r\n\r\nabc", framed{messages: []string{head + "l: 99999999999999999999999999\r\n\r\n"}, err: errOversize}},
		{"too large", head + "l: 65535\r\n\r\nabc", framed{messages: []string{head + "l: 65535\r\n\r\n"}, err: errOversize}},
		{"header too large", long, framed{messages: []string{long[:MaxMessage]}, err: errOversize}},
		{"largest", whole + options(""), framed{messages: []string{whole, options("")}}},
		{"empty lines before", "\r\n" + options(""), framed{messages: []string{options("")}}},
		{"ping", "\r\n\r\n" + options("") + "\r\n\r\n\r\n\r\n", framed{messages: []string{options("")}, pings: 3}},
		{"half pings around a message", "\r\n" + options("") + "\r\n", framed{messages: []string{options("")}}},
		{"no ping of other ends of line", "\n\n\r\r\n\r\n\n", framed{pings: 1}},
		{"STUN", "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl", framed{err: errNotSIP}},
		{"TLS", "\x16\x03\x01\x02\x00", framed{err: errNotSIP}},
		{"too short", "BYE\r\n\r\n", framed{err: errNotSIP}},
		{"incomplete", head, framed{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, cuts := range [][]byte{nil, {0}, {1, 6, 0}, {254}} {
				if got := frameAll([]byte(test.stream), cuts); !got.equal(test.want) {
					t.Errorf("cut by %v: got %q, %d pings, %v; want %q, %d pings, %v", cuts,
						got.messages, got.pings, got.err, test.want.messages, test.want.pings, test.want.err)
				}
			}
		})
	}
}

// However the bytes are cut into reads, the messages that come out are the same; each can be found in
// the stream, in order.
func FuzzFramer(f *testing.F) {
	f.Add([]byte(options("v=0")+"\r\n\r\n"+options("")), []byte{0})
	f.Add([]byte("BYE sip:a@b SIP/2.0\r\nl: 3\r\nContent-Length: 4\r\n\r\nabcd"), []byte{3, 1})
	f.Add([]byte("\r\n\r\n\r\nBYE sip:a@b SIP/2.0\r\nl:\r\n\t2\r\n\r\nab\x16"), []byte{1})
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		want := frameAll(stream, nil)
		if got := frameAll(stream, cuts); !got.equal(want) {
			t.Fatalf("cut by %v: %+v; whole: %+v", cuts, got, want)
		}
		rest := stream
		for _, message := range want.messages {
			i := bytes.Index(rest, []byte(message))
			if i < 0 || len(message) < minMessage || len(message) > MaxMessage {
				t.Fatalf("message %q of %d bytes is not one of the stream", message, len(message))
			}
			rest = rest[i+len(message):]
		}
	})
}

// A connection that once carried a large message gives the memory back.
func TestFramerShrinks(t *testing.T) {
	var f framer
	large := options(strings.Repeat("b", 40000))
	for stream := large; len(stream) > 0; {
		n := copy(f.space(), stream)
		f.fill(n)
		stream = stream[n:]
	}
	if message, err := f.next(); string(message) != large || err != nil {
		t.Fatalf("message of %d bytes, error %v", len(message), err)
	}
	if room := len(f.space()); room != minBuffer {
		t.Errorf("%d bytes are kept", room)
	}
}

func BenchmarkFramer(b *testing.B) {
	message := options(strings.Repeat("b", 500))
	var f framer
	b.SetBytes(int64(len(message)))
	b.ReportAllocs()
	for b.Loop() {
		f.fill(copy(f.space(), message))
		if got, err := f.next(); len(got) != len(message) || err != nil {
			b.Fatal(len(got), err)
		}
	}
}
