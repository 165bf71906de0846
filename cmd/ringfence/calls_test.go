package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ringfence/audit"
	"ringfence/call"
)

var callsStart = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func callsNumber(t *testing.T, text string) call.Number {
	t.Helper()
	n, err := call.ParseNumber(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// callsLog is a call log with an ordinary call, a refused one and a hostile anonymous one.
func callsLog(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.db")
	l, err := audit.Open(audit.Options{Path: path, Retention: audit.KeepForever, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	caller, called := callsNumber(t, "+8613800138000"), callsNumber(t, "+862155550000")
	facts := func(i int) call.Facts {
		return call.Facts{
			Time: callsStart.Add(time.Duration(i) * time.Minute), CallID: "id-" + string(rune('a'+i)), Trunk: "itsp", Class: call.ClassVoIP,
			Peer: netip.MustParseAddrPort("192.0.2.1:5060"), Transport: "udp",
			Caller: call.Party{Text: "+8613800138000", Number: caller, Form: call.FormPlus, Display: "Wang"},
			Called: call.Party{Text: "02155550000", Number: called, Form: call.FormNational},
			Media:  call.Media{Offered: true, Audio: true, Video: true}, RawFrom: "<sip:+8613800138000@192.0.2.1>;tag=1",
		}
	}
	ordinary := &call.Record{
		Reference: call.Reference(1), Facts: facts(0),
		Verdict: call.Verdict{Treatment: call.Allow{}, Rule: "clean", Reason: call.ReasonClean, Rules: "cn-1", Lists: "7"},
		Outcome: call.Outcome{Status: 200, By: call.EndedByCalled, Target: "pbx-1", Attempts: 1, Elapsed: 3 * time.Second},
	}
	refused := &call.Record{
		Reference: call.Reference(2), Facts: facts(1),
		Verdict: call.Verdict{
			Treatment: call.Refuse{Class: call.RefusalRejected}, Rule: "block", Reason: call.ReasonBlockListed,
			Category: call.CategoryOfficials, Score: 95, Rules: "cn-1", Lists: "8",
			Match:    call.Match{List: call.ListBlock, Pattern: call.Pattern{Number: caller}, Source: call.SourceReport},
			Failures: []call.Failure{{Check: "history", Error: "no store"}},
		},
		Outcome: call.Outcome{Status: 608, By: call.EndedByGateway, Elapsed: time.Millisecond},
	}
	hostile := &call.Record{
		Reference: call.Reference(3), Facts: facts(2),
		Verdict: call.Verdict{Treatment: call.Label{Prefix: "? "}, Rule: "anonymous", Reason: call.ReasonAnonymous},
		Outcome: call.Outcome{Status: 487, By: call.EndedByCaller},
	}
	hostile.Facts.Caller = call.Party{Text: "=cmd\t\x1b[31m\u202e", Form: call.FormInvalid}
	for _, r := range []*call.Record{ordinary, refused, hostile} {
		l.Append(r)
	}
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	return path
}

// runCalls carries out a command line on the call log at path.
func runCalls(path string, args ...string) (stdout, stderr string, err error) {
	cmd := newCallsCommand(func(string) (string, error) { return path, nil })
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out, errOut bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errOut)
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(context.Background())
	return out.String(), errOut.String(), err
}

func TestCallsList(t *testing.T) {
	path := callsLog(t)
	const header = "time\tseq\ttrunk\tclass\tcaller\tcalled\ttreatment\trule\treason\tstatus\treference\tchoice\n"
	ordinary := "2026-11-23T08:00:00Z\t1\titsp\tvoip\t+8613800138000\t+862155550000\tallow\tclean\tclean\t200\t" + call.Reference(1) + "\t-\n"
	refused := "2026-11-23T08:01:00Z\t2\titsp\tvoip\t+8613800138000\t+862155550000\trefuse\tblock\tblock-listed\t608\t" + call.Reference(2) + "\t-\n"
	hostile := "2026-11-23T08:02:00Z\t3\titsp\tvoip\t=cmd\\t\\x1b[31m\\u202e\t+862155550000\tlabel\tanonymous\tanonymous\t487\t" + call.Reference(3) + "\t-\n"
	for line, want := range map[string]string{
		"list":                                 hostile + refused + ordinary,
		"list --limit 1":                       hostile,
		"list --before 3 --limit 1":            refused,
		"list --caller +8613800138000":         refused + ordinary,
		"list --caller +86138*":                refused + ordinary,
		"list --treatment refuse --status 608": refused,
		"list --from 2026-11-23T08:01 --to 2026-11-23T08:02":   refused,
		"list --from 2026-11-23T16:01:00+08:00 --limit 1":      hostile,
		"list --to 2026-11-23":                                 "",
		"list --reference " + call.Reference(1):                ordinary,
		"list --call-id id-b":                                  refused,
		"list --trunk itsp --rule block --reason block-listed": refused,
		"list --called +862155550000 --caller +8613800138001":  "",
		"list --mask --reference " + call.Reference(1):         strings.NewReplacer("+8613800138000", "+86138******00", "+862155550000", "+8621******00").Replace(ordinary),
	} {
		out, _, err := runCalls(path, strings.Fields(line)...)
		if err != nil || out != header+want {
			t.Errorf("%s: %v\n got %q\nwant %q", line, err, out, header+want)
		}
	}
	out, _, err := runCalls(path, "list", "--json", "--since", "36500d")
	var e audit.Entry
	if err != nil || json.NewDecoder(strings.NewReader(out)).Decode(&e) != nil || e.Call.Reference != call.Reference(3) {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCallsUsage(t *testing.T) {
	path := callsLog(t)
	for line, want := range map[string]string{
		"list extra":                         "unknown command",
		"list --since yesterday":             "--since",
		"list --since 1h --from 2026-11-23":  "give one",
		"list --from noon":                   "not a time",
		"list --limit -1":                    "--limit",
		"list --reference 123456789012":      "mistyped",
		"list --nonsense":                    "unknown flag",
		"list --database a --config b":       "give one",
		"show":                               "arg",
		"verify --head 12":                   "SEQ:HASH",
		"export --format xlsx":               "jsonl or csv",
		"erase nobody --author a --reason r": "not a telephone number",
		"erase +861 --author a":              "--reason is missing",
	} {
		out, _, err := runCalls(path, strings.Fields(line)...)
		var coded interface{ ExitCode() int }
		if err == nil || !strings.Contains(err.Error(), want) || !errors.As(err, &coded) || coded.ExitCode() != 2 || out != "" {
			t.Errorf("%s: %v, want %q and exit code 2\n%s", line, err, want, out)
		}
	}
	if _, _, err := runCalls(path, "show", "nobody"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("show nobody: %v", err)
	}
	if _, _, err := runCalls(path, "list", "--database", path+".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
}

func TestCallsShowExplains(t *testing.T) {
	path := callsLog(t)
	out, _, err := runCalls(path, "show", call.Reference(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"record       2\n", "reference    " + call.Reference(2), "time         2026-11-23T08:01:00Z", "trunk        itsp (voip)",
		"peer         192.0.2.1:5060 over udp", "call-id      id-b", `caller       +8613800138000 (plus), named "Wang", read from from`,
		"called       +862155550000, written 02155550000 (national)", "media        audio and video", "decision     refuse rejected (SIP 608)",
		"rule         block", "reason       block-listed", "category     officials", "score        95 of 100",
		"list entry   block list, +8613800138000, by report", "check failed history: no store",
		"decided with rules cn-1, lists 8", "outcome      608, by gateway, after 1ms", "hash ",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the page lacks %q:\n%s", want, out)
		}
	}
	out, _, err = runCalls(path, "show", "3", "--mask")
	if err != nil || strings.Contains(out, "13800138000") || strings.Contains(out, "cmd") {
		t.Errorf("%v: masked page shows who it was:\n%s", err, out)
	}
	out, _, err = runCalls(path, "show", "id-c")
	if err != nil || strings.ContainsAny(out, "\x1b\t\u202e") {
		t.Errorf("%v: what a caller sent reaches the terminal:\n%q", err, out)
	}
	var e audit.Entry
	out, _, err = runCalls(path, "show", "1", "--json")
	if err != nil || json.Unmarshal([]byte(out), &e) != nil || e.Record.Facts.CallID != "id-a" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestCallsEraseAndVerify(t *testing.T) {
	path := callsLog(t)
	order := []string{"erase", "+8613800138000", "--author", "wang", "--reason", "request 7"}
	if out, _, err := runCalls(path, order...); err != nil || out != "2 records found; nothing was erased (add --yes)\n" {
		t.Errorf("%v: %s", err, out)
	}
	if out, _, err := runCalls(path, append(order, "--yes")...); err != nil || out != "2 records erased\n" {
		t.Errorf("%v: %s", err, out)
	}
	out, stderr, err := runCalls(path, "verify")
	if err != nil || !strings.HasPrefix(out, "ok: 4 records, head 4:") || !strings.HasSuffix(out, "; personal data of 2 calls erased on request\n") || stderr != "" {
		t.Errorf("%v: %s%s", err, out, stderr)
	}
	head := strings.TrimSuffix(strings.Fields(out)[4], ";")
	if _, _, err = runCalls(path, "verify", "--head", head); err != nil {
		t.Error(err)
	}
	out, _, err = runCalls(path, "verify", "--head", "9:"+head[2:])
	if !errors.Is(err, errReported) || !strings.HasPrefix(out, "bad, findings 1: ") || !strings.Contains(out, "\nthe log ends at 4, before the anchor 9") {
		t.Errorf("%v: %s", err, out)
	}
	out, _, err = runCalls(path, "verify", "--json", "--head", "9:"+head[2:])
	var report audit.Report
	if !errors.Is(err, errReported) || json.Unmarshal([]byte(out), &report) != nil || len(report.Findings) != 1 || report.Erased != 2 {
		t.Errorf("%v: %s", err, out)
	}
	for _, key := range []string{call.Reference(1), "4"} {
		if out, _, err = runCalls(path, "show", key); err != nil || !strings.Contains(out, "erased") || strings.Contains(out, "13800138000") {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestCallsExport(t *testing.T) {
	path := callsLog(t)
	out, _, err := runCalls(path, "export", "--format", "csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(rows) != 4 || rows[1][6] != "'+8613800138000" || rows[3][6] != "'=cmd\t\x1b[31m\u202e" {
		t.Errorf("%v: %q", err, rows)
	}
	name := filepath.Join(t.TempDir(), "out.jsonl")
	if _, stderr, err := runCalls(path, "export", "--output", name, "--treatment", "refuse"); err != nil || stderr != "1 records written to "+name+"\n" {
		t.Errorf("%v: %s", err, stderr)
	}
	if _, _, err := runCalls(path, "export", "--output", name); !errors.Is(err, os.ErrExist) {
		t.Errorf("an existing file must stay: %v", err)
	}
	content, err := os.ReadFile(name)
	if err != nil || bytes.Count(content, []byte{'\n'}) != 1 {
		t.Errorf("%v: %s", err, content)
	}
}
