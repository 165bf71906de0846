package audit

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"ringfence/call"
)

// warned is the i-th sample as a call whose person called heard a warning and reported the caller.
func warned(i int) *call.Record {
	r := sample(i)
	r.Verdict.Treatment = call.Warn{Prefix: "[!] ", AudioOnly: true}
	r.Treated = &call.Treated{
		Announcement: "officials", Language: "zh", Heard: 4500 * time.Millisecond, CalledKeys: "59", CallerKeys: "7",
		Choice: call.ChoiceReported, Connected: 2 * time.Second, HungUp: "called",
	}
	return r
}

// warnedLog is the path of a closed log with the 4th sample, warned of, alone.
func warnedLog(t *testing.T) string {
	t.Helper()
	o := options(t)
	l := open(t, o)
	l.Append(warned(4))
	closeLog(t, l)
	return o.Path
}

func TestTreatedRoundTrips(t *testing.T) {
	e, err := reader(t, warnedLog(t)).Get(context.Background(), 1)
	if err != nil || e.Record == nil {
		t.Fatalf("%+v, %v", e, err)
	}
	want := warned(4)
	if !reflect.DeepEqual(e.Record.Treated, want.Treated) || e.Record.Verdict.Treatment != want.Verdict.Treatment {
		t.Errorf("read %+v by %+v", e.Record.Treated, e.Record.Verdict.Treatment)
	}
	if s := e.Call; s.Announcement != "officials" || s.Language != "zh" || s.Choice != call.ChoiceReported || s.Connected != 2*time.Second {
		t.Errorf("summary %+v", s)
	}
}

// What was chosen survives the erasure of who chose it; the keys do not.
func TestErasedTreatmentKeepsNoKeys(t *testing.T) {
	path := warnedLog(t)
	ctx := context.Background()
	if n, err := Erase(ctx, path, Erasure{Number: sample(4).Facts.Caller.Number, Author: "dpo", Reason: "asked"}); n != 1 || err != nil {
		t.Fatalf("%d erased, %v", n, err)
	}
	r := reader(t, path)
	e, err := r.Get(ctx, 1)
	if err != nil || !e.Erased || e.Call.Choice != call.ChoiceReported {
		t.Errorf("%+v, %v", e, err)
	}
	if text, err := json.Marshal(e); err != nil || strings.Contains(string(text), "keys") {
		t.Errorf("%s, %v", text, err)
	}
	if report, err := r.Verify(ctx, nil, nil); err != nil || !report.OK() {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestMaskedHidesKeys(t *testing.T) {
	e, err := reader(t, warnedLog(t)).Get(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	m := e.Masked()
	if got := m.Record.Treated; got.CalledKeys != masked || got.CallerKeys != masked || got.Announcement != "officials" {
		t.Errorf("masked %+v", got)
	}
	if e.Record.Treated.CalledKeys != "59" {
		t.Error("masking changed the entry itself")
	}
}

func TestExportCSVOfATreatedCall(t *testing.T) {
	var out bytes.Buffer
	if _, err := reader(t, warnedLog(t)).Export(context.Background(), &out, FormatCSV, Filter{}, false); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	fields := map[string]string{}
	for i, name := range rows[0] {
		fields[name] = rows[1][i]
	}
	for name, want := range map[string]string{
		"treatment": "warn", "announcement": "officials", "language": "zh", "heard_ms": "4500", "called_keys": "59",
		"caller_keys": "7", "choice": "reported", "connected_ms": "2000", "hung_up": "called",
	} {
		if fields[name] != want {
			t.Errorf("%s is %q, want %q", name, fields[name], want)
		}
	}
}
