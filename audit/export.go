package audit

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"ringfence/call"
)

// Format is a form of export.
type Format string

// The formats.
const (
	FormatJSONLines Format = "jsonl" // one Entry a line
	FormatCSV       Format = "csv"   // RFC 4180 with a header, safe to open in a spreadsheet
)

// ParseFormat reads the name of a format.
func ParseFormat(text string) (Format, error) {
	switch f := Format(text); f {
	case FormatJSONLines, FormatCSV:
		return f, nil
	}
	return "", errors.New("format " + strconv.Quote(text) + " is not known: write jsonl or csv")
}

// Export writes the records that f chooses to w as they are read, and returns how many. With mask
// set, numbers are masked and texts that may name a person are left out.
func (r *Reader) Export(ctx context.Context, w io.Writer, format Format, f Filter, mask bool) (n int, err error) {
	buffered := bufio.NewWriter(w)
	write, flush := exporter(buffered, format)
	for e, err := range r.Scan(ctx, f) {
		if err != nil {
			return n, err
		}
		if mask {
			e = e.Masked()
		}
		if err := write(&e); err != nil {
			return n, err
		}
		n++
	}
	return n, errors.Join(flush(), buffered.Flush())
}

func exporter(w io.Writer, format Format) (write func(*Entry) error, flush func() error) {
	if format == FormatCSV {
		c := csv.NewWriter(w)
		err := c.Write(csvHeader)
		return func(e *Entry) error { return errors.Join(err, c.Write(csvRow(e))) },
			func() error { c.Flush(); return errors.Join(err, c.Error()) }
	}
	encoder := json.NewEncoder(w)
	return func(e *Entry) error { return encoder.Encode(e) }, func() error { return nil }
}

var csvHeader = []string{
	"seq", "kind", "time", "trunk", "class", "peer", "caller", "called", "call_id", "treatment", "rule", "reason",
	"category", "score", "status", "ended_by", "elapsed_ms", "target", "announcement", "language", "heard_ms",
	"called_keys", "caller_keys", "choice", "connected_ms", "hung_up", "reference", "rules", "lists", "erased", "hash",
}

func csvRow(e *Entry) []string {
	s := e.Call
	if s == nil {
		s = &Summary{}
	}
	var class, by, peer, callID, target string
	var treated call.Treated
	if e.Call != nil {
		class, by = s.Class.String(), s.By.String()
	}
	if r := e.Record; r != nil {
		callID, target = r.Facts.CallID, r.Outcome.Target
		if r.Facts.Peer.IsValid() {
			peer = r.Facts.Peer.String()
		}
		if r.Treated != nil {
			treated = *r.Treated
		}
	}
	fields := []string{
		strconv.FormatUint(e.Seq, 10), string(e.Kind), e.Time.UTC().Format(time.RFC3339Nano), s.Trunk, class, peer,
		e.Caller(), e.Called(), callID, s.Treatment, s.Rule, string(s.Reason), string(s.Category),
		strconv.Itoa(s.Score), strconv.Itoa(s.Status), by, milliseconds(s.Elapsed), target,
		s.Announcement, s.Language, milliseconds(treated.Heard), treated.CalledKeys, treated.CallerKeys, string(s.Choice),
		milliseconds(s.Connected), treated.HungUp, s.Reference, s.Rules, s.Lists, strconv.FormatBool(e.Erased), e.Hash.String(),
	}
	for i := range fields {
		fields[i] = inert(fields[i])
	}
	return fields
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// inert keeps a spreadsheet from taking a field for a formula: a field that begins with one of the
// signs that start one, also in full width and behind blanks or control characters, gets an
// apostrophe before it. That goes for +86… too, which a spreadsheet would otherwise calculate.
func inert(field string) string {
	text := strings.TrimLeftFunc(field, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
	if len(text) != len(field) || text != "" && strings.ContainsAny(firstRune(text), "=+-@|%\uff1d\uff0b\uff0d\uff20") {
		return "'" + field
	}
	return field
}

func firstRune(s string) string {
	for i := range s {
		if i > 0 {
			return s[:i]
		}
	}
	return s
}
