package blocklist

import (
	"encoding/csv"
	"io"
)

// ExportCSV writes entries as a CSV file that ParseImport reads into the same entries.
func ExportCSV(w io.Writer, entries []Entry) error {
	out := csv.NewWriter(w)
	if err := out.Write(Columns[:]); err != nil {
		return err
	}
	for i := range entries {
		fields := entries[i].Fields()
		if err := out.Write(fields[:]); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
