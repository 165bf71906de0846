package wire

// class is a set of bytes. The classes below are tables, since the functions of package bytes build one
// at each call.
type class [256]bool

func classOf(chars string) *class {
	var c class
	for i := range len(chars) {
		c[chars[i]] = true
	}
	return &c
}

const (
	whiteSpace = " \t\r\n"
	letters    = "abcdefghijklmnopqrstuvwxyz"
	capitals   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits     = "0123456789"
)

var (
	blank      = classOf(whiteSpace)
	token      = classOf(letters + capitals + digits + "-.!%*_+`'~") // RFC 3261 §25.1
	hostname   = classOf(letters + capitals + digits + "-._")
	structural = classOf("\",;:@<>\r\n")      // not in a display name without quotes
	notInURI   = classOf(whiteSpace + "<>\"") // so that a URI ends where it seems to
)

// index is the place of the first byte of the class in b, -1 if there is none.
func (c *class) index(b []byte) int {
	for i, ch := range b {
		if c[ch] {
			return i
		}
	}
	return -1
}

// in reports whether b has a byte of the class.
func (c *class) in(b []byte) bool { return c.index(b) >= 0 }

// all reports whether b has bytes, and only of the class.
func (c *class) all(b []byte) bool {
	for _, ch := range b {
		if !c[ch] {
			return false
		}
	}
	return len(b) > 0
}

func isToken(b []byte) bool { return token.all(b) }

func isSpace(c byte) bool { return blank[c] }

// trim is b without the white space at its ends.
func trim(b []byte) []byte { return trimLeft(trimRight(b)) }

func trimLeft(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	return b
}

func trimRight(b []byte) []byte {
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}
