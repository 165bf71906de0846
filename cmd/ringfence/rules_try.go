package main

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ringfence/call"
	"ringfence/screening"
)

// trial is the call that `ringfence rules test` makes up.
type trial struct {
	class, format, caller, called, trunk string
	plan                                 call.Plan
	video, private                       bool
}

func (r *rulesCommand) testCommand() *cobra.Command {
	var try trial
	cmd := &cobra.Command{
		Use:   "test --trunk-class CLASS --caller NUMBER",
		Short: "Say what would be done with a call, and why",
		Long: `Say what would be done with a call, and why: the verdict, and then every check that was asked,
in order, with what it had to say. It runs the code that decides real calls. The lists are not
asked: "ringfence list show NUMBER" does that.

Output is tab-separated: first one line for each field of the verdict; after an empty line, one line
for each check in the columns
  outcome check why
and with --json one JSON object. The exit code is 0 whatever the verdict.`,
		Example: `  ringfence rules test --trunk-class voip --caller +862161234567 --video
  ringfence rules test --trunk-class international --format plus --caller 02196110
  ringfence rules test --config ringfence.yaml --trunk-class domestic --trunk carrier --caller 110`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("caller") || !cmd.Flags().Changed("trunk-class") {
				return usagef("--caller and --trunk-class are needed (see %s --help)", cmd.CommandPath())
			}
			facts, err := try.facts()
			if err != nil {
				return err
			}
			rules, err := r.rules()
			if err != nil {
				return err
			}
			verdict, steps := screening.Explain(facts, rules, nil)
			return r.explain(cmd.OutOrStdout(), facts, verdict, steps)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&try.class, "trunk-class", "", "`CLASS` of the trunk: domestic, international, voip or internal")
	flags.StringVar(&try.caller, "caller", "", "caller's `NUMBER` as the trunk writes it; \"\" for a caller without one")
	flags.StringVar(&try.called, "called", "", "called `NUMBER` as the trunk writes it")
	flags.StringVar(&try.trunk, "trunk", "", "`NAME` of the trunk, for rules that speak of one")
	flags.StringVar(&try.format, "format", "any", "number `FORMAT` that the trunk declares: any, plus, e164 or national")
	flags.StringVar(&try.plan.Country, "country", "86", "calling `CODE` of the site's country")
	flags.StringVar(&try.plan.International, "international", "00", "`DIGITS` dialled before a country code")
	flags.StringVar(&try.plan.National, "national", "0", "`DIGITS` dialled before an area code")
	flags.StringVar(&try.plan.Area, "area", "", "area `CODE` of the site, without the national prefix")
	flags.BoolVar(&try.video, "video", false, "the call offers video")
	flags.BoolVar(&try.private, "private", false, "the caller asks for privacy")
	return cmd
}

// facts are those of the made-up call.
func (t *trial) facts() (*call.Facts, error) {
	f := &call.Facts{Trunk: t.trunk, Private: t.private, Media: call.Media{Offered: true, Audio: true, Video: t.video}}
	for _, flag := range []struct {
		name, text string
		dst        encoding.TextUnmarshaler
	}{
		{"trunk-class", t.class, &f.Class},
		{"format", t.format, &f.Format},
	} {
		if err := flag.dst.UnmarshalText([]byte(flag.text)); err != nil {
			return nil, usagef("--%s: %w", flag.name, err)
		}
	}
	t.plan.Format = f.Format
	read := func(text string) call.Party {
		number, form := t.plan.Read(text)
		return call.Party{Text: text, Number: number, Form: form}
	}
	f.Caller, f.Called = read(t.caller), read(t.called)
	f.From = f.Caller
	return f, nil
}

func (r *rulesCommand) explain(out io.Writer, f *call.Facts, v call.Verdict, steps []screening.Step) error {
	if r.json {
		return json.NewEncoder(out).Encode(struct {
			Caller  call.Party       `json:"caller"`
			Verdict call.Verdict     `json:"verdict"`
			Checks  []screening.Step `json:"checks"`
		}{f.Caller, v, steps})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "caller\t%s (%s)\ntreatment\t%s\nrule\t%s\nreason\t%s\ncategory\t%s\nscore\t%d\nrules\t%s\n\n",
		f.Caller.Number, f.Caller.Form, treatmentText(v.Treatment), v.Rule, v.Reason, v.Category, v.Score, v.Rules)
	for _, s := range steps {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", s.Outcome, s.Check, s.Why)
	}
	_, err := io.WriteString(out, b.String())
	return err
}
