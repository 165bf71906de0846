package audit

import (
	"bytes"
	"testing"
)

// FuzzSpool reads arbitrary bytes between two good lines: nothing panics, the good lines are found,
// and whatever is read as a record is what would be written for it.
func FuzzSpool(f *testing.F) {
	e, err := newEncoder().entry(sample(1))
	if err != nil {
		f.Fatal(err)
	}
	line := appendLine(nil, &e)
	f.Add([]byte(""))
	f.Add([]byte("\n\n"))
	f.Add(line)
	f.Add(line[:len(line)/2])
	f.Add(bytes.Replace(line, []byte("voip"), []byte("v0ip"), 1))
	f.Add([]byte("00000000 {}\t{}"))
	f.Add(bytes.Repeat([]byte{'x'}, maxLine+70))
	f.Fuzz(func(t *testing.T, garbage []byte) {
		content := append(append(append(bytes.Clone(line), garbage...), '\n'), line...)
		c, err := readChunk(bytes.NewReader(content), 5, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if c.end != int64(5+len(content)) || c.lines != bytes.Count(content, []byte{'\n'}) || c.lines != len(c.entries)+len(c.damaged) {
			t.Fatalf("end %d, %d lines, %d entries, %d damaged of %d bytes", c.end, c.lines, len(c.entries), len(c.damaged), len(content))
		}
		for _, found := range []entry{c.entries[0], c.entries[len(c.entries)-1]} {
			if found != e {
				t.Fatalf("a good line was read as %+v", found)
			}
		}
		for _, found := range c.entries {
			again, err := parseLine(bytes.TrimSuffix(appendLine(nil, &found), []byte{'\n'}))
			if err != nil || again != found {
				t.Fatalf("not read again: %v", err)
			}
		}
	})
}
