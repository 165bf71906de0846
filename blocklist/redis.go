package blocklist

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"ringfence/call"
)

// Redis is a Store in a Redis server (6.0 or later), the home that all nodes of a site share. With
// the default prefix it has these keys:
//
//	ringfence:entries     hash: the key of an entry -> its line
//	ringfence:changes     stream of changes, trimmed to about streamLimit; field c holds the line
//	ringfence:generation  random word made with the first change: another one means another list
//	ringfence:reports     hash: a reported number -> its tally
//	ringfence:reporter:HASH:DAY  how many numbers a person reported on a day; expires
//
// Every change writes the first three, and what it changes of the others, in one transaction.
type Redis struct {
	client                       *redis.Client
	entries, changes, generation string // names of the keys
	reports, reporter            string // names, or their beginnings
	addr                         string // for messages
}

const (
	// streamLimit is about how many changes the stream keeps: a node that was away for fewer catches
	// up by them, one that missed more loads the whole list.
	streamLimit = 10_000
	// watchBatch is how many changes one Watch returns at most.
	watchBatch = 1000
	// scanCount is how many entries are asked for at a time, about 0.3 ms of the server's time.
	scanCount = 500
	// writeChunk is how many entries one command of a transaction carries.
	writeChunk = 500
	// writeTries is how often an edit is begun anew because another writer was faster.
	writeTries = 10
)

// Time limits of one exchange with Redis; the URL can set others (dial_timeout=1s). An edit may carry
// a million entries: its limit is the caller's context, and editLimit.
const (
	redisDial  = 2 * time.Second
	redisRead  = 3 * time.Second
	redisWrite = 3 * time.Second
	editLimit  = 2 * time.Minute
)

func init() {
	// Errors come back from the calls; the library's own lines on standard error would say each
	// twice, once a connection.
	logging.Disable()
}

// OpenRedis opens the store at a redis://, rediss:// or unix:// URL (see Open). It does not wait for
// the server to answer.
func OpenRedis(rawURL string, o Options) (*Redis, error) {
	opts, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("list store: %w (write redis://[user:password@]host[:port][/db], rediss://… or unix://PATH)", withoutURL(err))
	}
	opts.DialTimeout = orElse(opts.DialTimeout, redisDial)
	opts.ReadTimeout = orElse(opts.ReadTimeout, redisRead)
	opts.WriteTimeout = orElse(opts.WriteTimeout, redisWrite)
	opts.ContextTimeoutEnabled = true
	opts.MaxRetries = -1 // a transaction sent twice would be recorded twice
	opts.DialerRetries = 1
	opts.DisableIdentity = true
	opts.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	if o.PasswordFile != "" {
		user := opts.Username
		opts.CredentialsProviderContext = func(context.Context) (string, string, error) {
			password, err := os.ReadFile(o.PasswordFile)
			if err != nil {
				return "", "", fmt.Errorf("password of the list store: %w", err)
			}
			return user, strings.TrimRight(string(password), "\r\n"), nil
		}
	}
	prefix := o.Prefix
	if prefix == "" {
		prefix = DefaultPrefix
	}
	return &Redis{
		client:  redis.NewClient(opts),
		entries: prefix + "entries", changes: prefix + "changes", generation: prefix + "generation",
		reports: prefix + "reports", reporter: prefix + "reporter:",
		addr: opts.Addr,
	}, nil
}

// withoutURL drops the URL, which may hold a password, from an error of parsing it.
func withoutURL(err error) error {
	var parse *url.Error
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}

func orElse(value, standard time.Duration) time.Duration {
	if value == 0 {
		return standard
	}
	return value
}

// Put implements Store.
func (r *Redis) Put(ctx context.Context, entries []Entry, by Signature) error {
	stored, err := prepare(entries, by)
	if err != nil || len(stored) == 0 {
		return err
	}
	return r.edit(ctx, by, func(*redis.Tx) (added, removed []Entry, err error) {
		return stored, nil, nil
	})
}

// Remove implements Store.
func (r *Redis) Remove(ctx context.Context, keys []Key, by Signature) (gone []Entry, err error) {
	if err := by.validate(); err != nil {
		return nil, err
	}
	err = r.edit(ctx, by, func(tx *redis.Tx) (added, removed []Entry, err error) {
		gone, err = r.get(ctx, tx, keys)
		return nil, gone, err
	})
	return gone, err
}

// Replace implements Store.
func (r *Redis) Replace(ctx context.Context, source call.Source, entries []Entry, by Signature) (done Replaced, err error) {
	stored, err := prepare(entries, by)
	if err != nil {
		return done, err
	}
	err = r.edit(ctx, by, func(tx *redis.Tx) (added, removed []Entry, err error) {
		present := map[Key]Entry{}
		err = r.scan(ctx, tx, func(e Entry) error {
			if e.Source == source {
				present[e.Key()] = e
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
		added, removed, err = replacement(source, present, stored)
		done = Replaced{len(added), len(removed), len(stored) - len(added)}
		return added, removed, err
	})
	return done, err
}

// Get implements Store.
func (r *Redis) Get(ctx context.Context, keys []Key) ([]Entry, error) {
	return r.get(ctx, r.client, keys)
}

// Close implements Store.
func (r *Redis) Close() error { return r.client.Close() }

// edit lets decide look at the store and say what to add and remove, and writes that in one
// transaction.
func (r *Redis) edit(ctx context.Context, by Signature, decide func(*redis.Tx) (added, removed []Entry, err error)) error {
	return r.transact(ctx, func(tx *redis.Tx) error {
		added, removed, err := decide(tx)
		if err != nil || len(added)+len(removed) == 0 {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			r.queue(ctx, p, added, removed, by)
			return nil
		})
		return err
	})
}

// transact lets attempt look at the store and write one transaction, which is refused should another
// writer come between; then it begins anew.
func (r *Redis) transact(ctx context.Context, attempt func(*redis.Tx) error) error {
	patient := r.client.WithTimeout(editLimit)
	for range writeTries {
		// Every edit adds to the stream, so watching it is watching the entries.
		err := patient.Watch(ctx, attempt, r.changes)
		if !errors.Is(err, redis.TxFailedErr) {
			return r.explain(err)
		}
	}
	return fmt.Errorf("list store %s: other writers came between %d times; nothing was changed: try again", r.addr, writeTries)
}

// queue adds the commands of one edit to a transaction.
func (r *Redis) queue(ctx context.Context, p redis.Pipeliner, added, removed []Entry, by Signature) {
	p.SetNX(ctx, r.generation, "1-"+rand.Text(), 0)
	for start := 0; start < len(removed); start += writeChunk {
		chunk := removed[start:min(start+writeChunk, len(removed))]
		fields := make([]string, len(chunk))
		for i := range chunk {
			fields[i] = field(chunk[i].Key())
		}
		p.HDel(ctx, r.entries, fields...)
	}
	for start := 0; start < len(added); start += writeChunk {
		chunk := added[start:min(start+writeChunk, len(added))]
		pairs := make([]any, 0, 2*len(chunk))
		for i := range chunk {
			pairs = append(pairs, field(chunk[i].Key()), chunk[i].appendLine(nil))
		}
		p.HSet(ctx, r.entries, pairs...)
	}
	for _, c := range changesOf(added, removed, by) {
		p.XAdd(ctx, &redis.XAddArgs{Stream: r.changes, MaxLen: streamLimit, Approx: true, Values: []any{"c", c.appendLine(nil)}})
	}
}

// field names an entry in the hash.
func field(k Key) string { return k.String() }

// get returns the entries with these keys that are there, in one round trip a chunk.
func (r *Redis) get(ctx context.Context, c redis.Cmdable, keys []Key) ([]Entry, error) {
	var found []Entry
	for start := 0; start < len(keys); start += writeChunk {
		chunk := keys[start:min(start+writeChunk, len(keys))]
		fields := make([]string, len(chunk))
		for i, key := range chunk {
			fields[i] = field(key)
		}
		values, err := c.HMGet(ctx, r.entries, fields...).Result()
		if err != nil {
			return nil, r.explain(err)
		}
		for _, value := range values {
			line, there := value.(string)
			if !there {
				continue
			}
			e, err := parseLine(line)
			if err != nil {
				return nil, r.damaged(err)
			}
			found = append(found, e)
		}
	}
	return found, nil
}

// scan visits every entry, a few hundred at a time, so that the server has time for others.
func (r *Redis) scan(ctx context.Context, c redis.Cmdable, visit func(Entry) error) error {
	for cursor := uint64(0); ; {
		pairs, next, err := c.HScan(ctx, r.entries, cursor, "", scanCount).Result()
		if err != nil {
			return r.explain(err)
		}
		for i := 1; i < len(pairs); i += 2 {
			e, err := parseLine(pairs[i])
			if err == nil && field(e.Key()) != pairs[i-1] {
				err = fmt.Errorf("it is kept under the name of another, %q", pairs[i-1])
			}
			if err != nil {
				return r.damaged(err)
			}
			if err := visit(e); err != nil {
				return err
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}

// damaged says that an entry in Redis cannot be read; the list is then refused as a whole.
func (r *Redis) damaged(err error) error {
	return fmt.Errorf("list store %s: an entry in %s was not written by this program: %w", r.addr, r.entries, err)
}

// explain names the server in an error of talking to it.
func (r *Redis) explain(err error) error {
	var operation *net.OpError
	switch {
	case err == nil || errors.Is(err, ErrEntry) || errors.Is(err, ErrResync):
		return err
	case errors.As(err, &operation) && operation.Op == "dial":
		return fmt.Errorf("list store %s cannot be reached: %w", r.addr, operation.Err)
	}
	return fmt.Errorf("list store %s: %w", r.addr, err)
}
