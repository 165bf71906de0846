package configs

import (
	"testing"
	"time"

	"ringfence/call"
	"ringfence/screening"
)

// sitePlan is the plan of a site in Shanghai.
func sitePlan(format call.Format) call.Plan {
	return call.Plan{Format: format, Country: "86", International: "00", National: "0", Area: "21"}
}

// listed is a list with one allow entry.
type listed struct{ allow call.Pattern }

func (l listed) Lookup(n call.Number, _ time.Time) (found call.Listings) {
	if l.allow.Covers(n) {
		found.Allow = call.Listing{Pattern: l.allow}
	}
	return found
}

func (l listed) Version() string { return "test" }

func cnRules(t testing.TB) *screening.Rules {
	t.Helper()
	rules, err := CompileRules([]string{"cn"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	rules, err = rules.With(screening.Site{Tables: map[string][]string{ownNumbers: {"+86 21 5500 xxxx"}}})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// cnCall is one row of the tables below: a call, and the rule and treatment it must get.
type cnCall struct {
	name   string
	class  call.Class
	format call.Format
	caller string // user part as written
	video  bool
	rule   string
	want   string // name of the treatment
}

const (
	intl     = call.ClassInternational
	voip     = call.ClassVoIP
	domestic = call.ClassDomestic
)

func (c *cnCall) facts() *call.Facts {
	plan := sitePlan(c.format)
	f := &call.Facts{Class: c.class, Format: c.format, Trunk: "t", Media: call.Media{Offered: true, Audio: true, Video: c.video}}
	f.Caller.Text = c.caller
	f.Caller.Number, f.Caller.Form = plan.Read(c.caller)
	f.From = f.Caller
	f.Called.Text = "02155001234"
	f.Called.Number, f.Called.Form = plan.Read(f.Called.Text)
	return f
}

func (c *cnCall) check(t *testing.T, rules *screening.Rules, lists call.Lists) {
	t.Helper()
	v, steps := screening.Explain(c.facts(), rules, lists)
	if v.Rule != c.rule || v.Treatment.Name() != c.want || len(v.Failures) > 0 {
		t.Errorf("%s: caller %q over %s: %s by %s, want %s by %s", c.name, c.caller, c.class, v.Treatment.Name(), v.Rule, c.want, c.rule)
		for _, s := range steps {
			t.Logf("  %-8s %s: %s", s.Outcome, s.Check, s.Why)
		}
	}
}

// Every row of the pack fires where it must.
func TestCNRules(t *testing.T) {
	rules := cnRules(t)
	for _, c := range []cnCall{
		{"the district's text-message number", domestic, call.FormatAny, "962110", false, "do-not-originate", "refuse"},
		{"the same from abroad", intl, call.FormatAny, "+8621962110", false, "do-not-originate", "refuse"},
		{"warning texts", domestic, call.FormatAny, "12381", false, "do-not-originate", "refuse"},
		{"consular hotline", voip, call.FormatAny, "12308", false, "do-not-originate", "refuse"},
		{"consular hotline of Beijing", domestic, call.FormatAny, "01012308", false, "do-not-originate", "refuse"},
		{"the reporting centre from abroad", voip, call.FormatAny, "+862155056666", false, "reporting-line", "refuse"},
		{"the reporting centre at home", domestic, call.FormatAny, "02155056666", false, "reporting-line", "warn"},
		{"the reporting centre, local", domestic, call.FormatAny, "55056666", false, "reporting-line", "warn"},
		{"online content line", domestic, call.FormatAny, "12377", false, "reporting-line", "warn"},
		{"nuisance call line", intl, call.FormatAny, "008612321", false, "reporting-line", "refuse"},

		{"anti-fraud centre", voip, call.FormatAny, "96110", false, "official-code-from-abroad", "refuse"},
		{"with area", intl, call.FormatAny, "02196110", false, "official-code-from-abroad", "refuse"},
		{"with country", intl, call.FormatAny, "+8696110", false, "official-code-from-abroad", "refuse"},
		{"with country and area", intl, call.FormatAny, "+862196110", false, "official-code-from-abroad", "refuse"},
		{"with country, 0 and area", intl, call.FormatAny, "+86021-96110", false, "official-code-from-abroad", "refuse"},
		{"with 00", voip, call.FormatAny, "00862196110", false, "official-code-from-abroad", "refuse"},
		{"with country and 0", voip, call.FormatAny, "+86096110", false, "official-code-from-abroad", "refuse"},
		{"country without a sign", intl, call.FormatAny, "8696110", false, "official-code-from-abroad", "refuse"},
		{"country and area without a sign", voip, call.FormatAny, "862196110", false, "official-code-from-abroad", "refuse"},
		{"on a trunk of E.164 digits", voip, call.FormatE164, "8695588", false, "official-code-from-abroad", "refuse"},
		{"police", voip, call.FormatAny, "110", false, "official-code-from-abroad", "refuse"},
		{"police with country", intl, call.FormatPlus, "+86110", false, "official-code-from-abroad", "refuse"},
		{"city hotline", intl, call.FormatAny, "12345", false, "official-code-from-abroad", "refuse"},
		{"bank", intl, call.FormatAny, "+8695588", false, "official-code-from-abroad", "refuse"},
		{"firm of eight digits", voip, call.FormatAny, "95123456", false, "official-code-from-abroad", "refuse"},
		{"carrier, not the roaming hotline", intl, call.FormatAny, "+8610010", false, "official-code-from-abroad", "refuse"},
		{"10086 without the country", intl, call.FormatAny, "10086", false, "official-code-from-abroad", "refuse"},

		{"plus before a code", voip, call.FormatAny, "+95588", false, "official-code-malformed", "refuse"},
		{"00 before a code", intl, call.FormatAny, "0095588", false, "official-code-malformed", "refuse"},
		{"000 before a code", intl, call.FormatAny, "000110", false, "official-code-malformed", "refuse"},
		{"plus and 0", domestic, call.FormatAny, "+0110", false, "official-code-malformed", "warn"},
		{"0 before a code", domestic, call.FormatAny, "095588", false, "official-code-malformed", "warn"},
		{"North America and a code", domestic, call.FormatAny, "00195588", false, "official-code-malformed", "warn"},
		{"zeros and the country", domestic, call.FormatAny, "+008696110", false, "official-code-malformed", "warn"},

		{"our own number", intl, call.FormatAny, "+862155001111", false, "own-number-outside", "refuse"},
		{"our own number at home", domestic, call.FormatAny, "55001111", false, "own-number-outside", "refuse"},
		{"400", voip, call.FormatAny, "4008123123", false, "answer-only-400-800", "refuse"},
		{"400 with country", intl, call.FormatAny, "+864008123123", false, "answer-only-400-800", "refuse"},
		{"800 at home", domestic, call.FormatAny, "8008123123", false, "answer-only-400-800", "warn"},

		{"Shanghai landline", voip, call.FormatAny, "+862161234567", false, "cn-fixed-from-abroad", "refuse"},
		{"Beijing landline by 00", intl, call.FormatAny, "00861061234567", false, "cn-fixed-from-abroad", "refuse"},
		{"0 after the country", intl, call.FormatAny, "+8602161234567", false, "cn-fixed-from-abroad", "refuse"},
		{"landline of seven digits", intl, call.FormatAny, "+869551234567", false, "cn-fixed-from-abroad", "refuse"},
		{"E.164 digits", voip, call.FormatE164, "862161234567", false, "cn-fixed-from-abroad", "refuse"},
		{"00 on a trunk of E.164 digits", voip, call.FormatE164, "00862161234567", false, "cn-fixed-from-abroad", "refuse"},
		{"video does not soften", voip, call.FormatAny, "+862161234567", true, "cn-fixed-from-abroad", "refuse"},

		{"network video call", voip, call.FormatAny, "+8613800138000", true, "plus86-network-video", "warn"},
		{"network video call by 00", intl, call.FormatAny, "008613800138000", true, "plus86-network-video", "warn"},
		{"no prefix where it is declared", intl, call.FormatPlus, "02161234567", false, "cn-number-without-prefix-from-abroad", "refuse"},
		{"86 without plus where it is declared", intl, call.FormatPlus, "8613800138000", false, "cn-number-without-prefix-from-abroad", "refuse"},
		{"mobile", intl, call.FormatAny, "+8613800138000", false, "cn-mobile-from-abroad", "warn"},

		{"full-width digits", voip, call.FormatAny, "９６１１０", false, "charset", "refuse"},
		{"zero-width space", voip, call.FormatAny, "96110\u200b", false, "charset", "refuse"},
		{"letters at home", domestic, call.FormatAny, "police", false, "charset", "label"},
		{"letters from abroad", intl, call.FormatAny, "police", false, "charset", "warn"},
		{"too long", voip, call.FormatAny, "+861234567890123456789", false, "invalid-number", "refuse"},
		{"a plus in the middle", domestic, call.FormatAny, "86+13800138000", false, "invalid-number", "warn"},
		{"country code 0", voip, call.FormatAny, "+012345678901", false, "invalid-number", "refuse"},
		{"too short", intl, call.FormatAny, "+12345", false, "official-code-malformed", "refuse"},
		{"too short for any", intl, call.FormatAny, "+4420", false, "invalid-number", "refuse"},
		{"no such area", intl, call.FormatAny, "+8611234567", false, "invalid-number", "refuse"},
		{"no such code", voip, call.FormatAny, "9999", false, "invalid-number", "refuse"},
	} {
		c.check(t, rules, nil)
	}
}

// What the table of the field says could be hit wrongly, and is not.
func TestCNTrapsAreAvoided(t *testing.T) {
	rules := cnRules(t)
	for _, c := range []cnCall{
		{"roaming hotline of China Mobile", intl, call.FormatAny, "+8610086", false, "clean", "allow"},
		{"roaming hotline by 00", intl, call.FormatAny, "008610086", false, "clean", "allow"},
		{"roaming hotline in E.164 digits", intl, call.FormatE164, "8610086", false, "clean", "allow"},
		{"roaming customer", intl, call.FormatPlus, "+8613800138000", false, "cn-mobile-from-abroad", "warn"},
		{"roaming customer on a national trunk", intl, call.FormatNational, "13800138000", false, "clean", "allow"},
		{"prefix left out, format not declared", intl, call.FormatAny, "02161234567", false, "clean", "allow"},
		{"video from a contact abroad", intl, call.FormatPlus, "+8613800138000", true, "plus86-network-video", "warn"},
		{"video at home", domestic, call.FormatAny, "+8613800138000", true, "clean", "allow"},
		{"video from another country", voip, call.FormatAny, "+14155550100", true, "clean", "allow"},

		{"landline of Yinchuan", domestic, call.FormatAny, "09511234567", false, "clean", "allow"},
		{"landline of Shizuishan", domestic, call.FormatAny, "09526123456", false, "clean", "allow"},
		{"landline of Wuzhong", domestic, call.FormatAny, "09532123456", false, "clean", "allow"},
		{"landline of Guyuan", domestic, call.FormatAny, "09542123456", false, "clean", "allow"},
		{"landline of Zhongwei that begins like 95588", domestic, call.FormatAny, "09558812345", false, "clean", "allow"},
		{"city hotline of Zhongwei", domestic, call.FormatAny, "095512345", false, "clean", "allow"},
		{"anti-fraud centre of Yinchuan", domestic, call.FormatAny, "095196110", false, "clean", "allow"},

		{"anti-fraud centre", domestic, call.FormatAny, "96110", false, "clean", "allow"},
		{"anti-fraud centre of Shanghai", domestic, call.FormatAny, "02196110", false, "clean", "allow"},
		{"anti-fraud centre, with country", domestic, call.FormatPlus, "+862196110", false, "clean", "allow"},
		{"city hotline", domestic, call.FormatAny, "12345", false, "clean", "allow"},
		{"bank", domestic, call.FormatAny, "95588", false, "clean", "allow"},
		{"bank, with country", domestic, call.FormatPlus, "+8695588", false, "clean", "allow"},
		{"carrier", domestic, call.FormatAny, "10086", false, "clean", "allow"},
		{"firm of eight digits", domestic, call.FormatAny, "95123456", false, "clean", "allow"},
		{"police of the city", domestic, call.FormatAny, "110", false, "emergency", "allow"},
		{"police, with area", domestic, call.FormatAny, "021110", false, "emergency", "allow"},
		{"police by text", domestic, call.FormatAny, "12110", false, "emergency", "allow"},
		{"ambulance", domestic, call.FormatAny, "120", false, "emergency", "allow"},

		{"privacy number", domestic, call.FormatAny, "700123456789012", false, "clean", "allow"},
		{"privacy number over VoIP", voip, call.FormatAny, "700123456789012", false, "clean", "allow"},
		{"privacy number with country", voip, call.FormatAny, "+86700123456789012", false, "clean", "allow"},
		{"local number of eight digits", voip, call.FormatNational, "61234567", false, "clean", "allow"},
		{"local number that reads 86 96110x", voip, call.FormatAny, "86961100", false, "clean", "allow"},
		{"local number that reads 86 12381", domestic, call.FormatAny, "8612381", false, "clean", "allow"},
		{"local number that reads 21 12308", domestic, call.FormatAny, "2112308", false, "clean", "allow"},
		{"landline at home", domestic, call.FormatAny, "02161234567", false, "clean", "allow"},
		{"landline at home in E.164", domestic, call.FormatPlus, "+862161234567", false, "clean", "allow"},
		{"number of a thing", domestic, call.FormatAny, "+861064912345678", false, "clean", "allow"},

		{"Myanmar, the shortest", intl, call.FormatAny, "+95123456", false, "clean", "allow"},
		{"Myanmar in E.164 digits", voip, call.FormatE164, "95123456", false, "clean", "allow"},
		{"Luxembourg that begins like an area code", voip, call.FormatE164, "352951234", false, "clean", "allow"},
		{"Luxembourg with plus", voip, call.FormatAny, "+352951234", false, "clean", "allow"},
		{"North America", voip, call.FormatPlus, "+12125551234", false, "clean", "allow"},
		{"Germany", intl, call.FormatAny, "004930123456", false, "clean", "allow"},
		{"Lebanon", intl, call.FormatPlus, "+9611123456", false, "clean", "allow"},

		{"withheld", voip, call.FormatAny, "", false, "anonymous", "allow"},
		{"withheld by name", voip, call.FormatAny, "Anonymous", false, "anonymous", "allow"},
	} {
		c.check(t, rules, nil)
	}
}

// An honest customer's PBX abroad, and a twinned telephone, pass once they are on the allow list.
func TestCNAllowListIsTheRemedy(t *testing.T) {
	rules := cnRules(t)
	for _, caller := range []string{"+862161234567", "+862155001111"} {
		pattern, err := call.ParsePattern(caller)
		if err != nil {
			t.Fatal(err)
		}
		c := cnCall{"allow-listed", voip, call.FormatAny, caller, false, "allow-list", "allow"}
		c.check(t, rules, listed{pattern})
	}
}

// No mobile number written in full is refused on an international trunk, whatever its digits.
func TestCNRoamersAreNeverRefused(t *testing.T) {
	rules := cnRules(t)
	for prefix := range 70 {
		for _, video := range []bool{false, true} {
			text := []byte("+8613000000000")
			text[4], text[5] = byte('3'+prefix/10), byte('0'+prefix%10)
			c := cnCall{class: intl, format: call.FormatPlus, caller: string(text), video: video}
			v := screening.Decide(c.facts(), rules, nil)
			if warn, ok := v.Treatment.(call.Warn); !ok || warn.AudioOnly != video || warn.Prefix == "" {
				t.Errorf("%s (video %t): %s by %s", text, video, v.Treatment.Name(), v.Rule)
			}
		}
	}
}

func TestCNRulesAreDocumented(t *testing.T) {
	for _, rule := range cnRules(t).All() {
		if rule.Doc == "" || rule.Category == "" || rule.Score == 0 {
			t.Errorf("rule %s lacks doc, category or score", rule.Name)
		}
	}
}

func BenchmarkDecideCN(b *testing.B) {
	rules := cnRules(b)
	for _, c := range []cnCall{
		{name: "clean", class: domestic, caller: "02161234567"},
		{name: "clean-voip", class: voip, caller: "+14155550100"},
		{name: "spoofed-code", class: intl, caller: "+862196110"},
		{name: "video", class: voip, caller: "+8613800138000", video: true},
		{name: "named", class: domestic, caller: "02161234567"},
	} {
		b.Run(c.name, func(b *testing.B) {
			f, lists := c.facts(), listed{}
			if c.name == "named" {
				f.Caller.Display = "上海某某有限公司 Wang Li"
			}
			b.ReportAllocs()
			for b.Loop() {
				screening.Decide(f, rules, lists)
			}
		})
	}
}

// What a display name claims, and who may claim it.
func TestCNDisplayNames(t *testing.T) {
	rules := cnRules(t)
	for _, c := range []struct {
		class         call.Class
		caller, shown string
		rule          string
	}{
		{voip, "+14155550100", "网信办 刘主任", "display-name-spoof"},
		{intl, "+14155550100", "公 安 局", "display-name-spoof"},
		{voip, "+14155550100", "公\u200b安", "display-name-spoof"},
		{domestic, "02161234567", "上海市公安局", "display-name-spoof"},
		{voip, "+14155550100", "Ｐｏｌｉｃｅ", "display-name-spoof"},
		{voip, "+14155550100", "P\u043elice officer", "display-name-spoof"}, // a Cyrillic о
		{voip, "+14155550100", "Public  Security Bureau", "display-name-spoof"},
		{voip, "+14155550100", "96110", "display-name-spoof"},
		{voip, "+14155550100", "tel. 021-6123 4567", "display-name-spoof"},
		{voip, "+14155550100", "９６１１０", "display-name-spoof"},
		{voip, "", "96110", "anonymous"},
		{voip, "+14155550100", "招商银行", "display-name-service"},
		{domestic, "13800138000", "淘宝客服", "display-name-service"},
		{voip, "+14155550100", "Bank of China", "display-name-service"},
		{intl, "+8613800138000", "公安", "display-name-spoof"},  // and not only a mobile from abroad
		{voip, "+862161234567", "公安", "cn-fixed-from-abroad"}, // a name must not soften a refusal
		{voip, "962110", "反诈中心", "do-not-originate"},

		{domestic, "96110", "反诈中心", "clean"},
		{domestic, "02112345", "警察服务热线", "clean"},
		{domestic, "95588", "工商银行", "clean"},
		{domestic, "02161234567", "61234567", "clean"},
		{domestic, "02161234567", "13800138000", "clean"}, // where the carrier vouches for the caller
		{voip, "+14155550100", "+1 415 555 0100", "clean"},
		{voip, "+14155550100", "(415) 555-0100", "clean"},
		{voip, "+14155550100", "Room 4711", "clean"},
		{voip, "+14155550100", "Courtney Burbank", "clean"},
		{voip, "+14155550100", "Sting", "clean"},
		{voip, "+14155550100", "", "clean"},
	} {
		f := (&cnCall{class: c.class, caller: c.caller}).facts()
		f.Caller.Display, f.From.Display = c.shown, c.shown
		if v := screening.Decide(f, rules, nil); v.Rule != c.rule || len(v.Failures) > 0 {
			t.Errorf("%s %q over %s: by %s %v, want %s", c.caller, c.shown, c.class, v.Rule, v.Failures, c.rule)
		}
	}
	// A trunk asserts one identity, and the telephone may show the name of the other.
	f := (&cnCall{class: domestic, caller: "02161234567"}).facts()
	f.Identity, f.From.Display = call.IdentityAsserted, "公安局"
	if v := screening.Decide(f, rules, nil); v.Rule != "display-name-spoof" {
		t.Errorf("in From, with another identity asserted: by %s", v.Rule)
	}
}
