//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"ringfence/bench/program"
)

// startRTPEngine starts rtpengine in user space, as it runs where its kernel module is not. Its prompts
// are those of its command "play media".
func startRTPEngine(scratch string, s scene, calls int, sockets [2]*socket) (*program.Process, [2][]uint16, error) {
	var ports [2][]uint16
	control, err := freePort()
	if err != nil {
		return nil, ports, err
	}
	p, err := program.Start(scratch, "rtpengine", s.words("rtpengine", "--foreground", "--log-stderr", "--log-level=4", "--table=-1",
		"--interface="+loopback.String(), "--listen-ng="+control.String(), "--config-file=none",
		fmt.Sprint("--port-min=", firstPort), fmt.Sprint("--port-max=", lastPort), "--pidfile="+filepath.Join(scratch, "rtpengine.pid"))...)
	if err != nil {
		return nil, ports, err
	}
	fail := func(err error) (*program.Process, [2][]uint16, error) {
		p.Stop()
		text, _ := os.ReadFile(p.Log)
		return nil, ports, fmt.Errorf("rtpengine: %w\n%s", err, text[max(0, len(text)-2000):])
	}
	ng, err := dialNG(control)
	if err != nil {
		return fail(err)
	}
	defer ng.conn.Close()
	prompt := filepath.Join(scratch, "prompt.wav")
	if err := writeWAV(prompt, promptSamples()); err != nil {
		return fail(err)
	}
	for i := range calls {
		id, caller, called := fmt.Sprint("call-", i), fmt.Sprint("a-", i), fmt.Sprint("b-", i)
		toCalled, err := ng.ask("offer", "call-id", id, "from-tag", caller, "sdp", description(sockets[0].local))
		if err != nil {
			return fail(err)
		}
		toCaller, err := ng.ask("answer", "call-id", id, "from-tag", caller, "to-tag", called, "sdp", description(sockets[1].local))
		if err != nil {
			return fail(err)
		}
		for side, reply := range [][]byte{toCaller, toCalled} {
			port, err := audioPort(reply)
			if err != nil {
				return fail(err)
			}
			ports[side] = append(ports[side], port)
		}
		if s.prompts {
			if _, err := ng.ask("play media", "call-id", id, "from-tag", caller, "file", prompt, "repeat-times", "100"); err != nil {
				return fail(err)
			}
		}
	}
	return p, ports, nil
}

// description is the SDP of one side of all calls.
func description(peer netip.AddrPort) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\nm=audio %[2]d RTP/AVP %[3]d\r\na=rtpmap:%[3]d PCMA/8000\r\na=ptime:20\r\n",
		peer.Addr(), peer.Port(), payloadType)
}

// audioPort is the port of the audio in a reply that holds a description.
func audioPort(reply []byte) (uint16, error) {
	_, rest, _ := bytes.Cut(reply, []byte("m=audio "))
	digits, _, found := bytes.Cut(rest, []byte(" "))
	port, err := strconv.ParseUint(string(digits), 10, 16)
	if !found || err != nil {
		return 0, fmt.Errorf("no audio in %q", reply)
	}
	return uint16(port), nil
}

// ng speaks rtpengine's control protocol: dictionaries in bencode over UDP, each behind a cookie.
type ng struct {
	conn   net.Conn
	cookie int
	buf    [65536]byte
}

// dialNG waits until rtpengine answers.
func dialNG(to netip.AddrPort) (*ng, error) {
	conn, err := net.Dial("udp", to.String())
	if err != nil {
		return nil, err
	}
	n := &ng{conn: conn}
	for try := 0; ; try++ {
		if _, err = n.ask("ping"); err == nil || try == 100 {
			return n, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// ask sends a command with words that are keys and values in turn, and returns the answer.
func (n *ng) ask(command string, words ...string) ([]byte, error) {
	n.cookie++
	cookie := fmt.Sprint(n.cookie, " ")
	message := append([]byte(cookie), 'd')
	for _, word := range append([]string{"command", command}, words...) {
		message = fmt.Appendf(message, "%d:%s", len(word), word)
	}
	message = append(message, 'e')
	if _, err := n.conn.Write(message); err != nil {
		return nil, err
	}
	if err := n.conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	for {
		length, err := n.conn.Read(n.buf[:])
		if err != nil {
			return nil, err
		}
		reply, found := bytes.CutPrefix(n.buf[:length], []byte(cookie))
		switch {
		case !found: // an answer to a question asked before
		case bytes.Contains(reply, []byte("6:result2:ok")), bytes.Contains(reply, []byte("6:result4:pong")):
			return bytes.Clone(reply), nil
		default:
			return nil, fmt.Errorf("%s: %s", command, reply)
		}
	}
}

// freePort is a UDP port that nobody has.
func freePort() (netip.AddrPort, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 0)))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return conn.LocalAddr().(*net.UDPAddr).AddrPort(), conn.Close()
}

// writeWAV writes samples at the rate of G.711 as 16 bits.
func writeWAV(name string, samples []int16) error {
	size := uint32(2 * len(samples))
	var b bytes.Buffer
	b.WriteString("RIFF")
	fields := []any{
		size + 36, [8]byte([]byte("WAVEfmt ")), uint32(16), uint16(1), uint16(1), uint32(sampleRate), uint32(2 * sampleRate), uint16(2), uint16(16),
		[4]byte([]byte("data")), size, samples,
	}
	var err error
	for _, field := range fields {
		err = errors.Join(err, binary.Write(&b, binary.LittleEndian, field))
	}
	return errors.Join(err, os.WriteFile(name, b.Bytes(), 0o600))
}
