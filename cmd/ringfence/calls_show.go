package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ringfence/audit"
	"ringfence/call"
)

func (c *callsCommand) showCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show REFERENCE | SEQ | CALL-ID",
		Short: "Explain one call: who, over which trunk, what was decided and why",
		Long: `Show a call on one page: who called whom, over which trunk and by which identity, which rule or list
entry decided, with which versions of rules and lists, what failed on the way, how the call ended, and
the redress reference.

A call is named by the redress reference that its caller was given, by its sequence number in the log,
or by its SIP Call-ID. More than one attempt may share a Call-ID: all are shown, newest first.`,
		Example: `  ringfence calls show 123456789015
  ringfence calls show 4711 --json
  ringfence calls show a84b4c76e66710@203.0.113.5 --mask`,
		Args: takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.with(func(r *audit.Reader) error {
				found, err := r.Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				p := c.printer(cmd.OutOrStdout())
				for i, e := range found {
					if c.mask {
						e = e.Masked()
					}
					if i > 0 && !c.json {
						fmt.Fprintln(p.out)
					}
					if err := p.page(&e); err != nil {
						return err
					}
				}
				return p.out.Flush()
			})
		},
	}
	c.registerJSON(cmd)
	c.registerMask(cmd)
	return cmd
}

// page writes all of one record.
func (p *callsPrinter) page(e *audit.Entry) error {
	if p.json != nil {
		return p.json.Encode(e)
	}
	switch e.Kind {
	case audit.KindCall:
		p.call(e)
	case audit.KindPrune:
		p.item("record", "%d, about the log: records were pruned", e.Seq)
		p.item("time", "%s", e.Time.Format(time.RFC3339Nano))
		p.item("pruned", "all before %d", e.Prune.FirstKept)
		p.item("by", "%s", e.Prune.Author)
		p.item("reason", "%s", e.Prune.Reason)
	case audit.KindErase:
		p.item("record", "%d, about the log: personal data was erased", e.Seq)
		p.item("time", "%s", e.Time.Format(time.RFC3339Nano))
		p.item("records", "%s", strings.Trim(fmt.Sprint(e.Erase.Records), "[]"))
		p.item("by", "%s", e.Erase.Author)
		p.item("reason", "%s", e.Erase.Reason)
	}
	p.item("hash", "%s", e.Hash)
	return nil
}

// item writes one line of a page. What is written to a bufio.Writer fails when it is flushed.
func (p *callsPrinter) item(name, format string, args ...any) {
	if value := printable(fmt.Sprintf(format, args...)); value != "" {
		fmt.Fprintf(p.out, "%-12s %s\n", name, value)
	}
}

func (p *callsPrinter) call(e *audit.Entry) {
	s := e.Call
	p.item("record", "%d", e.Seq)
	p.item("reference", "%s", s.Reference)
	p.item("time", "%s", e.Time.Format(time.RFC3339Nano))
	p.item("trunk", "%s (%s)", s.Trunk, s.Class)
	if e.Erased {
		p.item("parties", "erased: the personal data of this call was deleted")
	} else {
		p.facts(&e.Record.Facts)
	}
	if e.Erased {
		p.item("decision", "%s", s.Treatment)
	} else {
		p.item("decision", "%s", treatmentText(e.Record.Verdict.Treatment))
	}
	p.item("rule", "%s", s.Rule)
	p.item("reason", "%s", s.Reason)
	p.item("category", "%s", s.Category)
	p.item("score", "%d of 100", s.Score)
	if !e.Erased {
		p.grounds(&e.Record.Verdict)
	}
	p.item("decided with", "rules %s, lists %s", s.Rules, s.Lists)
	p.item("outcome", "%d, by %s, after %s", s.Status, s.By, s.Elapsed)
	if !e.Erased && e.Record.Outcome.Attempts > 0 {
		p.item("sent to", "%s (targets tried: %d)", e.Record.Outcome.Target, e.Record.Outcome.Attempts)
	}
	p.treated(e)
}

// treated writes what came of a treatment, as far as it was not erased.
func (p *callsPrinter) treated(e *audit.Entry) {
	s := e.Call
	t := &call.Treated{Announcement: s.Announcement, Language: s.Language, Choice: s.Choice, Connected: s.Connected}
	if !e.Erased {
		t = e.Record.Treated
	}
	for _, item := range treatedItems(t) {
		p.item(item.name, "%s", item.text)
	}
}

func (p *callsPrinter) facts(f *call.Facts) {
	p.item("peer", "%s over %s", f.Peer, f.Transport)
	p.item("call-id", "%s", f.CallID)
	p.item("caller", "%s, read from %s", party(&f.Caller), f.Identity)
	p.item("From", "%s", f.RawFrom)
	p.item("P-A-I", "%s", f.RawAsserted)
	p.item("Identity", "%s", f.RawIdentity)
	p.item("called", "%s", party(&f.Called))
	if f.Diverted != (call.Party{}) {
		p.item("forwarded by", "%s", party(&f.Diverted))
	}
	p.item("media", "%s", offered(f))
	p.item("user agent", "%s", f.UserAgent)
	for _, mark := range []struct {
		set  bool
		text string
	}{
		{f.Emergency, "to an emergency service"},
		{f.PSAPCallback, "call-back of an emergency service"},
		{f.Private, "the caller asked for anonymity"},
	} {
		if mark.set {
			p.item("note", "%s", mark.text)
		}
	}
}

func (p *callsPrinter) grounds(v *call.Verdict) {
	if m := v.Match; !m.IsZero() {
		p.item("list entry", "%s list, %s, by %s", m.List, m.Pattern, m.Source)
	}
	for _, f := range v.Failures {
		p.item("check failed", "%s: %s", f.Check, f.Error)
	}
}

// party writes a party as it is understood, and as it was written where that differs.
func party(p *call.Party) string {
	if *p == (call.Party{}) {
		return "anonymous"
	}
	text := p.Number.String()
	if text == "" {
		text = p.Text
	}
	if text != p.Text {
		text += ", written " + p.Text
	}
	text += " (" + p.Form.String() + ")"
	if p.Display != "" {
		text += ", named " + strconv.Quote(p.Display)
	}
	return text
}

// offered says what media a call asked for.
func offered(f *call.Facts) string {
	switch m := f.Media; {
	case !m.Offered:
		return "no offer"
	case m.Audio && m.Video:
		return "audio and video"
	case m.Video:
		return "video"
	case m.Audio:
		return "audio"
	}
	return "neither audio nor video"
}
