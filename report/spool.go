package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// A spool is a folder with a file for each report that waits, named so that they sort by age, and a
// folder "dead" beside them for those that were refused, each with a file ".error" that says why. A
// file comes in under another name and is then renamed, and is moved by renaming, so that a kill at
// any moment leaves each report whole and in one place. Operators may look, move and delete.
type spool struct {
	dir string

	mu     sync.Mutex
	latest time.Time       // of the names given
	ids    map[string]bool // of the reports on disk, as last looked
	queued int
	dead   int
}

// maxSpooled bounds the reports of one way on disk, waiting and dead together. A new one beyond it
// is refused: the older ones are nearer to being acted on, and the call log has them all.
const maxSpooled = 10_000

// maxBody bounds the file of one report, in bytes.
const maxBody = 64 << 10

const (
	deadFolder  = "dead"
	suffix      = ".json"
	errorSuffix = ".error"
	unfinished  = ".tmp-"
	nameTime    = "20060102T150405.000000000Z"
)

func openSpool(dir string) (*spool, error) {
	if err := os.MkdirAll(filepath.Join(dir, deadFolder), 0o750); err != nil {
		return nil, fmt.Errorf("folder of reports: %w", err)
	}
	leftovers, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	if err != nil {
		return nil, fmt.Errorf("folder of reports: %w", err)
	}
	for _, path := range leftovers { // of a process that was killed while it wrote
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("folder of reports: %w", err)
		}
	}
	s := &spool{dir: dir}
	_, err = s.waiting()
	return s, err
}

func (s *spool) way() string { return filepath.Base(s.dir) }

// put stores a report on disk, unless the same one is there.
func (s *spool) put(id string, body []byte, at time.Time) error {
	if len(body) > maxBody {
		return fmt.Errorf("report of %d bytes is larger than %d", len(body), maxBody)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ids[id] {
		return nil
	}
	if s.queued+s.dead >= maxSpooled {
		return fmt.Errorf("%s is full: %d reports wait and %d are dead: see \"ringfence reports list\"", s.dir, s.queued, s.dead)
	}
	if !at.After(s.latest) { // a clock that was set back must not change the order
		at = s.latest.Add(1)
	}
	s.latest = at
	if err := writeWhole(s.dir, at.UTC().Format(nameTime)+"-"+id+suffix, body); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	s.queued++
	s.ids[id] = true
	return nil
}

// waiting lists the names of the reports that wait, oldest first, and counts anew.
func (s *spool) waiting() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queued, err := list(s.dir)
	if err != nil {
		return nil, err
	}
	dead, err := list(filepath.Join(s.dir, deadFolder))
	if err != nil {
		return nil, err
	}
	s.queued, s.dead = len(queued), len(dead)
	s.ids = make(map[string]bool, len(queued)+len(dead))
	for _, name := range slices.Concat(queued, dead) {
		s.ids[idOf(name)] = true
	}
	return queued, nil
}

func (s *spool) counts() (queued, dead int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queued, s.dead
}

func (s *spool) read(name string) ([]byte, error) { return readBounded(filepath.Join(s.dir, name)) }

// remove takes out a report that was taken.
func (s *spool) remove(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := os.Remove(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) { // an operator was faster
		return nil
	}
	if err == nil {
		s.queued--
		delete(s.ids, idOf(name))
	}
	return err
}

// bury sets a report that was refused aside.
func (s *spool) bury(name string, why error, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	grave := filepath.Join(s.dir, deadFolder)
	text := at.UTC().Format(time.RFC3339) + " " + why.Error() + "\n"
	if err := writeWhole(grave, strings.TrimSuffix(name, suffix)+errorSuffix, []byte(text)); err != nil {
		return err
	}
	err := os.Rename(filepath.Join(s.dir, name), filepath.Join(grave, name))
	if err == nil {
		s.queued--
		s.dead++
	}
	return err
}

// list returns the names of the reports in a folder in order.
func list(dir string) ([]string, error) {
	folder, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of reports: %w", err)
	}
	var names []string
	for _, entry := range folder {
		if name := entry.Name(); strings.HasSuffix(name, suffix) && idOf(name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// idOf is the report's id in the name of its file; empty when it is not the name of one.
func idOf(name string) string {
	if timeOf(name).IsZero() {
		return ""
	}
	_, id, _ := strings.Cut(strings.TrimSuffix(name, suffix), "-")
	return id
}

// timeOf is when the report was stored, by the name of its file; zero when it is not the name of one.
func timeOf(name string) time.Time {
	stamp, _, _ := strings.Cut(name, "-")
	at, err := time.Parse(nameTime, stamp)
	if err != nil {
		return time.Time{}
	}
	return at
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBody {
		return nil, fmt.Errorf("%w: %s has %d bytes, more than a report", ErrRefused, path, info.Size())
	}
	return os.ReadFile(path)
}

// writeWhole writes a file so that after a power cut it is there as a whole, or not at all.
func writeWhole(dir, name string, body []byte) error {
	tmp, err := os.CreateTemp(dir, unfinished+"*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(body)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		if gone := os.Remove(tmp.Name()); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
