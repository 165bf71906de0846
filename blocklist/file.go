package blocklist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"

	"ringfence/call"
)

// File is a Store in a single file, the home of a site with one node. Several processes may use it:
// writers take turns by a lock on the file PATH.lock, and a write replaces the file as a whole, so
// that a reader sees the old list or the new one and never part of one.
//
// Every write costs the time to write the whole list. That is milliseconds for ten thousand entries
// and seconds for a million: a list of that size belongs into Redis.
type File struct {
	path string
}

const (
	// filePoll is how often Watch looks at the file. A stat costs a microsecond, works on every file
	// system and needs no library; a notification does not reach network file systems, and is lost
	// when the file it watches is renamed over.
	filePoll = 200 * time.Millisecond
	// lockPoll is how often a writer asks for a lock that another holds.
	lockPoll = 10 * time.Millisecond
	// quiet is how long Watch of any store waits before it returns without a change.
	quiet = 500 * time.Millisecond
	// fileHistory is how many changes the file keeps.
	fileHistory = 1000
)

// OpenFile opens the store in the file at path. The file need not exist: it is made by the first
// change.
func OpenFile(path string) *File { return &File{path} }

// Put implements Store.
func (f *File) Put(ctx context.Context, entries []Entry, by Signature) error {
	stored, err := prepare(entries, by)
	if err != nil || len(stored) == 0 {
		return err
	}
	return f.edit(ctx, by, func(map[Key]Entry) (added, removed []Entry, err error) {
		return stored, nil, nil
	})
}

// Remove implements Store.
func (f *File) Remove(ctx context.Context, keys []Key, by Signature) (gone []Entry, err error) {
	if err := by.validate(); err != nil {
		return nil, err
	}
	err = f.edit(ctx, by, func(present map[Key]Entry) (added, removed []Entry, err error) {
		for _, key := range keys {
			if e, there := present[key]; there {
				gone = append(gone, e)
			}
		}
		return nil, gone, nil
	})
	return gone, err
}

// Replace implements Store.
func (f *File) Replace(ctx context.Context, source call.Source, entries []Entry, by Signature) (done Replaced, err error) {
	stored, err := prepare(entries, by)
	if err != nil {
		return done, err
	}
	err = f.edit(ctx, by, func(present map[Key]Entry) (added, removed []Entry, err error) {
		added, removed, err = replacement(source, present, stored)
		done = Replaced{len(added), len(removed), len(stored) - len(added)}
		return added, removed, err
	})
	return done, err
}

// Get implements Store.
func (f *File) Get(_ context.Context, keys []Key) ([]Entry, error) {
	wanted := make(map[Key]struct{}, len(keys))
	for _, key := range keys {
		wanted[key] = struct{}{}
	}
	var found []Entry
	_, err := f.read(func(e Entry) error {
		if _, is := wanted[e.Key()]; is {
			found = append(found, e)
		}
		return nil
	}, nil)
	return found, err
}

// Load implements Store. A file with a fault in it gives an error that names each bad line.
func (f *File) Load(_ context.Context, visit func(Entry) error) (Position, error) {
	return f.read(visit, nil)
}

// Watch implements Store. Any change of the file, made here or with an editor, is told as ErrResync.
func (f *File) Watch(ctx context.Context, after Position) ([]Change, Position, error) {
	end := time.NewTimer(quiet)
	defer end.Stop()
	poll := time.NewTicker(filePoll)
	defer poll.Stop()
	for {
		switch now, err := f.position(); {
		case err != nil:
			return nil, after, err
		case now != after:
			return nil, after, ErrResync
		}
		select {
		case <-ctx.Done():
			return nil, after, ctx.Err()
		case <-end.C:
			return nil, after, nil
		case <-poll.C:
		}
	}
}

// History implements Store.
func (f *File) History(_ context.Context, limit int) ([]Change, error) {
	if limit <= 0 {
		return nil, nil
	}
	var changes []Change
	_, err := f.read(nil, func(c Change) { changes = append(changes, c) })
	if err != nil {
		return nil, err
	}
	slices.Reverse(changes)
	return changes[:min(len(changes), limit)], nil
}

// Close implements Store.
func (f *File) Close() error { return nil }

// position tells the file's state apart from any other; it is empty when there is no file.
func (f *File) position() (Position, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("list file: %w", err)
	}
	return positionOf(info), nil
}

func positionOf(info fs.FileInfo) Position {
	inode := uint64(0)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	return Position(fmt.Sprintf("%d/%d/%d", inode, info.Size(), info.ModTime().UnixNano()))
}

// read reads the file; either function may be nil. A file that is not there is an empty list.
func (f *File) read(visit func(Entry) error, change func(Change)) (Position, error) {
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("list file: %w", err)
	}
	defer func() { _ = file.Close() }() // read only: nothing can be lost
	before, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("list file: %w", err)
	}
	if before.Size() > maxFile {
		return "", fmt.Errorf("list file %s: %d bytes are more than the %d a list file may have", f.path, before.Size(), maxFile)
	}
	if err := readFile(file, visit, change); err != nil {
		return "", fmt.Errorf("list file %s: %w", f.path, err)
	}
	return positionOf(before), nil
}

// edit lets decide say what to add and remove, and writes the result, under the lock.
func (f *File) edit(ctx context.Context, by Signature, decide func(present map[Key]Entry) (added, removed []Entry, err error)) error {
	unlock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return f.change(by, decide)
}

// change is edit for who holds the lock.
func (f *File) change(by Signature, decide func(present map[Key]Entry) (added, removed []Entry, err error)) error {
	present := map[Key]Entry{}
	var history []Change
	_, err := f.read(func(e Entry) error {
		present[e.Key()] = e
		return nil
	}, func(c Change) { history = append(history, c) })
	if err != nil {
		return fmt.Errorf("%w (nothing was changed)", err)
	}
	added, removed, err := decide(present)
	if err != nil || len(added)+len(removed) == 0 {
		return err
	}
	for i := range removed {
		delete(present, removed[i].Key())
	}
	for _, e := range added {
		present[e.Key()] = e
	}
	history = append(history, changesOf(added, removed, by)...)
	history = history[max(0, len(history)-fileHistory):]
	entries := slices.SortedFunc(maps.Values(present), Compare)
	return replaceFile(f.path, 0o640, func(w *os.File) error { return writeFile(w, entries, history) })
}

// lock takes the writers' lock; it waits for another process until ctx ends.
func (f *File) lock(ctx context.Context) (unlock func(), err error) {
	path := f.path + ".lock"
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o640)
	if err != nil {
		return nil, fmt.Errorf("lock of the list file: %w", err)
	}
	poll := time.NewTicker(lockPoll)
	defer poll.Stop()
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // closing releases the lock
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			break
		}
		select {
		case <-ctx.Done():
			err = fmt.Errorf("another process is still writing: %w", ctx.Err())
		case <-poll.C:
			continue
		}
		break
	}
	return nil, errors.Join(fmt.Errorf("lock of the list file %s: %w", path, err), file.Close())
}
