package blocklist

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ringfence/call"
)

// Position is a point in the history of a store. It is opaque, and means something only to stores
// on the same home. The empty Position is that of a home nothing was ever written to.
type Position string

// ErrResync says that the changes after a position cannot be told one by one: the list must be
// loaded anew.
var ErrResync = errors.New("the changes since are not known: load the whole list")

// Store is the source of truth for lists. Its methods may be called from several goroutines, and
// several processes may have the same home open. Every method ends soon after its context does.
type Store interface {
	// Put adds entries, all or none; an entry with the key of a present one replaces it. An entry
	// that is not valid gives an error that wraps ErrEntry.
	Put(ctx context.Context, entries []Entry, by Signature) error
	// Remove takes the entries with these keys out, all or none, and returns them as they were. Keys
	// that are not there are passed over.
	Remove(ctx context.Context, keys []Key, by Signature) ([]Entry, error)
	// Replace makes entries, which must all have this source, the only ones of that source, all or
	// none. Entries that stay as they are do not count as changed.
	Replace(ctx context.Context, source call.Source, entries []Entry, by Signature) (Replaced, error)
	// Get returns the entries with these keys that are there.
	Get(ctx context.Context, keys []Key) ([]Entry, error)
	// Load calls visit with every entry, in any order and possibly more than once for one entry, and
	// returns a position: what Watch tells after it brings the loaded list up to date.
	Load(ctx context.Context, visit func(Entry) error) (Position, error)
	// Watch waits for changes after a position and returns them, oldest first, with the position
	// after them. Without a change it returns none within about half a second: the store is there.
	// It returns ErrResync when the changes are not known.
	Watch(ctx context.Context, after Position) ([]Change, Position, error)
	// History returns the latest changes, newest first, at most limit of them.
	History(ctx context.Context, limit int) ([]Change, error)
	// Report counts a person's report of a number, which becomes an entry of source report on the watch
	// list, or is moved on it. Each person counts once for each number, and the same report may be
	// told again. A report that is not valid gives an error that wraps ErrEntry.
	Report(ctx context.Context, r Report, s Scoring) (Outcome, error)
	// Decay brings the scores of reported numbers down to what they are at an instant, takes out
	// those whose reports have faded, and returns how many entries it changed. What one call leaves
	// the next one does.
	Decay(ctx context.Context, s Scoring, at time.Time) (int, error)
	// Close gives up what the store holds.
	Close() error
}

// Replaced counts what Store.Replace did.
type Replaced struct {
	Added   int `json:"added"` // new or changed
	Removed int `json:"removed"`
	Kept    int `json:"kept"` // as they were
}

// Options are what a store's URL does not say.
type Options struct {
	// PasswordFile names a file with the Redis password. It is read at each new connection, so that
	// a password can be changed without a restart. It outranks a password in the URL.
	PasswordFile string
	// Prefix begins the names of all Redis keys; empty is DefaultPrefix.
	Prefix string
}

// DefaultPrefix begins the names of the Redis keys.
const DefaultPrefix = "ringfence:"

// Open opens the store at a URL, without waiting for it to answer:
//
//	file:PATH                                    one file; PATH may be relative
//	redis://[user:password@]host[:port][/db]     Redis over TCP
//	rediss://[user:password@]host[:port][/db]    Redis over TLS
//	unix://[user:password@]PATH[?db=N]           Redis over a Unix socket
func Open(url string, o Options) (Store, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "file":
		path := strings.TrimPrefix(rest, "//")
		if path == "" {
			return nil, errors.New("list store: file: has no path after it (write file:PATH)")
		}
		return OpenFile(path), nil
	case "redis", "rediss", "unix":
		return OpenRedis(url, o)
	}
	return nil, fmt.Errorf("list store: %q is not a scheme known here (write file:PATH, redis://HOST, rediss://HOST or unix://PATH)", scheme)
}

// prepare validates a batch and returns it in stored form. Two entries with one key are an error.
func prepare(entries []Entry, by Signature) ([]Entry, error) {
	if err := by.validate(); err != nil {
		return nil, err
	}
	seen := make(map[Key]struct{}, len(entries))
	stored := make([]Entry, len(entries))
	for i := range entries {
		e := entries[i].stored()
		if err := e.Validate(); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Key(), err)
		}
		if _, twice := seen[e.Key()]; twice {
			return nil, fmt.Errorf("%w: %s stands twice in one batch", ErrEntry, e.Key())
		}
		seen[e.Key()] = struct{}{}
		stored[i] = e
	}
	return stored, nil
}

// replacement says what must be added and removed to make entries the only ones of source among
// present.
func replacement(source call.Source, present map[Key]Entry, entries []Entry) (added, removed []Entry, err error) {
	wanted := make(map[Key]struct{}, len(entries))
	for _, e := range entries {
		if e.Source != source {
			return nil, nil, fmt.Errorf("%w: %s is not of source %s, which is being replaced", ErrEntry, e.Key(), source)
		}
		wanted[e.Key()] = struct{}{}
		if old, there := present[e.Key()]; !there || !old.says(e) {
			added = append(added, e)
		}
	}
	for key, e := range present {
		if _, stays := wanted[key]; !stays && key.Source == source {
			removed = append(removed, e)
		}
	}
	return added, removed, nil
}

// says reports whether e and other agree in all but when they were added: a feed that is read
// daily lists the same numbers again.
func (e Entry) says(other Entry) bool {
	e.Added = other.Added
	return e == other
}
