package report

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Item is a report that waits on disk, or was refused.
type Item struct {
	Way   string    `json:"way"` // "score" or "webhook"
	ID    string    `json:"id"`
	Time  time.Time `json:"time"` // when it was stored
	Dead  bool      `json:"dead"`
	Error string    `json:"error,omitempty"` // of a dead one: when and why it was refused
	Body  []byte    `json:"-"`               // the report, as JSON

	spool, name string
}

// List reads the reports in the folder of a Reporter, which may be running: those that wait, way by
// way and oldest first, and after them the dead.
func List(dir string) ([]Item, error) {
	var items []Item
	for _, way := range []string{wayScore, wayWebhook} {
		for _, dead := range []bool{false, true} {
			found, err := listFolder(filepath.Join(dir, way), dead)
			if err != nil {
				return nil, err
			}
			items = append(items, found...)
		}
	}
	return items, nil
}

func listFolder(spool string, dead bool) ([]Item, error) {
	folder := spool
	if dead {
		folder = filepath.Join(spool, deadFolder)
	}
	names, err := list(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // no report was ever made
		return nil, err
	}
	var items []Item
	for _, name := range names {
		item := Item{Way: filepath.Base(spool), ID: idOf(name), Time: timeOf(name), Dead: dead, spool: spool, name: name}
		if item.Body, err = readBounded(filepath.Join(folder, name)); errors.Is(err, fs.ErrNotExist) {
			continue // it was sent meanwhile
		}
		if err != nil {
			return nil, err
		}
		if dead {
			why, err := os.ReadFile(item.errorFile())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			item.Error = strings.TrimSpace(string(why))
		}
		items = append(items, item)
	}
	return items, nil
}

func (i *Item) errorFile() string {
	return filepath.Join(i.spool, deadFolder, strings.TrimSuffix(i.name, suffix)+errorSuffix)
}

// Retry puts a dead report back among those that wait. A running gateway sends it within half a
// minute.
func (i *Item) Retry() error {
	if !i.Dead {
		return fmt.Errorf("report %s waits already", i.ID)
	}
	if err := os.Rename(filepath.Join(i.spool, deadFolder, i.name), filepath.Join(i.spool, i.name)); err != nil {
		return fmt.Errorf("report %s: %w", i.ID, err)
	}
	if err := os.Remove(i.errorFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("report %s: %w", i.ID, err)
	}
	return errors.Join(syncDir(i.spool), syncDir(filepath.Join(i.spool, deadFolder)))
}
