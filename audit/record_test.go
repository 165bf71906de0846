package audit

import (
	"net/netip"
	"reflect"
	"time"

	"pgregory.net/rapid"

	"ringfence/call"
)

// records draws call records in which any field may say anything that its type can, also one that is
// added to call.Record later.
func records() *rapid.Generator[*call.Record] {
	return rapid.Custom(func(t *rapid.T) *call.Record {
		r := new(call.Record)
		draw(t, reflect.ValueOf(r).Elem(), "record")
		if rapid.Bool().Draw(t, "from is the caller") {
			r.Facts.From = r.Facts.Caller
		}
		if r.Verdict.Match.IsZero() {
			r.Verdict.Match = call.Match{}
		}
		return r
	})
}

var texts = rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{
	"", "张三", "a\"b\\c\t\r\n\x00\x1f\x7f", "<&>\u2028\u2029", "\xd0\xa1\xba", "a\xffb", "\xed\xb2\x80", "\ufffd", "+8613800138000", "=1",
}))

var treatments = []call.Treatment{
	call.Allow{}, call.Label{}, call.Refuse{}, call.Divert{}, call.Warn{}, call.Announce{}, call.Challenge{}, call.TakeReport{},
}

// draw sets v, a part of a record.
func draw(t *rapid.T, v reflect.Value, name string) {
	switch p := v.Addr().Interface().(type) {
	case *call.Number:
		*p = rapid.Custom(drawNumber).Draw(t, name)
	case *time.Time:
		*p = time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, name), rapid.Int64Range(0, 1e9-1).Draw(t, name)).UTC()
	case *netip.AddrPort:
		*p = rapid.SampledFrom([]netip.AddrPort{
			{}, netip.MustParseAddrPort("192.0.2.1:5060"), netip.MustParseAddrPort("[2001:db8::1%eth0]:65535"),
		}).Draw(t, name)
	case *call.Treatment:
		treatment := reflect.New(reflect.TypeOf(rapid.SampledFrom(treatments).Draw(t, name))).Elem()
		draw(t, treatment, name)
		*p = treatment.Interface().(call.Treatment)
	default:
		drawKind(t, v, name)
	}
}

func drawKind(t *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			draw(t, v.Field(i), name+"."+v.Type().Field(i).Name)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, name) {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem(), name)
		}
	case reflect.Slice:
		for i := range rapid.IntRange(0, 2).Draw(t, name) {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			draw(t, v.Index(i), name)
		}
	case reflect.String:
		v.SetString(texts.Draw(t, name))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case reflect.Uint8: // an enum
		v.SetUint(rapid.Uint64Range(0, words(v)-1).Draw(t, name))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64Range(-1, 1<<40).Draw(t, name))
	default:
		t.Fatalf("%s is a %s: say how it is drawn", name, v.Type())
	}
}

func drawNumber(t *rapid.T) call.Number {
	digits := rapid.StringMatching(`[0-9]{0,17}`).Draw(t, "digits")
	n, _ := call.Global(digits)
	if rapid.Bool().Draw(t, "local") {
		n, _ = call.Local(digits)
	}
	return n
}

// words is how many words the enum v has.
func words(v reflect.Value) (n uint64) {
	probe := reflect.New(v.Type()).Elem()
	for ; ; n++ {
		if probe.SetUint(n); probe.Interface().(interface{ String() string }).String() == "unknown" {
			return n
		}
	}
}

// readable makes of v what a reader of JSON gets: each byte that is not UTF-8 is U+FFFD.
func readable(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(string([]rune(v.String())))
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				readable(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			readable(v.Index(i))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			readable(v.Elem())
		}
	case reflect.Interface:
		inside := reflect.New(v.Elem().Type()).Elem()
		inside.Set(v.Elem())
		readable(inside)
		v.Set(inside)
	}
}
