package audit

import (
	"errors"
	"fmt"
	"time"
)

// connect opens the database unless it is open.
func (w *writer) connect() error {
	if w.db != nil {
		return w.db.present()
	}
	o := &w.log.opts
	db, err := openDatabase(w.ctx, o.Path, o.busy, o.pragmas...)
	if err != nil {
		return err
	}
	head, err := db.extend(w.ctx, (*extension).tryWrite)
	if err != nil {
		return errors.Join(err, db.close())
	}
	w.db = db
	if known := w.log.Stats().Head; head.Seq < known.Seq {
		o.Logger.Error("audit database went back: it was removed, replaced or restored from a backup",
			"had", known.String(), "has", head.String())
	}
	if len(w.pending) == 0 && w.spool.empty() { // otherwise it is the waiting records that must go in
		w.databaseWorks(head)
	}
	return nil
}

func (w *writer) databaseWorks(head Head) {
	var failed bool
	w.log.status.update(func(s *Stats) {
		failed = s.DatabaseError != ""
		s.DatabaseError, s.FailingSince, s.Head = "", time.Time{}, head
	})
	if failed {
		w.log.opts.Logger.Info("audit database works again", "path", w.log.opts.Path)
	}
}

// databaseFailed closes the database: opening it again is the one way back from any failure.
func (w *writer) databaseFailed(err error) {
	if w.db != nil {
		err = errors.Join(err, w.db.close())
		w.db = nil
	}
	w.retryAt = time.Now().Add(retryDelay)
	var first bool
	w.log.status.update(func(s *Stats) {
		if first = s.DatabaseError == ""; first {
			s.FailingSince = time.Now()
		}
		s.DatabaseError = err.Error()
	})
	if first {
		w.log.opts.Logger.Error("audit database fails, records are spooled",
			"path", w.log.opts.Path, "spool", w.log.opts.Spool, "error", err)
	}
}

// commit writes entries to the database.
func (w *writer) commit(entries []entry) bool {
	err := w.connect()
	var head Head
	var added int
	if err == nil {
		head, err = w.db.extend(w.ctx, func(x *extension) (err error) {
			added, err = x.addCalls(entries)
			return err
		})
	}
	if err != nil {
		w.databaseFailed(err)
		return false
	}
	w.databaseWorks(head)
	w.log.status.update(func(s *Stats) {
		s.Written += uint64(added)
		s.LastCommit = time.Now()
		s.SpoolError = "" // not needed; said again when it is
	})
	return true
}

// toSpool writes what is pending to the spool.
func (w *writer) toSpool() bool {
	err := w.spool.append(w.pending)
	var first bool
	w.log.status.update(func(s *Stats) {
		first = err != nil && s.SpoolError == ""
		s.SpoolError = ""
		if err != nil {
			s.SpoolError = err.Error()
		}
	})
	if first {
		w.log.opts.Logger.Error("audit spool fails, records wait in memory", "error", err)
	}
	w.showSpool()
	return err == nil
}

// replay loads the next part of the spool into the database.
func (w *writer) replay() {
	c, err := w.spool.next(w.log.opts.Batch)
	if err == nil && (len(c.entries) == 0 || w.commit(c.entries)) {
		if len(c.damaged) > 0 {
			w.setAside(c.damaged)
		}
		err = w.spool.advance(c)
	}
	if err != nil {
		w.retryAt = time.Now().Add(retryDelay)
		w.log.opts.Logger.Error("audit spool", "error", err)
	}
	w.showSpool()
}

func (w *writer) setAside(lines [][]byte) {
	path, err := w.spool.keepDamaged(lines)
	w.log.status.update(func(s *Stats) { s.Damaged += uint64(len(lines)) })
	w.log.opts.Logger.Error("audit spool has damaged lines, set aside", "lines", len(lines), "path", path, "error", err)
}

func (w *writer) showSpool() {
	w.log.status.update(func(s *Stats) {
		s.Spooled, s.SpoolBytes = w.spool.records, w.spool.size-w.spool.read
	})
}

// prune deletes what is older than the retention period.
func (w *writer) prune() {
	if err := w.connect(); err != nil {
		w.databaseFailed(err)
		return
	}
	retention := w.log.opts.Retention
	head, pruned, more, err := w.db.prune(w.ctx, time.Now().Add(-retention), retention)
	if err != nil {
		w.databaseFailed(fmt.Errorf("deleting records older than %s: %w", retention, err))
		return
	}
	w.databaseWorks(head)
	if pruned > 0 {
		w.log.opts.Logger.Info("audit records pruned", "records", pruned, "head", head.String())
	}
	if !more {
		w.pruneAt = time.Now().Add(pruneInterval)
	}
}
