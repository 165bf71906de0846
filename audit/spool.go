package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// spool is the file where records wait while the database cannot take them. One process owns it.
type spool struct {
	file    *os.File
	max     int64
	size    int64 // good bytes
	read    int64 // bytes before this one are in the database
	records int   // lines between read and size
}

// openSpool opens the spool, which may hold records of an earlier run.
func openSpool(path string, limit int64) (_ *spool, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit spool: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("audit spool %s: %w", path, err), file.Close())
		}
	}()
	if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("in use by another ringfence process: give each its own database and spool")
		}
		return nil, err
	}
	s := &spool{file: file, max: limit}
	if s.records, s.size, err = countLines(file); err != nil {
		return nil, err
	}
	return s, nil
}

// countLines counts the lines of the file and its size. A torn last line is ended, so that what is
// appended stands on its own line.
func countLines(file *os.File) (lines int, size int64, err error) {
	buf := make([]byte, 64<<10)
	last := byte('\n')
	for {
		n, err := file.ReadAt(buf, size)
		if n > 0 {
			part := buf[:n]
			lines += bytes.Count(part, []byte{'\n'})
			last = part[len(part)-1]
			size += int64(n)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if last != '\n' {
		if _, err := file.WriteAt([]byte{'\n'}, size); err != nil {
			return 0, 0, err
		}
		lines, size = lines+1, size+1
	}
	return lines, size, nil
}

func (s *spool) empty() bool { return s.read == s.size }

// append writes the entries to disk, all or (as far as a later reader is concerned) none: what a
// failed write left behind is cut off or written over, and a record read twice is stored once.
func (s *spool) append(entries []entry) error {
	var b []byte
	for i := range entries {
		b = appendLine(b, &entries[i])
	}
	if s.size+int64(len(b)) > s.max {
		return fmt.Errorf("audit spool %s: it has reached its limit of %d bytes", s.file.Name(), s.max)
	}
	_, err := s.file.WriteAt(b, s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("audit spool: %w", err), s.file.Truncate(s.size))
	}
	s.size += int64(len(b))
	s.records += len(entries)
	return nil
}

// chunk is a part of the spool that was read.
type chunk struct {
	entries []entry
	damaged [][]byte // lines that could not be read
	lines   int
	end     int64 // offset behind it
}

// next reads up to limit lines from where advance was last called.
func (s *spool) next(limit int) (c chunk, err error) {
	return readChunk(io.NewSectionReader(s.file, s.read, s.size-s.read), s.read, limit)
}

func readChunk(from io.Reader, offset int64, limit int) (c chunk, err error) {
	r := bufio.NewReaderSize(from, 64<<10)
	c.end = offset
	for c.lines < limit {
		line, n, err := readLine(r)
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return c, fmt.Errorf("audit spool: %w", err)
		}
		c.end += n
		c.lines++
		e, err := parseLine(line)
		if err != nil {
			c.damaged = append(c.damaged, line)
			continue
		}
		c.entries = append(c.entries, e)
	}
	return c, nil
}

// advance says that c is in the database. The file is emptied when all of it is.
func (s *spool) advance(c chunk) error {
	s.read = c.end
	s.records -= c.lines
	if !s.empty() {
		return nil
	}
	if err := s.file.Truncate(0); err != nil {
		return fmt.Errorf("audit spool: %w", err)
	}
	s.read, s.size, s.records = 0, 0, 0
	return nil
}

// keepDamaged sets lines that cannot be read aside, in a file beside the spool.
func (s *spool) keepDamaged(lines [][]byte) (path string, err error) {
	path = s.file.Name() + ".damaged"
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return path, err
	}
	_, err = f.Write(append(bytes.Join(lines, []byte{'\n'}), '\n'))
	return path, errors.Join(err, f.Close())
}

func (s *spool) close() error { return s.file.Close() }
