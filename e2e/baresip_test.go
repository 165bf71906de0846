//go:build e2e

package e2e_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

const baresipConfig = `
sip_listen %[1]s
net_interface %[6]s
audio_source aufile,%[2]s/spoken.wav
audio_player aubridge,nil
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports %[3]d-%[4]d
module_path %[5]s
module g711.so
module sndfile.so
module aufile.so
module aubridge.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen %[7]s
snd_path %[2]s
`

// telephone is a baresip that speaks into a call and records what it hears. It has no sound card.
type telephone struct {
	*process
	addr    string
	dir     string
	control string // ADDRESS:PORT that takes commands
}

// startTelephone starts a baresip of a user at ip, which answers calls, says what is spoken over and
// over, and runs the commands given.
func startTelephone(t *testing.T, ip, user string, spoken []int16, commands ...string) telephone {
	t.Helper()
	port, media := freePort(t, ip), freePort(t, ip)&^1
	phone := telephone{addr: address(ip, port), dir: t.TempDir(), control: address(ip, freePort(t, ip))}
	write(t, filepath.Join(phone.dir, "spoken.wav"), string(wav(spoken)))
	write(t, filepath.Join(phone.dir, "config"),
		fmt.Sprintf(baresipConfig, phone.addr, phone.dir, media, media+20, baresipModules(t), ip, phone.control))
	write(t, filepath.Join(phone.dir, "accounts"), fmt.Sprintf("<sip:%s@%s>;regint=0;answermode=auto;audio_codecs=pcma\n", user, ip))
	write(t, filepath.Join(phone.dir, "contacts"), "")
	command := []string{"baresip", "-f", phone.dir, "-t", "60"}
	for _, c := range commands {
		command = append(command, "-e", c)
	}
	phone.process = start(t, "baresip of "+user, command...)
	phone.says(t, 10*time.Second, "baresip is ready")
	return phone
}

// baresipModules is where baresip's modules are: Debian puts them into a folder of the system's own.
func baresipModules(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("baresip's modules are not found: sudo apt-get install --no-install-recommends baresip-core")
	return ""
}

// press presses keys in the telephone's call, which it sends by RFC 4733.
func (p telephone) press(t *testing.T, keys string) {
	t.Helper()
	p.command(t, "sndcode", keys)
}

// command has the telephone do something. It fails the test if it cannot.
func (p telephone) command(t *testing.T, name, params string) {
	t.Helper()
	conn, err := net.Dial("tcp", p.control)
	if err != nil {
		t.Fatalf("%s takes no commands: %v", p.name, err)
	}
	defer conn.Close()
	command := fmt.Sprintf(`{"command": %q, "params": %q}`, name, params)
	if _, err := fmt.Fprintf(conn, "%d:%s,", len(command), command); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var said []byte // answer and events come by one way
	for part := make([]byte, 4096); !bytes.Contains(said, []byte(`"ok":true`)); {
		n, err := conn.Read(part)
		said = append(said, part[:n]...)
		if err != nil || bytes.Contains(said, []byte(`"ok":false`)) {
			t.Fatalf("%s does not %s %s: %q, %v", p.name, name, params, said, err)
		}
	}
}

// heard is what the telephone heard so far. Early media and the call after it are two recordings.
func (p telephone) heard(t *testing.T) (sound []int16) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s recorded nothing: %v", p.name, err)
	}
	for _, file := range files { // in the order of their times
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sound = append(sound, samples(t, data)...)
	}
	return sound
}

// Two telephones talk through the gateway: each hears the tone that the other speaks, and not its own.
func TestTelephonesTalk(t *testing.T) {
	const callerTone, calledTone = 697.0, 1336.0
	pbx := startTelephone(t, pbxIP, called, sine(calledTone, 20*time.Second))
	g := prepare(t, "", pbx.addr).serve(t)
	caller := startTelephone(t, carrierIP, "13800138000", sine(callerTone, 20*time.Second), fmt.Sprintf("/dial sip:%s@%s", called, g.Addr))
	caller.says(t, 10*time.Second, "Call established")
	pbx.says(t, 10*time.Second, "Call established")
	time.Sleep(3 * time.Second) // of talk
	caller.stop(t)              // it says BYE
	pbx.says(t, 5*time.Second, "terminated")
	pbx.stop(t)
	checkTone(t, caller, calledTone, callerTone)
	checkTone(t, pbx, callerTone, calledTone)
	if r := g.records(t, 1)[0]; r.Outcome.Status != 200 || r.Verdict.Treatment.Name() != "allow" {
		t.Errorf("recorded as %+v %+v", r.Verdict, r.Outcome)
	}
}

// A telephone that calls the stand-in PBX hears its tone, and then its own voice.
func TestTelephoneHearsStandIn(t *testing.T) {
	const spoken = 1336.0
	pbx := startPhones(t, 0)
	g := prepare(t, "", pbx.target()).serve(t)
	caller := startTelephone(t, carrierIP, "13800138000", sine(spoken, 20*time.Second), fmt.Sprintf("/dial sip:%s@%s", called, g.Addr))
	caller.says(t, 10*time.Second, "Call established")
	time.Sleep(3 * time.Second)
	caller.stop(t)
	heard := caller.heard(t)
	if len(heard) < 2*rate {
		t.Fatalf("%s of sound heard, want two seconds", time.Duration(len(heard))*time.Second/rate)
	}
	first, last := heard[rate/4:3*rate/4], heard[len(heard)-rate/2:]
	if share := toneShare(first, 440); share < 0.8 {
		t.Errorf("the PBX's tone is %.2f of the first second", share)
	}
	if share := toneShare(last, spoken); share < 0.8 {
		t.Errorf("the caller's own voice is %.2f of the end", share)
	}
}

// checkTone checks that a telephone heard one tone and not the other.
func checkTone(t *testing.T, p telephone, want, not float64) {
	t.Helper()
	heard := p.heard(t)
	if len(heard) < 2*rate {
		t.Fatalf("%s heard %d samples, want two seconds", p.name, len(heard))
	}
	middle := heard[len(heard)/2-rate/2 : len(heard)/2+rate/2]
	if share, other := toneShare(middle, want), toneShare(middle, not); share < 0.8 || other > 0.05 {
		t.Errorf("%s heard %.2f of %v Hz and %.2f of %v Hz", p.name, share, want, other, not)
	}
}
