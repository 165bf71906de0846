package audit

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"

	"ringfence/call"
)

// A spool line is the CRC-32C of what follows it (8 hex digits), the record's unique id (32 hex
// digits) and the record as JSON, separated by single spaces and ended by a line feed. JSON escapes
// line feeds, so after a torn or damaged line reading goes on at the next one.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	crcDigits = 8
	uidDigits = 32
	lineHead  = crcDigits + 1 + uidDigits + 1
	maxLine   = lineHead + maxData
)

func appendLine(dst []byte, e entry) []byte {
	crc := crc32.Update(crc32.Checksum([]byte(e.uid+" "), castagnoli), castagnoli, e.data)
	dst = fmt.Appendf(dst, "%08x %s ", crc, e.uid)
	dst = append(dst, e.data...)
	return append(dst, '\n')
}

var errLine = errors.New("damaged spool line")

// parseLine reads a line without its line feed. The error wraps errLine.
func parseLine(line []byte) (entry, error) {
	if len(line) < lineHead || line[crcDigits] != ' ' || line[lineHead-1] != ' ' {
		return entry{}, fmt.Errorf("%w: it is not a checksum, an id and a record", errLine)
	}
	crc, err := strconv.ParseUint(string(line[:crcDigits]), 16, 32)
	if err != nil || uint32(crc) != crc32.Checksum(line[crcDigits+1:], castagnoli) {
		return entry{}, fmt.Errorf("%w: its checksum is wrong", errLine)
	}
	uid := line[crcDigits+1 : lineHead-1]
	if _, err := hex.Decode(make([]byte, uidDigits/2), uid); err != nil {
		return entry{}, fmt.Errorf("%w: its id is not hex", errLine)
	}
	data := append([]byte(nil), line[lineHead:]...)
	var r call.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return entry{}, fmt.Errorf("%w: %w", errLine, err)
	}
	return entry{uid: string(uid), record: &r, data: data}, nil
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
