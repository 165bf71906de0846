package callscript

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/call"
)

// recordReaders reads what a script can say of a record.
var recordReaders = map[string]func(r *call.Record) string{
	"status":     func(r *call.Record) string { return strconv.Itoa(r.Outcome.Status) },
	"by":         func(r *call.Record) string { return r.Outcome.By.String() },
	"target":     func(r *call.Record) string { return r.Outcome.Target },
	"attempts":   func(r *call.Record) string { return strconv.Itoa(r.Outcome.Attempts) },
	"cause":      func(r *call.Record) string { return string(r.Outcome.Cause) },
	"treatment":  func(r *call.Record) string { return r.Verdict.Treatment.Name() },
	"reason":     func(r *call.Record) string { return string(r.Verdict.Reason) },
	"rule":       func(r *call.Record) string { return r.Verdict.Rule },
	"category":   func(r *call.Record) string { return string(r.Verdict.Category) },
	"trunk":      func(r *call.Record) string { return r.Facts.Trunk },
	"transport":  func(r *call.Record) string { return r.Facts.Transport },
	"caller":     func(r *call.Record) string { return r.Facts.Caller.Number.String() },
	"form":       func(r *call.Record) string { return r.Facts.Caller.Form.String() },
	"text":       func(r *call.Record) string { return r.Facts.Caller.Text },
	"display":    func(r *call.Record) string { return r.Facts.Caller.Display },
	"identity":   func(r *call.Record) string { return r.Facts.Identity.String() },
	"from":       func(r *call.Record) string { return r.Facts.From.Number.String() },
	"asserted":   func(r *call.Record) string { return r.Facts.Asserted.Number.String() },
	"called":     func(r *call.Record) string { return r.Facts.Called.Number.String() },
	"diverted":   func(r *call.Record) string { return r.Facts.Diverted.Number.String() },
	"private":    func(r *call.Record) string { return strconv.FormatBool(r.Facts.Private) },
	"emergency":  func(r *call.Record) string { return strconv.FormatBool(r.Facts.Emergency) },
	"psap":       func(r *call.Record) string { return strconv.FormatBool(r.Facts.PSAPCallback) },
	"video":      func(r *call.Record) string { return strconv.FormatBool(r.Facts.Media.Video) },
	"user-agent": func(r *call.Record) string { return r.Facts.UserAgent },
	"elapsed":    func(r *call.Record) string { return r.Outcome.Elapsed.Round(100 * time.Millisecond).String() },
}

func recordFields() []string { return slices.Sorted(maps.Keys(recordReaders)) }

// describe says what a record says, for people.
func describe(r *call.Record) string {
	var words []string
	for _, name := range []string{"status", "treatment", "reason", "by", "attempts", "cause", "trunk", "caller", "called", "target"} {
		if value := recordReaders[name](r); value != "" {
			words = append(words, name+"="+value)
		}
	}
	return strings.Join(words, " ")
}

// run takes the next record and compares it. Its reference becomes $ref.
func (e expected) run(r *run) error {
	record := r.nextRecord()
	if record == nil {
		return errors.New("there is no record")
	}
	r.vars["ref"] = record.Reference
	for _, f := range e.fields {
		if got := recordReaders[f.name](record); got != f.value {
			return fmt.Errorf("%s is %q, in the record %s", f.name, got, describe(record))
		}
	}
	return nil
}

func (r *run) nextRecord() *call.Record {
	deadline := time.Now().Add(r.patience())
	for {
		r.settle()
		r.mu.Lock()
		if len(r.records) > 0 {
			record := r.records[0]
			r.records = r.records[1:]
			r.mu.Unlock()
			return record
		}
		r.mu.Unlock()
		if !time.Now().Before(deadline) {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}
