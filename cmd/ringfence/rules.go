package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"ringfence/configs"
	"ringfence/screening"
)

// defaultPack holds the rules that the rules commands speak of when no configuration is named.
const defaultPack = "cn"

// rulesCommand is what the rules subcommands share.
type rulesCommand struct {
	load   func(configFile string) (*screening.Rules, error)
	config string
	json   bool
}

// newRulesCommand returns `ringfence rules`. load makes the rules that a configuration file asks
// for.
func newRulesCommand(load func(configFile string) (*screening.Rules, error)) *cobra.Command {
	r := &rulesCommand{load: load}
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Show, check and try the rules that calls are screened with",
		Long: `Show, check and try the rules that calls are screened with.

With --config the rules are those that the configuration asks for, with its overrides, tables and
labels. Without it they are the pack cn that comes with Ringfence.

Exit codes: 0 done, 1 not done (no such rule, a file that is wrong), 2 wrong usage.`,
		Example: `  ringfence rules list
  ringfence rules show cn-fixed-from-abroad
  ringfence rules test --trunk-class voip --caller +862161234567 --video
  ringfence rules check my-rules.yaml --with cn`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := cmd.PersistentFlags()
	flags.StringVar(&r.config, "config", "", "configuration `FILE`, as for serve")
	flags.BoolVar(&r.json, "json", false, "write JSON, one object a line")
	cmd.SetFlagErrorFunc(misused)
	cmd.AddCommand(r.listCommand(), r.showCommand(), r.testCommand(), r.checkCommand())
	return cmd
}

// rules are those the command speaks of.
func (r *rulesCommand) rules() (*screening.Rules, error) {
	if r.config == "" {
		return configs.CompileRules([]string{defaultPack}, nil)
	}
	return r.load(r.config)
}

// shownRule is a rule as the commands write it.
type shownRule struct {
	Name      string   `json:"name"`
	Pack      string   `json:"pack"`
	Reason    string   `json:"reason"`
	Category  string   `json:"category"`
	Score     int      `json:"score"`
	Treatment string   `json:"treatment"`
	When      []string `json:"when"`
	Except    []string `json:"except,omitempty"`
	Doc       string   `json:"doc"`
}

func shown(pack string, rule *screening.Rule) shownRule {
	texts := func(conditions []screening.Condition) (lines []string) {
		for _, c := range conditions {
			lines = append(lines, c.String())
		}
		return lines
	}
	return shownRule{
		Name: rule.Name, Pack: pack, Reason: string(rule.Reason), Category: string(rule.Category), Score: rule.Score,
		Treatment: rule.Treatment.String(), When: texts(rule.When), Except: texts(rule.Except), Doc: strings.TrimSpace(rule.Doc),
	}
}

func (r *rulesCommand) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the rules in the order they are asked",
		Long: `List the rules in the order they are asked: the first that fires decides.

Output is tab-separated, one rule a line, in the columns
  name pack reason category score treatment
and with --json one JSON object a line, with conditions and explanation.`,
		Example: `  ringfence rules list
  ringfence rules list --config ringfence.yaml --json`,
		Args: takes(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			rules, err := r.rules()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, pack := range rules.Packs() {
				for i := range pack.Rules {
					s := shown(pack.Name, &pack.Rules[i])
					if r.json {
						err = json.NewEncoder(out).Encode(s)
					} else {
						_, err = fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%d\t%s\n", s.Name, s.Pack, s.Reason, s.Category, s.Score, s.Treatment)
					}
					if err != nil {
						return err
					}
				}
			}
			return nil
		},
	}
}

func (r *rulesCommand) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Explain one rule: when it fires, what it does, whom it could hit wrongly",
		Example: `  ringfence rules show cn-fixed-from-abroad`,
		Args:    takes(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			rules, err := r.rules()
			if err != nil {
				return err
			}
			var names []string
			for _, pack := range rules.Packs() {
				for i := range pack.Rules {
					if names = append(names, pack.Rules[i].Name); pack.Rules[i].Name == args[0] {
						return r.show(cmd.OutOrStdout(), shown(pack.Name, &pack.Rules[i]))
					}
				}
			}
			return fmt.Errorf("there is no rule %q (the rules are %s)", args[0], strings.Join(names, ", "))
		},
	}
}

func (r *rulesCommand) show(out io.Writer, s shownRule) error {
	if r.json {
		return json.NewEncoder(out).Encode(s)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "name\t%s\npack\t%s\nreason\t%s\ncategory\t%s\nscore\t%d\ntreatment\t%s\n",
		s.Name, s.Pack, s.Reason, s.Category, s.Score, s.Treatment)
	for _, c := range s.When {
		fmt.Fprintf(&b, "when\t%s\n", c)
	}
	for _, c := range s.Except {
		fmt.Fprintf(&b, "except\t%s\n", c)
	}
	fmt.Fprintf(&b, "\n%s\n", s.Doc)
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *rulesCommand) checkCommand() *cobra.Command {
	var with []string
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "Check rule files without running them",
		Long: `Check rule files without running them. Everything wrong is written with its line and column.

A file may use the tables of a pack that it is loaded after: name that pack with --with. Tables and
rules of all files together must have different names, as they must in one configuration.`,
		Example: `  ringfence rules check my-rules.yaml --with cn`,
		Args:    takes(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, files []string) error {
			rules, err := configs.CompileRules(with, files)
			if err != nil {
				return err
			}
			summary := struct {
				Rules   int      `json:"rules"`
				Version string   `json:"version"`
				Targets []string `json:"targets"`
			}{len(rules.All()), rules.Version(), rules.Targets()}
			if r.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(summary)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "rules\t%d\nversion\t%s\ntargets\t%s\n",
				summary.Rules, summary.Version, strings.Join(summary.Targets, ", "))
			return err
		},
	}
	cmd.Flags().StringSliceVar(&with, "with", nil, "`PACK` that the files are loaded after (repeat for more)")
	return cmd
}
