package screening

import (
	"testing"

	"ringfence/call"
)

func TestOfficial(t *testing.T) {
	r, err := Compile(Pack{
		Name: "test", Country: "86", International: "00", National: "0", Areas: []string{"10", "2x"},
		Emergency: Emergency{Called: []string{"110"}, Caller: []string{"12110"}},
		Tables:    map[string][]string{"banks": {"95xxx", "+86 21 5505 6666"}, "shops": {"96xxx"}},
		Official:  []string{"banks"},
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := call.Plan{Country: "86", International: "00", National: "0"}
	for text, want := range map[string]bool{
		"110":            true,
		"12110":          true,
		"95588":          true,
		"+8695588":       true,
		"02195588":       true,
		"02155056666":    true,
		"+862155056666":  true,
		"96123":          false,
		"+95588":         false, // a number of Myanmar, or a trick: not the bank's
		"13800138000":    false,
		"+8613800138000": false,
		"":               false,
	} {
		number, form := plan.Read(text)
		caller := call.Party{Text: text, Number: number, Form: form}
		if got := r.Official(&caller); got != want {
			t.Errorf("Official(%q) = %v", text, got)
		}
	}
}

func TestOfficialTablesMustExist(t *testing.T) {
	_, err := Compile(Pack{Name: "test", Tables: map[string][]string{"banks": nil}, Official: []string{"bank"}})
	if problems, ok := err.(Problems); !ok || len(problems) != 1 || problems[0].Path != "official[0]" {
		t.Errorf("Compile = %v", err)
	}
}
