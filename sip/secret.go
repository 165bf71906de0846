package sip

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Secret keys the Record-Route tokens of a gateway.
type Secret = [16]byte

// LoadSecret reads the secret in the file at path, 32 hexadecimal digits, and makes one if there is
// no such file. Gateways that stand in for each other need the same secret.
func LoadSecret(path string) (s Secret, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newSecret(path)
	}
	if err != nil {
		return s, err
	}
	if n, err := hex.Decode(s[:], []byte(strings.TrimSpace(string(text)))); err != nil || n != len(s) {
		return s, fmt.Errorf("%s: not a secret of 32 hexadecimal digits; put back the right one, or delete the file for a new one (calls that are up then lose their way)", path)
	}
	return s, nil
}

// newSecret makes a secret and the file. Of two processes that try, one fails.
func newSecret(path string) (s Secret, err error) {
	if _, err := rand.Read(s[:]); err != nil {
		return s, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return s, err
	}
	_, err = fmt.Fprintf(f, "%x\n", s)
	return s, errors.Join(err, f.Sync(), f.Close())
}
