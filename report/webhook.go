package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Bounds of an exchange with the receiver.
const (
	defaultTimeout = 10 * time.Second
	maxRetryAfter  = time.Hour
	maxAnswer      = 2 << 10 // bytes of an answer that are read
	maxHeader      = 16 << 10
)

// Webhook posts reports to the reporting centre.
type Webhook struct {
	url        string
	secretFile string
	client     *http.Client
}

// NewWebhook returns a webhook to an https URL (http is taken for this machine alone). secretFile
// holds the keys that sign, one a line: see Sign. It is read at each report, so that keys change
// without a restart. A timeout of 0 is 10 seconds, for a whole exchange.
func NewWebhook(rawURL, secretFile string, timeout time.Duration) (*Webhook, error) {
	if err := CheckURL(rawURL); err != nil {
		return nil, fmt.Errorf("webhook of reports: %w", err)
	}
	if _, err := ReadKeys(secretFile); err != nil {
		return nil, fmt.Errorf("webhook of reports: %w", err)
	}
	if timeout == 0 {
		timeout = defaultTimeout
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: timeout}).DialContext,
		TLSHandshakeTimeout:    timeout,
		ResponseHeaderTimeout:  timeout,
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           1,
		IdleConnTimeout:        time.Minute,
	}
	client := &http.Client{
		Transport: transport,
		Timeout:   timeout,
		// A report names people: it goes where the operator said, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Webhook{url: rawURL, secretFile: secretFile, client: client}, nil
}

// CheckURL says why reports may not be posted to a URL: they go over https, or stay on this machine.
func CheckURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return errors.New("the URL cannot be read: write https://HOST/PATH")
	}
	addr, err := netip.ParseAddr(u.Hostname())
	local := u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return fmt.Errorf("%s:// would show who reported whom to the network: write https://", u.Scheme)
	}
	return nil
}

// deliver posts one report.
func (w *Webhook) deliver(ctx context.Context, id string, body []byte) error {
	keys, err := ReadKeys(w.secretFile)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "ringfence")
	request.Header.Set("Idempotency-Key", id)
	request.Header.Set(SignatureHeader, Sign(keys, time.Now(), body))
	response, err := w.client.Do(request)
	if err != nil {
		return withoutURL(err)
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer)) // only for the message
	return judge(response, answer)
}

// close ends idle connections.
func (w *Webhook) close() { w.client.CloseIdleConnections() }

// withoutURL drops the URL, which may hold a token, from an error.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// judge says what an answer means: taken, to be tried again, or refused for good.
func judge(response *http.Response, answer []byte) error {
	status := response.StatusCode
	if status/100 == 2 {
		return nil
	}
	err := fmt.Errorf("the receiver answered %s: %q", response.Status, strings.TrimSpace(string(answer)))
	switch {
	case status/100 == 3:
		return fmt.Errorf("%w (redirects are not followed: put the new address into the configuration)", err)
	case status == http.StatusRequestTimeout:
		return err
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		// Nothing is wrong with the report, and the next one would fare no better.
		return fmt.Errorf("%w (the receiver does not know the key, or the address: every report waits until that is put right)", err)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		return &laterError{err, retryAfter(response.Header.Get("Retry-After"), time.Now())}
	case status/100 == 4:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// retryAfter reads the header (RFC 9110 §10.2.3); 0 when it says nothing.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
