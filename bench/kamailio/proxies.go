//go:build linux

package main

import (
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/template"
	"time"

	"ringfence/bench/program"
)

// Where the ends of the calls are: the gateway tells trunk and PBX apart by address.
var (
	proxyIP  = netip.MustParseAddr("127.0.0.1")
	callerIP = netip.MustParseAddr("127.0.0.2")
	calleeIP = netip.MustParseAddr("127.0.0.3")
)

// listed is how many numbers are on the list. The callers are as many that are not on it, or those.
const listed = 10_000

// Callers as their carrier writes them; four digits follow.
const (
	allowedPrefix = "1380000"
	listedPrefix  = "1390000"
)

// proxy is one of the proxies under measurement, in one of its settings.
type proxy struct {
	name     string
	children int  // of Kamailio; 0 is Ringfence
	redis    bool // the list is in Redis
	// stateless has Kamailio refuse without a transaction: no retransmission by it, no ACK waited for.
	stateless bool
	pinned    bool // it has the last core, and no other
}

// command is the command that starts it.
func (p *proxy) command(words ...string) []string {
	if !p.pinned {
		return words
	}
	return append([]string{"taskset", "-c", strconv.Itoa(runtime.NumCPU() - 1)}, words...)
}

// running is a proxy that runs, and the generator before it; without a proxy its process is nil.
type running struct {
	*program.Process
	*generator
}

//go:embed kamailio.cfg
var kamailioText string

//go:embed ringfence.yaml
var ringfenceText string

var (
	kamailioConfig  = template.Must(template.New("kamailio.cfg").Parse(kamailioText))
	ringfenceConfig = template.Must(template.New("ringfence.yaml").Parse(ringfenceText))
)

// settings are what the configurations of the proxies are filled with.
type settings struct {
	Proxy, PBX       netip.AddrPort
	Caller           netip.Addr
	Children         int
	Redis, Stateless bool
	RedisHost        netip.Addr
	RedisPort        uint16
	Listed           int
	ListedPrefix     string
	State, Store     string
}

// bench is what all runs share.
type bench struct {
	ringfence string // the binary
	scratch   string
	redis     netip.AddrPort
	server    *program.Process // redis-server
	runs      int
}

// start starts a proxy before a generator and returns when a call gets through.
func (b *bench) start(p proxy) (r *running, err error) {
	addr, err := freePort()
	if err != nil {
		return nil, err
	}
	r = &running{}
	if r.generator, err = openGenerator(addr); err != nil {
		return nil, err
	}
	b.runs++
	dir := filepath.Join(b.scratch, fmt.Sprintf("%03d", b.runs))
	if err = os.Mkdir(dir, 0o700); err == nil {
		s := settings{
			Proxy: addr, PBX: r.callee.local, Caller: callerIP, Children: p.children, Redis: p.redis, Stateless: p.stateless,
			RedisHost: b.redis.Addr(), RedisPort: b.redis.Port(), Listed: listed, ListedPrefix: listedPrefix,
			State: filepath.Join(dir, "state"), Store: "file:" + filepath.Join(dir, "lists.tsv"),
		}
		if p.redis {
			s.Store = "redis://" + b.redis.String() + "/0"
		}
		if p.children > 0 {
			r.Process, err = startKamailio(&p, dir, &s)
		} else {
			r.Process, err = b.startRingfence(&p, dir, &s)
		}
	}
	if err == nil {
		err = r.ready()
	}
	if err != nil {
		r.stop()
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	return r, nil
}

// ready waits until a call gets through.
func (r *running) ready() error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		if err := r.Ended(); err != nil {
			return err
		}
		if r.run(load{calls: 1, rate: 1000}).completed == 1 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, _ := os.ReadFile(r.Log)
	return fmt.Errorf("no call got through within 20 s:\n%s", text[max(0, len(text)-2000):])
}

func (r *running) stop() {
	if r.Process != nil {
		r.Process.Stop()
	}
	r.close()
}

func startKamailio(p *proxy, dir string, s *settings) (*program.Process, error) {
	config, err := fill(kamailioConfig, dir, s)
	if err != nil {
		return nil, err
	}
	return program.Start(dir, "kamailio", p.command("kamailio", "-f", config, "-DD", "-x", "tlsf", "-X", "tlsf", "-m", "2048", "-M", "64",
		"-b", fmt.Sprint(socketBuffer), "-Y", dir)...)
}

func (b *bench) startRingfence(p *proxy, dir string, s *settings) (*program.Process, error) {
	config, err := fill(ringfenceConfig, dir, s)
	if err != nil {
		return nil, err
	}
	if !s.Redis { // that one was filled at the start
		if err := b.importList(dir, s.Store); err != nil {
			return nil, err
		}
	}
	return program.Start(dir, "ringfence", p.command(b.ringfence, "serve", "--config", config)...)
}

// importList puts the listed numbers into a store of Ringfence.
func (b *bench) importList(dir, store string) error {
	var numbers strings.Builder
	for i := range listed {
		fmt.Fprintf(&numbers, "+86%s%04d\n", listedPrefix, i)
	}
	file := filepath.Join(dir, "numbers.txt")
	if err := os.WriteFile(file, []byte(numbers.String()), 0o600); err != nil {
		return err
	}
	out, err := exec.Command(b.ringfence, "list", "import", file, "--store", store,
		"--list", "block", "--category", "loan", "--author", "bench", "--reason", "bench").CombinedOutput()
	if err != nil {
		return fmt.Errorf("ringfence list import: %w\n%s", err, out)
	}
	return nil
}

func fill(t *template.Template, dir string, s *settings) (file string, err error) {
	file = filepath.Join(dir, t.Name())
	var text strings.Builder
	if err = t.Execute(&text, s); err == nil {
		err = os.WriteFile(file, []byte(text.String()), 0o600)
	}
	return file, err
}

// startRedis starts the Redis of both proxies and fills its lists.
func (b *bench) startRedis() (err error) {
	if b.redis, err = freePort(); err != nil {
		return err
	}
	b.server, err = program.Start(b.scratch, "redis", "redis-server", "--port", fmt.Sprint(b.redis.Port()),
		"--bind", b.redis.Addr().String(), "--save", "", "--dir", b.scratch)
	if err != nil {
		return err
	}
	var conn net.Conn
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err = net.Dial("tcp", b.redis.String()); err == nil {
			break
		}
		if ended := b.server.Ended(); ended != nil || time.Now().After(deadline) {
			return errors.Join(err, ended)
		}
	}
	defer conn.Close()
	if err := fillRedis(conn); err != nil {
		return fmt.Errorf("filling Redis: %w", err)
	}
	return b.importList(b.scratch, "redis://"+b.redis.String()+"/0")
}

// fillRedis writes Kamailio's list: one key a number.
func fillRedis(conn net.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	var commands strings.Builder
	word := func(w string) { fmt.Fprintf(&commands, "$%d\r\n%s\r\n", len(w), w) }
	fmt.Fprintf(&commands, "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n*%d\r\n", 1+2*listed)
	word("MSET")
	for i := range listed {
		word(fmt.Sprintf("listed:%s%04d", listedPrefix, i))
		word("1")
	}
	if _, err := conn.Write([]byte(commands.String())); err != nil {
		return err
	}
	const want = "+OK\r\n+OK\r\n"
	got := make([]byte, 0, len(want))
	for len(got) < len(want) {
		n, err := conn.Read(got[len(got):cap(got)])
		if err != nil {
			return err
		}
		got = got[:len(got)+n]
	}
	if string(got) != want {
		return fmt.Errorf("it answered %q", got)
	}
	return nil
}

// freePort returns a port of loopback that is free, below those that the system hands out.
func freePort() (netip.AddrPort, error) {
	for port := uint16(17060); port < 18060; port++ {
		addr := netip.AddrPortFrom(proxyIP, port)
		udp, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(addr))
		if err != nil {
			continue
		}
		tcp, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(addr))
		_ = udp.Close()
		if err == nil {
			_ = tcp.Close()
			return addr, nil
		}
	}
	return netip.AddrPort{}, errors.New("no port of loopback from 17060 to 18059 is free")
}
