package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ringfence/configs"
	"ringfence/media"
)

// newCheckCommand returns `ringfence check`.
func newCheckCommand() *cobra.Command {
	var show, asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Check a configuration without running it",
		Long: `Check a configuration, and the rules and certificates it asks for, without running it. Nothing is
listened on, resolved or asked.

Everything wrong is printed at once, each with file:line:column and the line it is on. If nothing is,
what was found is printed, tab-separated, with a line "warning" for what is right and yet likely not
wanted, such as a certificate about to expire or a prompt that cannot be used. With --show the
configuration itself is printed, with every default filled in and passwords starred.

Exit codes: 0 right, 1 something is wrong, 2 wrong usage.`,
		Example: `  ringfence check /etc/ringfence/ringfence.yaml
  ringfence check --show ringfence.yaml | less
  ringfence check --json ringfence.yaml | jq .problems`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			cfg, err := configs.Load(args[0])
			switch {
			case err != nil:
				return refused(out, args[0], err, asJSON)
			case show:
				return showConfig(out, cfg, asJSON)
			case asJSON:
				return writeJSON(out, found(args[0], cfg))
			default:
				return found(args[0], cfg).print(out)
			}
		},
	}
	cmd.Flags().BoolVar(&show, "show", false, "print the whole configuration, defaults filled in")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return cmd
}

// checked is what check says of a file.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Problems configs.Problems `json:"problems,omitempty"`
	Warnings []string         `json:"warnings,omitempty"`

	Node    string   `json:"node,omitempty"`
	Listen  []string `json:"listen,omitempty"`
	Trunks  []string `json:"trunks,omitempty"` // name and class
	Targets []string `json:"targets,omitempty"`
	Divert  []string `json:"divert,omitempty"` // names
	Media   []string `json:"media,omitempty"`  // addresses, and ports
	Treated []string `json:"treatments,omitempty"`
	Report  []string `json:"report,omitempty"` // feature code, and webhook
	Rules   []string `json:"rules,omitempty"`  // names, in the order they are asked
	Lists   string   `json:"lists,omitempty"`
	Audit   string   `json:"audit,omitempty"`
	Admin   string   `json:"admin,omitempty"`
}

// found is what a right configuration holds.
func found(file string, cfg *configs.Config) *checked {
	c := &checked{
		File: file, OK: true, Node: cfg.Node, Listen: texts(cfg.SIP.Listen), Targets: texts(cfg.PBX.Targets),
		Divert: slices.Sorted(maps.Keys(cfg.Divert)), Lists: cfg.Lists.Store.String(), Audit: cfg.Audit.Database, Admin: cfg.Admin.Listen,
		Warnings: cfg.Warnings(time.Now()),
	}
	for _, t := range cfg.Trunks {
		c.Trunks = append(c.Trunks, fmt.Sprintf("%s (%s)", t.Name, t.Class))
	}
	for _, r := range cfg.Screening().All() {
		c.Rules = append(c.Rules, r.Name)
	}
	if m := &cfg.Media; len(m.Addresses) > 0 {
		c.Media = append(texts(m.Addresses), fmt.Sprintf("ports %s for %d calls", m.Ports, m.Ports.Pairs()/2))
	}
	c.Treated = treatments(&cfg.Treatments)
	if _, err := media.LoadPrompts(configs.Prompts(), cfg.Treatments.Prompts); err != nil {
		for line := range strings.Lines(err.Error()) {
			c.Warnings = append(c.Warnings, "treatments.prompts: "+strings.TrimSpace(line))
		}
	}
	for _, text := range []string{string(cfg.Report.FeatureCode), cfg.Report.Webhook.URL} {
		if text != "" {
			c.Report = append(c.Report, text)
		}
	}
	return c
}

// treatments is how calls are treated, in a few words each.
func treatments(t *configs.Treatments) []string {
	all := []string{string(t.Language)}
	if t.Warn.Menu {
		all = append(all, "menu")
	}
	for _, place := range []struct{ what, name string }{
		{"voicemail", t.Warn.Voicemail},
		{"reporting line", t.Warn.ReportingLine},
		{"listening in", t.Warn.ListenIn},
		{"prompts", t.Prompts},
	} {
		if place.name != "" {
			all = append(all, place.what+" "+place.name)
		}
	}
	return all
}

func texts[T fmt.Stringer](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = v.String()
	}
	return all
}

// print writes what was found: one line each, its name, a tab, and its values.
func (c *checked) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ok\n", c.File)
	for _, line := range []struct {
		name   string
		values []string
	}{
		{"node", []string{c.Node}},
		{"listen", c.Listen},
		{"trunks", c.Trunks},
		{"targets", c.Targets},
		{"divert", c.Divert},
		{"media", joined(c.Media)},
		{"treatments", joined(c.Treated)},
		{"report", joined(c.Report)},
		{"rules", c.Rules},
		{"lists", []string{c.Lists}},
		{"audit", []string{c.Audit}},
		{"admin", []string{c.Admin}},
	} {
		text := strings.Join(line.values, ", ")
		if text == "" {
			text = "-"
		}
		if len(line.values) > 1 {
			text = fmt.Sprintf("%d: %s", len(line.values), text)
		}
		fmt.Fprintf(&b, "%s\t%s\n", line.name, text)
	}
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, "warning\t%s\n", w)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

// joined is one value for all that belong together and need not be counted.
func joined(values []string) []string { return []string{strings.Join(values, ", ")} }

// refused prints why a file is refused.
func refused(out io.Writer, file string, err error, asJSON bool) error {
	c := &checked{File: file}
	if !errors.As(err, &c.Problems) {
		return err
	}
	if asJSON {
		err = writeJSON(out, c)
	} else {
		_, err = fmt.Fprintln(out, c.Problems)
	}
	return errors.Join(err, errReported)
}

// showConfig prints a configuration with its defaults.
func showConfig(out io.Writer, cfg *configs.Config, asJSON bool) error {
	show := cfg.Show
	if asJSON {
		show = cfg.ShowJSON
	}
	text, err := show()
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}

// writeJSON writes one value as JSON, indented for reading.
func writeJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
