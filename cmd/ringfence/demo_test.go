package main

import (
	"net"
	"regexp"
	"strings"
	"testing"
)

// freePorts is the first of two ports of loopback, ten apart, that nobody listens on at the moment, by UDP or TCP.
func freePorts(t *testing.T) uint16 {
	t.Helper()
	for range 50 {
		port := freePort(t)
		if port+10 > 65535 {
			continue
		}
		free := true
		for _, p := range []int{port, port + 10} {
			udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p})
			if err != nil {
				free = false
				continue
			}
			_ = udp.Close()
			tcp, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p})
			if err != nil {
				free = false
				continue
			}
			_ = tcp.Close()
		}
		if free {
			return uint16(port)
		}
	}
	t.Fatal("no two free ports")
	return 0
}

// The demo shows every verdict, and the person called at her telephone: what she heard, what she pressed, what
// came of it.
func TestDemo(t *testing.T) {
	var out strings.Builder
	d := &demo{port: freePorts(t), once: true, out: &out}
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`\+8613800138000 +carrier +allow +clean +200\n`,
		`\+8613900139000 +carrier +refuse +block-listed +603, reference \d{12}\n`,
		`\+8602196110 +intl +refuse +official-code-from-abroad +608, reference \d{12}\n`,
		`\+8613700137000 +itsp +warn +plus86-network-video +607, the telephone shows "\[疑似冒充公检法 Suspected fake officials\] 网信办 刘主任"\n` +
			` +heard (3\.\d|4(\.\d)?)s of the announcement officials, pressed 9: refused and reported by the person called\n`,
		`\+8617000170000 +carrier +warn +watch-listed +200, the telephone shows "\[疑似冒充客服 Suspected fake service\] Refund service"\n` +
			` +heard (2\.\d|3(\.\d)?)s of the announcement customer-service, pressed 1: the person called took the call\n`,
		`\+861065550199 +intl +refuse +cn-fixed-from-abroad +608, reference \d{12}\n`,
		`kefu +carrier +label +charset +200, the telephone shows "\[高风险来电 High-risk call\] Customer service"\n`,
		`\+864008001234 +carrier +divert +answer-only-400-800 +200, diverted to voicemail\n`,
	} {
		if !regexp.MustCompile(want).MatchString(out.String()) {
			t.Errorf("%s is not in\n%s", want, out.String())
		}
	}
}
