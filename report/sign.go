package report

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// SignatureHeader is the header with the signature of a report:
//
//	Ringfence-Signature: t=1764000000,v1=5257a8…[,v1=…]
//
// t is the Unix time of sending, and each v1 the hexadecimal HMAC-SHA256, under one key, of that time
// in decimal, a full stop, and the body.
const SignatureHeader = "Ringfence-Signature"

// Bounds of the file with the keys.
const (
	minKey     = 16 // bytes
	maxKeys    = 4
	maxKeyFile = 4 << 10
)

// Sign returns the value of SignatureHeader: a signature with each key, so that keys can be changed
// while the receiver knows only one of them.
func Sign(keys [][]byte, at time.Time, body []byte) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	var b strings.Builder
	b.WriteString("t=" + stamp)
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(stamp + "."))
		mac.Write(body)
		b.WriteString(",v1=" + hex.EncodeToString(mac.Sum(nil)))
	}
	return b.String()
}

// ReadKeys reads the keys in a file: 1 to 4 of at least 16 characters, one a line. The error names the file
// and says what to do.
func ReadKeys(path string) ([][]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("keys that sign: %w", err)
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s has %d bytes: it should hold 1 to %d keys, one a line", path, info.Size(), maxKeys)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("keys that sign: %w", err)
	}
	var keys [][]byte
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if len(line) < minKey {
			return nil, fmt.Errorf("%s: a key has %d characters, at least %d are needed (make one: openssl rand -hex 32)", path, len(line), minKey)
		}
		keys = append(keys, []byte(line))
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("%s holds %d keys: write 1 to %d, one a line", path, len(keys), maxKeys)
	}
	return keys, nil
}
