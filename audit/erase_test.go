package audit

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"ringfence/call"
)

func TestEraseLeavesNoTrace(t *testing.T) {
	path := filled(t, 9)
	ctx := context.Background()
	number := sample(4).Facts.Caller.Number
	if content, err := os.ReadFile(path); err != nil || !bytes.Contains(content, binary.BigEndian.AppendUint64(nil, uint64(number))) {
		t.Fatalf("the number must stand among the search keys before: %v", err)
	}
	order := Erasure{Number: number, Author: "dpo", Reason: "request 7", DryRun: true}
	if n, err := Erase(ctx, path, order); n != 1 || err != nil {
		t.Fatalf("dry run: %d, %v", n, err)
	}
	order.DryRun = false
	if n, err := Erase(ctx, path, order); n != 1 || err != nil {
		t.Fatalf("erased %d, %v", n, err)
	}
	if n, err := Erase(ctx, path, order); n != 0 || err != nil {
		t.Fatalf("erased again %d, %v", n, err)
	}
	r := reader(t, path)
	e, err := r.Get(ctx, 5)
	if err != nil || !e.Erased || e.Record != nil || e.Call.Reference != call.Reference(4) {
		t.Errorf("entry %+v, %v", e, err)
	}
	key := binary.BigEndian.AppendUint64(nil, uint64(number))
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil && (strings.Contains(string(content), number.Digits()) || bytes.Contains(content, key)) {
			t.Errorf("the number still stands in the file calls.db%s", suffix)
		}
	}
	for want, bad := range map[string]Erasure{
		"number": {Author: "a", Reason: "r"}, "author": {Number: number, Reason: "r"}, "reason": {Number: number, Author: "a"},
	} {
		if _, err := Erase(ctx, path, bad); err == nil || !strings.Contains(err.Error(), want+" is missing") {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := Erase(ctx, path+".none", order); err == nil {
		t.Error("a database that does not exist must not be made")
	}
}

func TestEraseBesideARunningGateway(t *testing.T) {
	o := options(t)
	o.busy = time.Second
	l := open(t, o)
	for i := range 30 {
		l.Append(sample(i))
		if i == 15 {
			eventually(t, "written", func() bool { return l.Stats().Written > 0 })
			if _, err := Erase(context.Background(), o.Path, Erasure{Number: erasable, Author: "dpo", Reason: "asked"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeLog(t, l)
	intact(t, o.Path, 30)
}
