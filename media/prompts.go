package media

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"strings"
	"sync/atomic"
)

// Languages are the languages that every prompt is spoken in.
var Languages = [...]string{"zh", "en"}

// PromptIDs are the prompts that there are, beside digit-0 to digit-9.
var PromptIDs = [...]string{
	"officials", "customer-service", "loan", "high-risk", "unverified-international", // the warnings
	"menu-take", "menu-voicemail", "menu-reporting-line", "menu-listen-in", "menu-report", // the menu, key by key
	"listen-in-consent", "reported-thanks", "report-none", // to members of the site
	"refused-caller", "caller-challenge", "challenge-failed", "wait", // to callers
	"ringback", // what a caller hears while a telephone rings, played over and over
}

// maxPromptFile bounds the size of a prompt's file, in bytes: MaxPrompt at 48 kHz, in stereo of 32 bits.
const maxPromptFile = 24 << 20

// promptKey names one prompt: its language and its ID.
type promptKey struct{ language, id string }

// file is where the prompt is in its folder.
func (k promptKey) file() string { return k.language + "/" + k.id + ".wav" }

// required are the prompts that a library must hold.
func required() (keys []promptKey) {
	for _, language := range Languages {
		for _, id := range PromptIDs {
			keys = append(keys, promptKey{language, id})
		}
		for digit := '0'; digit <= '9'; digit++ {
			keys = append(keys, promptKey{language, digitID(digit)})
		}
	}
	return keys
}

func digitID(digit rune) string { return "digit-" + string(digit) }

// Prompts is the library of prompts: those that are shipped, and those of the site's folder over them.
// It is safe for concurrent use; what was taken from it stays as it is when it is loaded anew.
type Prompts struct {
	dir     string // of the site; empty: there is none
	shipped map[promptKey]*Prompt
	current atomic.Pointer[map[promptKey]*Prompt]
	read    atomic.Pointer[string] // state of the site's folder when it was last read
}

// LoadPrompts reads LANGUAGE/ID.wav for every language and ID from shipped, and those that there are
// from the folder dir, which replace them; dir may be empty. The error names each file that is
// missing, cannot be used, or is no prompt's, and says why. Prompts is nil only where shipped is at
// fault: with a bad file in dir the sound that is shipped stays in its place.
func LoadPrompts(shipped fs.FS, dir string) (*Prompts, error) {
	p := &Prompts{dir: dir, shipped: map[promptKey]*Prompt{}}
	var problems []error
	for _, key := range required() {
		prompt, err := readPrompt(shipped, key)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		p.shipped[key] = prompt
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	p.current.Store(&p.shipped)
	return p, p.Reload()
}

// Reload reads the site's folder anew. A file that is gone gives way to the prompt that is shipped. A
// file that cannot be used leaves what was there before; the error names each such file and says why.
// Calls that play a prompt go on with the one they began.
func (p *Prompts) Reload() error {
	if p.dir == "" {
		return nil
	}
	state, err := folderState(p.dir)
	if err != nil {
		return fmt.Errorf("folder of prompts: %w", err)
	}
	p.read.Store(&state) // as it was before: what changes meanwhile is read the next time
	site, next := os.DirFS(p.dir), maps.Clone(p.shipped)
	problems := strangers(site, p.dir)
	for _, key := range required() {
		prompt, err := readPrompt(site, key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: %w; the sound before it stays", p.dir, err))
			next[key] = (*p.current.Load())[key]
		default:
			next[key] = prompt
		}
	}
	p.current.Store(&next)
	return errors.Join(problems...)
}

// Changed reports whether a file of the site's folder has come, gone or changed since it was last read,
// so that Reload is due. It reads no file.
func (p *Prompts) Changed() bool {
	if p.dir == "" {
		return false
	}
	state, err := folderState(p.dir)
	read := p.read.Load()
	return err == nil && (read == nil || *read != state)
}

// folderState is a text that changes when a WAV file of the site's folder does.
func folderState(dir string) (string, error) {
	if _, err := os.Stat(dir); err != nil {
		return "", err
	}
	var b strings.Builder
	site := os.DirFS(dir)
	for _, name := range recordings(site) {
		if info, err := fs.Stat(site, name); err == nil { // it is gone otherwise
			fmt.Fprintln(&b, name, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String(), nil
}

// recordings are the WAV files in a folder and those below it.
func recordings(folder fs.FS) (names []string) {
	for _, pattern := range []string{"*.wav", "*/*.wav"} {
		found, err := fs.Glob(folder, pattern)
		if err != nil {
			panic(err) // the pattern is a constant
		}
		names = append(names, found...)
	}
	return names
}

// Get is a prompt in a language; ok is false when there is none of the ID or the language.
func (p *Prompts) Get(id, language string) (prompt *Prompt, ok bool) {
	prompt, ok = (*p.current.Load())[promptKey{language, id}]
	return prompt, ok
}

// Snapshot is the library as it is now. It stays so when p is read anew.
func (p *Prompts) Snapshot() *Prompts {
	s := &Prompts{shipped: p.shipped}
	s.current.Store(p.current.Load())
	return s
}

// Digits are the prompts that read digits out one by one; other characters are passed over.
func (p *Prompts) Digits(language, digits string) []*Prompt {
	prompts := make([]*Prompt, 0, len(digits))
	for _, digit := range digits {
		if prompt, ok := p.Get(digitID(digit), language); ok {
			prompts = append(prompts, prompt)
		}
	}
	return prompts
}

// readPrompt reads one prompt. The error begins with the file's name.
func readPrompt(folder fs.FS, key promptKey) (*Prompt, error) {
	data, err := readBounded(folder, key.file())
	if err != nil {
		return nil, err
	}
	recording, err := ReadWAV(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key.file(), err)
	}
	samples := Resample(recording, SampleRate)
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s: there is no sound in it", key.file())
	}
	return NewPrompt(key.id, key.language, samples), nil
}

func readBounded(folder fs.FS, name string) ([]byte, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxPromptFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxPromptFile {
		return nil, fmt.Errorf("%s: it is larger than %d MiB", name, maxPromptFile>>20)
	}
	return data, nil
}

// strangers are WAV files in the site's folder that replace no prompt: most often a slip in a name.
func strangers(site fs.FS, dir string) (problems []error) {
	known := map[string]bool{}
	for _, key := range required() {
		known[key.file()] = true
	}
	for _, name := range recordings(site) {
		if !known[name] {
			problems = append(problems, fmt.Errorf("%s: %s: no prompt is called so; a file is LANGUAGE/ID.wav, a language one of %s, an ID one of %s, digit-0 to digit-9",
				dir, name, strings.Join(Languages[:], ", "), strings.Join(PromptIDs[:], ", ")))
		}
	}
	return problems
}
