package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ringfence/blocklist"
	"ringfence/call"
	"ringfence/configs"
	"ringfence/sip/proxy"
	"ringfence/sip/standin"
)

// newDemoCommand returns `ringfence demo`.
func newDemoCommand() *cobra.Command {
	var d demo
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show calls being screened, on this machine alone",
		Long: `Start a gateway on loopback with the built-in configuration, a small PBX behind it and a caller
before it, place calls that show each verdict, and print a line for each. Then keep serving, so that
you can call it yourself. Ctrl-C ends it; nothing is left behind.

Two of the callers are suspects: the person called answers, hears the warning and presses a key. The
first call she refuses and reports, the second she takes.

Source addresses tell the trunks apart: 127.0.0.1 is a domestic carrier, 127.0.0.2 brings calls from
abroad, 127.0.0.3 is an Internet telephony provider.`,
		Example: `  ringfence demo
  sipp -sn uac 127.0.0.1:5060 -i 127.0.0.2 -m 1     then, from another shell`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			d.out = cmd.OutOrStdout()
			return d.run(ctx)
		},
	}
	cmd.Flags().Uint16Var(&d.port, "port", 5060, "port of the gateway on 127.0.0.1, UDP and TCP; the PBX takes the tenth after it")
	cmd.Flags().StringVar(&d.admin, "admin", "127.0.0.1:9160", "`ADDRESS:PORT` of health and metrics; empty turns them off")
	cmd.Flags().BoolVar(&d.once, "once", false, "end after the calls instead of serving on")
	return cmd
}

// demo is a run of the demo.
type demo struct {
	port  uint16
	admin string
	once  bool

	out   io.Writer
	mu    sync.Mutex        // guards out and shown
	shown map[string]string // what the telephone displayed, by the reference of the call
}

func (d *demo) run(ctx context.Context) (err error) {
	state, err := os.MkdirTemp("", "ringfence-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(state)) }()
	cfg, err := configs.Default(state)
	if err != nil {
		return err
	}
	quiet := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	pbxAddr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), d.port+10)
	d.place(cfg, pbxAddr)
	d.shown = map[string]string{}

	pbx, err := standin.StartPBX(ctx, standin.Options{
		Listen: pbxAddr.String(), Ring: 200 * time.Millisecond, OnCall: d.rings, OnAnswer: decides, Log: quiet,
	})
	if err != nil {
		return fmt.Errorf("the demo's PBX: %w (another --port takes other ports)", err)
	}
	defer pbx.Close()
	if err := seed(ctx, cfg); err != nil {
		return err
	}
	a, err := startApp(ctx, cfg, quiet, d.print)
	if err != nil {
		return fmt.Errorf("%w (--port and --admin take other ports)", err)
	}
	defer func() { err = errors.Join(err, a.drain()) }()

	gateway := a.gateway.Addrs()[0]
	fmt.Fprintf(d.out, "Ringfence on %s, its PBX on %s.\n\n", gateway, pbxAddr)
	fmt.Fprintf(d.out, demoLine, "CALLER", "TRUNK", "VERDICT", "REASON", "SIP OUTCOME")
	for _, c := range demoCalls {
		if err := c.place(ctx, gateway); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
	if d.once {
		return nil
	}
	fmt.Fprintf(d.out, demoInvitation, gateway, gateway, cfg.Lists.Store, cfg.Audit.Database)
	<-ctx.Done()
	return nil
}

// place moves the built-in configuration to the ports asked for.
func (d *demo) place(cfg *configs.Config, pbx netip.AddrPort) {
	for i := range cfg.SIP.Listen {
		l := &cfg.SIP.Listen[i]
		l.Addr = netip.AddrPortFrom(l.Addr.Addr(), d.port)
	}
	for i := range cfg.PBX.Targets {
		cfg.PBX.Targets[i].Port = pbx.Port()
	}
	for name, divert := range cfg.Divert {
		divert.URI.Port = pbx.Port()
		cfg.Divert[name] = divert
	}
	cfg.Admin.Listen = d.admin
}

const (
	demoLine   = "%-18s %-8s %-8s %-28s %s\n"
	demoIndent = 18 + 8 + 8 + 28 + 4 // of the last column
)

const demoInvitation = `
Still serving. From another shell:
  sipp -sn uac %s -i 127.0.0.2 -m 1             a call from abroad
  baresip -e "/dial sip:+862155500001@%s"       a call by hand: you hear a tone, then yourself
  ringfence list add +8613700137000 --store %s --author me --reason test
  ringfence calls list --database %s
Ctrl-C ends the demo.

`

// demoCall is one of the calls the demo places.
type demoCall struct {
	from string // source address, which is the trunk
	call standin.Call
}

const (
	demoListed  = "+8613900139000"
	demoAllowed = "+861065550100" // a Beijing number of a customer whose PBX stands abroad
	demoWatched = "+8617000170000"
	demoOfficer = "+8613700137000"
	demoCalled  = "02155500001"
)

var demoCalls = []demoCall{
	{"127.0.0.1", standin.Call{From: "13800138000", Display: "Wang Li", To: demoCalled}},
	{"127.0.0.1", standin.Call{From: demoListed, Display: "Liu Weijian", To: demoCalled}},
	{"127.0.0.2", standin.Call{From: "+8602196110", Display: "96110", To: demoCalled}},
	{"127.0.0.3", standin.Call{From: demoOfficer, Display: "网信办 刘主任", To: demoCalled, Video: true}},
	{"127.0.0.2", standin.Call{From: demoAllowed, Display: "Beijing office", To: demoCalled}},
	{"127.0.0.1", standin.Call{From: demoWatched, Display: "Refund service", To: demoCalled}},
	{"127.0.0.2", standin.Call{From: "+861065550199", Display: "Court", To: demoCalled}},
	{"127.0.0.1", standin.Call{From: "kefu", Display: "Customer service", To: demoCalled}},
	{"127.0.0.1", standin.Call{From: "4008001234", Display: "Bank", To: demoCalled}},
}

// place places the call and waits for its end.
func (c *demoCall) place(ctx context.Context, gateway netip.AddrPort) error {
	caller, err := standin.NewCaller(ctx, standin.CallerOptions{Local: c.from + ":0", Gateway: gateway})
	if err != nil {
		return fmt.Errorf("the demo's caller: %w", err)
	}
	defer caller.Close()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	c.call.Hold = 300 * time.Millisecond
	_, err = caller.Call(ctx, c.call)
	return err
}

// seed fills the demo's lists.
func seed(ctx context.Context, cfg *configs.Config) (err error) {
	store, err := openStore(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	now := time.Now().UTC()
	entry := func(list call.List, text string, category call.Category, reason string) blocklist.Entry {
		pattern, parseErr := call.ParsePattern(text)
		err = errors.Join(err, parseErr)
		return blocklist.Entry{
			List: list, Pattern: pattern, Category: category, Source: call.SourceStaff,
			Author: "demo", Reason: reason, Added: now, Expires: now.Add(24 * time.Hour),
		}
	}
	entries := []blocklist.Entry{
		entry(call.ListBlock, demoListed, call.CategoryOfficials, "reported as a false cyberspace administration officer"),
		entry(call.ListAllow, demoAllowed, call.CategoryNone, "customer whose PBX stands abroad"),
		entry(call.ListWatch, demoWatched, call.CategoryService, "reported once as false customer service"),
	}
	if err != nil {
		return err
	}
	return store.Put(ctx, entries, blocklist.Signature{Author: "demo", Reason: "the lists of the demo", Time: now})
}

// rings notes what the telephone shows.
func (d *demo) rings(r standin.Received) {
	d.mu.Lock()
	defer d.mu.Unlock()
	reference := proxy.ReferenceIn(r.Ringfence)
	d.shown[reference] = r.Display
	if r.Diversion != "" {
		d.shown[reference] = "to " + r.Called
	}
}

// decides is what the person called does once she hears who may be calling: she reports the false officer, and
// takes the call of the refund service.
func decides(r standin.Received) []standin.Press {
	if r.Diversion != "" {
		return nil // it is the voicemail that answers
	}
	switch r.Caller {
	case demoOfficer:
		return []standin.Press{{After: 4 * time.Second, Key: '9'}}
	case demoWatched:
		return []standin.Press{{After: 3 * time.Second, Key: '1'}}
	}
	return nil
}

// print prints the line of a call when it has had its final response.
func (d *demo) print(r *call.Record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	outcome := fmt.Sprintf("%d", r.Outcome.Status)
	switch r.Verdict.Treatment.(type) {
	case call.Label:
		outcome += fmt.Sprintf(", the telephone shows %q", d.shown[r.Reference])
	case call.Warn:
		outcome += fmt.Sprintf(", the telephone shows %q", d.shown[r.Reference])
		if t := r.Treated; t != nil {
			outcome += fmt.Sprintf("\n%*sheard %s of the announcement %s, pressed %s: %s",
				demoIndent, "", seconds(t.Heard), t.Announcement, t.CalledKeys, choiceText(t.Choice))
		}
	case call.Divert:
		outcome += ", diverted " + d.shown[r.Reference]
	case call.Refuse:
		outcome += ", reference " + r.Reference
	}
	delete(d.shown, r.Reference)
	caller := cmp.Or(r.Facts.Caller.Number.String(), r.Facts.Caller.Text, "anonymous")
	fmt.Fprintf(d.out, demoLine, caller, r.Facts.Trunk, r.Verdict.Treatment.Name(), r.Verdict.Reason, outcome)
}
