package report_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ringfence/report"
)

// verify is what a receiver does with the header Ringfence-Signature and the body as it came.
func verify(key []byte, header string, body []byte, now time.Time) error {
	stamp, signatures, _ := strings.Cut(header, ",")
	seconds, err := strconv.ParseInt(strings.TrimPrefix(stamp, "t="), 10, 64)
	if err != nil {
		return errors.New("no time in the signature")
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("signed too long ago: somebody may be replaying it")
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%d.", seconds)
	mac.Write(body)
	for signature := range strings.SplitSeq(signatures, ",") {
		given, err := hex.DecodeString(strings.TrimPrefix(signature, "v1="))
		if err == nil && hmac.Equal(given, mac.Sum(nil)) {
			return nil
		}
	}
	return errors.New("not signed with this key")
}

func ExampleSign() {
	oldKey, newKey := []byte("0123456789abcdef-old"), []byte("0123456789abcdef-new")
	body := []byte(`{"version":1}`)
	at := time.Unix(1764000000, 0)

	// While keys change, both sign, and a receiver that knows either is content.
	header := report.Sign([][]byte{oldKey, newKey}, at, body)
	fmt.Println(verify(oldKey, header, body, at.Add(time.Second)))
	fmt.Println(verify(newKey, header, body, at.Add(time.Second)))
	fmt.Println(verify(newKey, header, []byte(`{"version":2}`), at))
	fmt.Println(verify(newKey, header, body, at.Add(time.Hour)))
	// Output:
	// <nil>
	// <nil>
	// not signed with this key
	// signed too long ago: somebody may be replaying it
}
