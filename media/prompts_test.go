package media

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// shipped is a complete library: every prompt is a tenth of a second of its own sound.
func shipped() fstest.MapFS {
	library := fstest.MapFS{}
	for i, key := range required() {
		library[key.file()] = &fstest.MapFile{Data: recorded(int16(i+1), 100*time.Millisecond)}
	}
	return library
}

// recorded is a WAV file of one level.
func recorded(level int16, long time.Duration) []byte {
	samples := make([]int16, int(long.Seconds()*SampleRate))
	for i := range samples {
		samples[i] = 100 * level
	}
	return wav16(SampleRate, samples)
}

func TestPrompts(t *testing.T) {
	p, err := LoadPrompts(shipped(), "")
	if err != nil {
		t.Fatal(err)
	}
	prompt, ok := p.Get("officials", "en")
	if !ok || prompt.ID != "officials" || prompt.Language != "en" || prompt.Duration() != 100*time.Millisecond {
		t.Errorf("officials is %+v, %v", prompt, ok)
	}
	zh, ok := p.Get("officials", "zh")
	if !ok || bytes.Equal(zh.codes(PCMA), prompt.codes(PCMA)) {
		t.Error("officials is the same in both languages")
	}
	for i, sample := range zh.codes(PCMU) {
		if want := encodeMu(100); sample != want || zh.codes(PCMA)[i] != encodeA(100) {
			t.Fatalf("sample %d is %#x in µ-law, want %#x", i, sample, want)
		}
	}
	if _, ok := p.Get("officials", "fr"); ok {
		t.Error("there is a prompt in French")
	}
	if _, ok := p.Get("../officials", "zh"); ok {
		t.Error("there is a prompt outside the library")
	}
	var read []string
	for _, digit := range p.Digits("zh", "4 0-2x4") {
		read = append(read, digit.ID)
	}
	if got := strings.Join(read, " "); got != "digit-4 digit-0 digit-2 digit-4" {
		t.Errorf("4 0-2x4 is read as %s", got)
	}
	if p.Changed() || p.Reload() != nil {
		t.Error("a library without a site's folder changes")
	}
}

// A library that is not whole does not begin: the error names all that is wrong with it.
func TestShippedPromptsMustBeWhole(t *testing.T) {
	library := shipped()
	delete(library, "zh/digit-7.wav")
	library["en/loan.wav"].Data = []byte("no sound")
	library["en/wait.wav"].Data = wav16(8000, nil)
	library["en/ringback.wav"].Data = make([]byte, maxPromptFile+1)
	p, err := LoadPrompts(library, "")
	if p != nil || err == nil {
		t.Fatal("it was loaded")
	}
	for _, want := range []string{"zh/digit-7.wav", "en/loan.wav: not a usable WAV file", "en/wait.wav: there is no sound", "en/ringback.wav: it is larger than"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

// The site's files replace those shipped, come and go with the files, and a bad one changes nothing.
func TestSitePrompts(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("zh/officials.wav", recorded(50, time.Second))
	p, err := LoadPrompts(shipped(), dir)
	if err != nil {
		t.Fatal(err)
	}
	lasts := func(id string, want time.Duration) {
		t.Helper()
		if prompt, ok := p.Get(id, "zh"); !ok || prompt.Duration() != want {
			t.Errorf("%s is %+v, want it %s long", id, prompt, want)
		}
	}
	lasts("officials", time.Second)
	lasts("loan", 100*time.Millisecond)
	if p.Changed() {
		t.Error("it has changed at once")
	}

	playing, _ := p.Get("officials", "zh")
	codes := bytes.Clone(playing.codes(PCMA))
	put("zh/officials.wav", recorded(60, 2*time.Second))
	put("zh/loan.wav", wav16(48000, make([]int16, 3*48000)))
	if !p.Changed() {
		t.Error("no change is seen")
	}
	before := p.Snapshot()
	if err := p.Reload(); err != nil || p.Changed() {
		t.Errorf("after it was loaded anew: changed %v, %v", p.Changed(), err)
	}
	lasts("officials", 2*time.Second)
	if kept, ok := before.Get("officials", "zh"); !ok || kept != playing {
		t.Error("a snapshot has changed")
	}
	lasts("loan", 3*time.Second)
	if !bytes.Equal(playing.codes(PCMA), codes) {
		t.Error("a prompt that plays has changed")
	}

	put("zh/officials.wav", []byte("RIFF"))
	put("zh/oficials.wav", recorded(1, time.Second))
	put("wait.wav", recorded(1, time.Second))
	err = p.Reload()
	if err == nil {
		t.Fatal("bad files are taken")
	}
	for _, want := range []string{
		dir + ": zh/officials.wav: not a usable WAV file: it does not begin with RIFF and WAVE; save it as a WAV file; the sound before it stays",
		"zh/oficials.wav: no prompt is called so", "wait.wav: no prompt is called so", "menu-reporting-line",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	lasts("officials", 2*time.Second)

	if err := os.RemoveAll(filepath.Join(dir, "zh")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "wait.wav")); err != nil {
		t.Fatal(err)
	}
	if !p.Changed() || p.Reload() != nil {
		t.Error("files that are gone are not noticed")
	}
	lasts("officials", 100*time.Millisecond)

	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Reload(); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a folder that is gone: %v", err)
	}
	lasts("officials", 100*time.Millisecond)
}
