package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
)

// A spool line is the CRC-32C of what follows it (8 hex digits), a space, the body and the personal
// part of a record, with a tab between them, and a line feed. JSON escapes tabs and line feeds, so
// after a torn or damaged line reading goes on at the next one.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	crcDigits = 8
	lineHead  = crcDigits + 1
	maxLine   = lineHead + maxData + 1
)

func appendLine(dst []byte, e *entry) []byte {
	text := make([]byte, 0, len(e.body)+1+len(e.personal))
	text = append(append(append(text, e.body...), '\t'), e.personal...)
	dst = fmt.Appendf(dst, "%08x ", crc32.Checksum(text, castagnoli))
	return append(append(dst, text...), '\n')
}

var errLine = errors.New("damaged spool line")

// parseLine reads a line without its line feed. The error wraps errLine.
func parseLine(line []byte) (entry, error) {
	if len(line) < lineHead || line[crcDigits] != ' ' {
		return entry{}, fmt.Errorf("%w: it is not a checksum and a record", errLine)
	}
	crc, err := strconv.ParseUint(string(line[:crcDigits]), 16, 32)
	if err != nil || uint32(crc) != crc32.Checksum(line[lineHead:], castagnoli) {
		return entry{}, fmt.Errorf("%w: its checksum is wrong", errLine)
	}
	e, err := readSpooled(line[lineHead:])
	if err != nil {
		return entry{}, fmt.Errorf("%w: it is %w", errLine, err)
	}
	return e, nil
}

// readSpooled makes the entry again of which appendLine wrote text.
func readSpooled(text []byte) (entry, error) {
	first, second, _ := bytes.Cut(text, []byte{'\t'})
	b, err := readBody(first)
	if err == nil && b.Kind != KindCall {
		err = fmt.Errorf("of kind %q", b.Kind)
	}
	if err != nil {
		return entry{}, err
	}
	p, err := readPersonal(second)
	if err != nil {
		return entry{}, err
	}
	return entry{
		run: b.Run, n: b.N, body: string(first), personal: string(second),
		commitment: commit(second), key: newKey(b.Time, b.Call, &p.Facts),
	}, nil
}

// readLine returns the next line without its line feed and the number of bytes it took. A line
// longer than maxLine is passed over and cut there. At the end it returns io.EOF and no bytes.
func readLine(r *bufio.Reader) (line []byte, n int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		n += int64(len(part))
		line = append(line, part[:min(len(part), maxLine+1-len(line))]...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && n > 0:
			return line, n, nil // a last line without its line feed
		case err != nil:
			return nil, n, err
		}
		if l := len(line); l > 0 && line[l-1] == '\n' {
			line = line[:l-1]
		}
		return line, n, nil
	}
}
