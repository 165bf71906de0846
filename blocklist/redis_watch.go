package blocklist

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// A position in Redis is the generation and the id of the last change read: "1-K3…/1732352400000-0".
// A generation begins with the version of the format.
const formatMark = "1-"

// Load implements Store.
func (r *Redis) Load(ctx context.Context, visit func(Entry) error) (Position, error) {
	// The position is taken first: a change made while entries are read is then told once more by
	// Watch, which does no harm, and none is missed.
	generation, err := r.readGeneration(ctx)
	if err != nil || generation == "" {
		return "", err
	}
	last, err := r.client.XRevRangeN(ctx, r.changes, "+", "-", 1).Result()
	if err != nil {
		return "", r.explain(err)
	}
	if len(last) == 0 {
		return "", fmt.Errorf("list store %s: %s is there and %s is not: restore both, or delete %s", r.addr, r.generation, r.changes, r.generation)
	}
	if err := r.scan(ctx, r.client, visit); err != nil {
		return "", err
	}
	if now, err := r.readGeneration(ctx); err != nil || now != generation {
		return "", errors.Join(err, fmt.Errorf("list store %s: the list was exchanged while it was read", r.addr))
	}
	return Position(generation + "/" + last[0].ID), nil
}

// Watch implements Store. A bulk change, and a store that no longer knows the position (because it
// was restored, or the stream has been trimmed past it), are told as ErrResync.
func (r *Redis) Watch(ctx context.Context, after Position) ([]Change, Position, error) {
	generation, id, _ := strings.Cut(string(after), "/")
	if id == "" {
		id = "0"
	}
	// A server that hangs is given up as soon as one that answers late; the library alone would wait
	// ten seconds longer.
	ctx, cancel := context.WithTimeout(ctx, quiet+2*r.client.Options().ReadTimeout)
	defer cancel()
	streams, err := r.client.XRead(ctx, &redis.XReadArgs{
		Streams: []string{r.changes, id}, Count: watchBatch, Block: quiet,
	}).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, after, r.explain(err)
	}
	// What was read follows what we had only if the change we read last is still there, and so
	// nothing after it was trimmed, in a list of the same generation.
	if known, err := r.knows(ctx, generation, id); err != nil {
		return nil, after, err
	} else if !known {
		return nil, after, ErrResync
	}
	if len(streams) == 0 {
		return nil, after, nil
	}
	var changes []Change
	for _, message := range streams[0].Messages {
		line, _ := message.Values["c"].(string)
		c, err := parseChange(line)
		if err != nil || c.Op == OpBulk {
			return nil, after, ErrResync
		}
		changes = append(changes, c)
		id = message.ID
	}
	return changes, Position(generation + "/" + id), nil
}

// knows reports whether the store is of this generation and has the change with this id. A store
// nothing was written to knows the empty position.
func (r *Redis) knows(ctx context.Context, generation, id string) (bool, error) {
	now, err := r.readGeneration(ctx)
	if err != nil || now != generation || now == "" {
		return now == generation, err
	}
	found, err := r.client.XRangeN(ctx, r.changes, id, id, 1).Result()
	return len(found) == 1, r.explain(err)
}

// readGeneration returns the store's generation, "" when nothing was ever written to it.
func (r *Redis) readGeneration(ctx context.Context) (string, error) {
	generation, err := r.client.Get(ctx, r.generation).Result()
	switch {
	case errors.Is(err, redis.Nil):
		return "", nil
	case err != nil:
		return "", r.explain(err)
	case !strings.HasPrefix(generation, formatMark):
		return "", fmt.Errorf("list store %s: the lists are in the format %q, which this version cannot read", r.addr, generation)
	}
	return generation, nil
}

// History implements Store.
func (r *Redis) History(ctx context.Context, limit int) ([]Change, error) {
	if limit <= 0 {
		return nil, nil
	}
	messages, err := r.client.XRevRangeN(ctx, r.changes, "+", "-", int64(limit)).Result()
	if err != nil {
		return nil, r.explain(err)
	}
	changes := make([]Change, 0, len(messages))
	for _, message := range messages {
		line, _ := message.Values["c"].(string)
		c, err := parseChange(line)
		if err != nil {
			return nil, fmt.Errorf("list store %s: change %s: %w", r.addr, message.ID, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}
