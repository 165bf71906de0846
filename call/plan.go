package call

// Form says how a number was written by the peer that sent it. Fraud often shows in the form and
// not in the number, so rules look at both.
type Form uint8

// The forms, from the most to the least explicit.
const (
	FormNone          Form = iota // there was no user part: anonymous
	FormPlus                      // +86…, or E.164 digits on a trunk that declares FormatE164
	FormInternational             // the plan's international prefix, e.g. 0086…
	FormNational                  // national significant number, with or without the national prefix
	FormSubscriber                // a local number without its area code
	FormShort                     // a service code such as 110 or 96110
	FormInvalid                   // letters, other scripts' digits, too long, misplaced signs
)

var formNames = [...]string{"none", "plus", "international", "national", "subscriber", "short", "invalid"}

// String is the word used in records and rule files.
func (f Form) String() string { return nameOf(formNames[:], f) }

// MarshalText writes the word for f.
func (f Form) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a word that MarshalText wrote, and lists the words there are in its error.
func (f *Form) UnmarshalText(text []byte) error { return parseName(formNames[:], "form", text, f) }

// Format is the number format that a trunk declares it delivers.
type Format uint8

// The formats.
const (
	FormatAny      Format = iota // not declared: +, 00, national and local forms all occur
	FormatPlus                   // E.164 with a plus
	FormatE164                   // E.164 digits without a plus
	FormatNational               // as dialled inside the country
)

var formatNames = [...]string{"any", "plus", "e164", "national"}

// String is the word used in the configuration.
func (f Format) String() string { return nameOf(formatNames[:], f) }

// MarshalText writes the word for f.
func (f Format) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads a word that MarshalText wrote, and lists the words there are in its error.
func (f *Format) UnmarshalText(text []byte) error {
	return parseName(formatNames[:], "number format", text, f)
}

// Plan is the numbering plan by which one trunk's numbers are read. All fields are digit strings.
type Plan struct {
	Format        Format
	Country       string // calling code of the site's country, e.g. "86"
	International string // dialled before a country code, e.g. "00"
	National      string // dialled before an area code, e.g. "0"; may be empty
	Area          string // area code of the site, e.g. "21"; empty when subscriber numbers stay local
}

// maxText bounds the user part that Read looks at; what is longer is no telephone number.
const maxText = 64

// Read reads the user part of a SIP URI, or the number of a tel URI, as a trunk with this plan
// wrote it. Parameters of the user part (";npdi", ";rn=…", ";phone-context=…") and the visual
// separators of RFC 3966 §5.1.1 are passed over. A text that is no number gives the zero Number
// and FormInvalid.
func (p *Plan) Read(text string) (Number, Form) {
	if text == "" {
		return 0, FormNone
	}
	if len(text) > maxText {
		return 0, FormInvalid
	}
	var buf [maxText]byte
	digits := buf[:0]
	plus := text[0] == '+'
	if plus {
		text = text[1:]
	}
scan:
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case c == '-' || c == '.' || c == '(' || c == ')':
		case c == ';':
			break scan
		default:
			return 0, FormInvalid
		}
	}
	if len(digits) == 0 {
		return 0, FormInvalid
	}
	switch {
	case plus, p.Format == FormatE164 && len(digits) > maxShort && digits[0] != '0': // no country code begins with 0
		return finish("", digits, 0, FormPlus)
	case p.International != "" && hasPrefix(digits, p.International) && len(digits) > len(p.International):
		return finish("", digits[len(p.International):], 0, FormInternational)
	case p.National != "" && hasPrefix(digits, p.National) && len(digits) > len(p.National)+maxShort:
		return finish(p.Country, digits[len(p.National):], 0, FormNational)
	case len(digits) <= maxShort || isServiceCode(digits):
		return finish("", digits, localFlag, FormShort)
	case len(digits) <= maxSubscriber:
		if p.Area == "" || p.Country == "" {
			return finish("", digits, localFlag, FormSubscriber)
		}
		return finish(p.Country+p.Area, digits, 0, FormSubscriber)
	default:
		return finish(p.Country, digits, 0, FormNational)
	}
}

const (
	maxShort      = 6 // longest code that is never a subscriber's number
	maxSubscriber = 8 // longest subscriber number without area code
)

// isServiceCode reports whether 7 or 8 digits are a service code and not a subscriber number:
// those begin with 1 (services) or 9 (95xxxxx), subscriber numbers with 2 to 8.
func isServiceCode(digits []byte) bool {
	return len(digits) <= maxSubscriber && (digits[0] == '1' || digits[0] == '9' || digits[0] == '0')
}

// finish packs the number that prefix and digits make. A national number for which no country is
// configured stays local rather than being taken for somebody else's global number.
func finish(prefix string, digits []byte, flag Number, form Form) (Number, Form) {
	if form == FormNational && prefix == "" {
		flag = localFlag
	}
	var buf [2 * maxText]byte
	whole := append(append(buf[:0], prefix...), digits...)
	if len(whole) > MaxDigits {
		return 0, FormInvalid
	}
	v := Number(0)
	for _, c := range whole {
		v = v*10 + Number(c-'0')
	}
	return flag | Number(len(whole))<<valueBits | v, form
}

func hasPrefix(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }
