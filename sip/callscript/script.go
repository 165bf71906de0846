package callscript

import (
	"fmt"
	"time"

	"ringfence/call"
)

// Script is a call script, ready to be run any number of times.
type Script struct {
	file     string
	settings []setting // before the gateway starts
	steps    []step
}

// step is one statement that runs.
type step struct {
	line   int
	text   string // its first line, as written
	action action
}

// action does what a statement says.
type action interface {
	run(r *run) error
}

// setting is a statement about the site: the gateway's configuration.
type setting interface {
	apply(s *site) error
}

// Error says what is wrong with a script, and where.
type Error struct {
	File    string
	Line    int
	Message string
}

// Error is the place and the message, as compilers write them.
func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// partKind says what a line under a message does.
type partKind uint8

const (
	partSet     partKind = iota // "Name: value": in place of the default, or one more of the same name
	partAdd                     // "+Name: value": one more, whatever there is
	partRemove                  // "-Name"
	partLiteral                 // a quoted string: these bytes
	partBody                    // "| text": a line of the body
	partMatch                   // "Name ~ regexp"
	partAbsent                  // "!Name"
	partPresent                 // "Name"
)

// part is one line under a message.
type part struct {
	line  int
	kind  partKind
	name  string
	value string // a folded value holds CRLF and the white space after it
}

// line is a message: what follows "NAME>" or "NAME<", and the lines under it.
type line struct {
	party string
	verb  string // a method, a status, "raw", "again" or "nothing"
	what  string // the Request-URI or reason phrase; of "again" the method or status meant
	tail  string // the version, where one is written
	parts []part

	call string // which call, where it is not the last one
	// of what is sent
	from, to, display string
	body              string
	bytes             int  // the size of the pieces it is sent in; 0: in one
	hold              bool // it goes out together with the next
	count             int  // how often
	// of what is expected
	over  string // udp or tcp
	after []time.Duration
}

type (
	send   struct{ line }
	expect struct{ line }
	wait   struct{ time time.Duration }
	quiet  struct{ time time.Duration }
	lose   struct {
		party string
		count int
	}
	answers struct { // a participant that answers a method by itself
		party, method string
		status        int // 0: with silence
	}
	closes struct { // a participant that closes its connections, and takes no more while it is down
		party string
		down  bool
	}
	comesUp  struct{ party string }
	expected struct { // a record
		fields []field
	}
	counts  struct{ fields []field }
	reload  struct{ settings []setting }
	restart struct{ newSecret bool }
	drain   struct{ patience time.Duration }
	stopped struct{ early bool } // early: calls were cut off
	verdict struct{ words wordsOfVerdict }
	listing struct {
		list, pattern, category string
		remove                  bool
	}
	full    struct{ full bool } // whether the agent takes calls
	records struct {            // the agent's
		status int
		by     call.Ender
	}
	state struct { // of a PBX target
		target string
		up     bool
	}
)

// field is one "name=value".
type field struct{ name, value string }

// wordsOfVerdict is a scripted verdict; without a treatment calls are screened.
type wordsOfVerdict struct {
	treatment, argument      string
	reason, category, prefix string
	score                    int
}
