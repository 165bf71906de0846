package sip_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/synctest"

	"ringfence/call"
	"ringfence/configs"
	"ringfence/screening"
	"ringfence/sip/callscript"
)

// screener returns the screening of a site in Shanghai with the embedded rules for China.
func screener(t *testing.T) func(*call.Facts, call.Lists) call.Verdict {
	t.Helper()
	rules, err := configs.CompileRules([]string{"cn"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return func(f *call.Facts, lists call.Lists) call.Verdict { return screening.Decide(f, rules, lists) }
}

// scripts reads every call script, by its name.
func scripts(t *testing.T) map[string]*callscript.Script {
	t.Helper()
	files, err := filepath.Glob("testdata/calls/*.call")
	if err != nil || len(files) == 0 {
		t.Fatalf("no call scripts: %v", err)
	}
	all := map[string]*callscript.Script{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		script, err := callscript.Parse(file, source)
		if err != nil {
			t.Error(err)
			continue
		}
		all[filepath.Base(file)] = script
	}
	return all
}

// Every call script holds, in virtual time.
func TestCalls(t *testing.T) {
	screen := screener(t)
	for name, script := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := script.Run(callscript.Options{Screen: screen, Settle: synctest.Wait}); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The scripts that the documentation shows hold.
func TestDocumentedCalls(t *testing.T) {
	const file = "../docs/call-scripts.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?ms)^```call\n(.*?)^```").FindAllSubmatch(text, -1)
	if len(shown) == 0 {
		t.Fatalf("%s shows no script", file)
	}
	screen := screener(t)
	for _, source := range shown {
		script, err := callscript.Parse(file, source[1])
		if err != nil {
			t.Fatal(err)
		}
		synctest.Test(t, func(t *testing.T) {
			if err := script.Run(callscript.Options{Screen: screen, Settle: synctest.Wait}); err != nil {
				t.Error(err)
			}
		})
	}
}

// The same scripts run over real sockets.
func TestCallsOnLoopback(t *testing.T) {
	screen := screener(t)
	all := scripts(t)
	for _, name := range []string{"basic.call", "bye-from-pbx.call", "outbound.call", "cancel-while-ringing.call", "reinvite.call", "tcp-to-udp.call", "udp-to-tcp.call", "tcp-two-in-one-segment.call", "label.call", "divert.call", "refuse-608.call", "transparency.call", "options-answered.call"} {
		t.Run(name, func(t *testing.T) {
			if all[name] == nil {
				t.Fatal("there is no such script")
			}
			if err := all[name].Run(callscript.Options{Screen: screen}); err != nil {
				t.Error(err)
			}
		})
	}
}
