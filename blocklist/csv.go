package blocklist

import (
	"errors"
	"fmt"
	"strings"
)

// splitCSV appends the cells of one CSV line (RFC 4180) to dst. A cell cannot hold a line break
// here, so that every line is one entry and a lost quote spoils no other line.
func splitCSV(line string, dst []string) ([]string, error) {
	for {
		if !strings.HasPrefix(line, `"`) {
			cell, rest, more := strings.Cut(line, ",")
			if strings.Contains(cell, `"`) {
				return dst, fmt.Errorf("cell %d has a quote in it: put the whole cell in quotes and write the quote twice", len(dst)+1)
			}
			dst = append(dst, cell)
			if !more {
				return dst, nil
			}
			line = rest
			continue
		}
		cell, rest, err := quoted(line)
		if err != nil {
			return dst, fmt.Errorf("cell %d %w", len(dst)+1, err)
		}
		dst = append(dst, cell)
		if rest == "" {
			return dst, nil
		}
		if rest[0] != ',' {
			return dst, fmt.Errorf("cell %d goes on after its closing quote", len(dst))
		}
		line = rest[1:]
	}
}

// quoted reads the quoted cell that line begins with.
func quoted(line string) (cell, rest string, err error) {
	from := 1
	for {
		i := strings.IndexByte(line[from:], '"')
		if i < 0 {
			return "", "", errors.New("has no closing quote on this line")
		}
		end := from + i
		if !strings.HasPrefix(line[end+1:], `"`) {
			return strings.ReplaceAll(line[1:end], `""`, `"`), line[end+1:], nil
		}
		from = end + 2
	}
}
