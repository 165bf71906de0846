package configs_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ringfence/configs"
	"ringfence/media"
)

// promptRow is a row of the table of prompts.
type promptRow struct{ id, language, text, line string }

func (r promptRow) file() string { return r.language + "/" + r.id + ".wav" }

func promptRows(t *testing.T) (rows []promptRow) {
	t.Helper()
	for line := range strings.Lines(string(readTestFile(t, "prompts/prompts.tsv"))) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) < 3 || len(fields) > 4 {
			t.Fatalf("prompts.tsv: %q has %d columns", line, len(fields))
		}
		if len(fields) == 3 {
			line += "\t" // the script counts the empty column in
		}
		rows = append(rows, promptRow{fields[0], fields[1], fields[2], line})
	}
	return rows
}

func readTestFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checksum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// The table and the sounds are of one making: a text that was changed without its sound, or a sound
// without its text, is noticed.
func TestPromptsAreAsTheTableSays(t *testing.T) {
	sums := strings.Split(strings.TrimSuffix(string(readTestFile(t, "prompts/prompts.sum")), "\n"), "\n")
	var files []string
	for _, row := range promptRows(t) {
		want := checksum([]byte(row.line)) + " " + checksum(readTestFile(t, "prompts/"+row.file())) + " " + row.file()
		if !slices.Contains(sums, want) {
			t.Errorf("%s and its row in prompts.tsv have changed apart: run make prompts", row.file())
		}
		files = append(files, row.file())
	}
	if len(sums) != len(files) {
		t.Errorf("prompts.sum has %d lines for %d rows: run make prompts", len(sums), len(files))
	}
	found, err := fs.Glob(configs.Prompts(), "*/*.wav")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	if !slices.Equal(found, files) {
		t.Errorf("there are the sounds %q, and the rows %q", found, files)
	}
}

// Every prompt is there in both languages, is short, and neither too loud nor too soft.
func TestPromptsCanBePlayed(t *testing.T) {
	if _, err := media.LoadPrompts(configs.Prompts(), ""); err != nil {
		t.Fatal(err)
	}
	for _, row := range promptRows(t) {
		recording, err := media.ReadWAV(readTestFile(t, "prompts/"+row.file()))
		if err != nil {
			t.Errorf("%s: %v", row.file(), err)
			continue
		}
		if long := recording.Duration(); long >= 12*time.Second || long < 300*time.Millisecond {
			t.Errorf("%s is %s long", row.file(), long)
		}
		if recording.Rate != media.SampleRate {
			t.Errorf("%s has %d samples a second", row.file(), recording.Rate)
		}
		peak, sum := 0.0, 0.0
		for _, sample := range recording.Samples {
			peak, sum = max(peak, math.Abs(float64(sample))), sum+float64(sample*sample)
		}
		level := 10 * math.Log10(sum/float64(len(recording.Samples)))
		if peak > 0.8 || level < -30 || level > -18 {
			t.Errorf("%s has a peak of %.2f and a level of %.1f dB", row.file(), peak, level)
		}
	}
}

// No two texts of a language are the same, and each is in the script of its language.
func TestPromptTexts(t *testing.T) {
	seen := map[string]string{}
	for _, row := range promptRows(t) {
		if other, ok := seen[row.language+row.text]; ok {
			t.Errorf("%s says what %s says", row.file(), other)
		}
		seen[row.language+row.text] = row.file()
		chinese := strings.ContainsFunc(row.text, func(r rune) bool { return r >= 0x3000 })
		if chinese != (row.language == "zh") {
			t.Errorf("%s says %q", row.file(), row.text)
		}
	}
}
