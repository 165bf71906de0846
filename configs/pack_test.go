package configs

import (
	"testing"
)

func TestShippedPacksCompile(t *testing.T) {
	for _, name := range PackNames() {
		rules, err := CompileRules([]string{name}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(rules.Version(), rules.Checks())
	}
}
