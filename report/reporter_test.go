package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"ringfence/call"
)

func treated() *call.Treated {
	return &call.Treated{Announcement: "officials", Language: "zh", Heard: 4300 * time.Millisecond, CalledKeys: "9", Choice: call.ChoiceReported}
}

// scores is a shared score that a test looks into.
type scores struct {
	mu     sync.Mutex
	jobs   []scoreJob
	decays int
	err    error
}

func (s *scores) Report(_ context.Context, n call.Number, reporter string, c call.Category, at time.Time) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.jobs = append(s.jobs, scoreJob{n, reporter, c, at})
	}
	return "counted", s.err
}

func (s *scores) Decay(context.Context, time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.decays++
	return s.err
}

func (s *scores) taken() []scoreJob {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.jobs)
}

// receiver is a reporting centre in memory, which answers as a test says.
type receiver struct {
	mu       sync.Mutex
	answer   func(attempt int) (status int, err error) // nil: 200
	attempts []time.Time
	got      []Report
	ids      []string
}

func (r *receiver) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, time.Now())
	status := http.StatusOK
	if r.answer != nil {
		if status, err = r.answer(len(r.attempts)); err != nil {
			return nil, err
		}
	}
	if status == http.StatusOK {
		var report Report
		if err := json.Unmarshal(body, &report); err != nil {
			return nil, err
		}
		r.got = append(r.got, report)
		r.ids = append(r.ids, request.Header.Get("Idempotency-Key"))
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Body: io.NopCloser(strings.NewReader("answer")), Header: http.Header{}}, nil
}

func (r *receiver) references() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, report := range r.got {
		all = append(all, report.Call.Reference)
	}
	return all
}

func (r *receiver) set(answer func(int) (int, error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// calls is a call log in memory, newest first.
type calls struct {
	records []*call.Record
	err     error
}

func (c *calls) Newest(_ context.Context, called call.Number, since time.Time, visit func(*call.Record) bool) error {
	for _, r := range c.records {
		if r.Facts.Called.Number == called && !r.Facts.Time.Before(since) && !visit(r) {
			break
		}
	}
	return c.err
}

var testKey = bytes.Repeat([]byte("k"), 32)

// start starts a Reporter whose webhook leads to to.
func start(t testing.TB, dir string, s Scores, to http.RoundTripper, change func(*Options)) *Reporter {
	t.Helper()
	o := Options{Node: "gw1", Dir: dir, Key: testKey, Scores: s, Log: slog.New(slog.DiscardHandler)}
	if to != nil {
		w, err := NewWebhook("https://center.example/reports", keyFile(t, key1), 0)
		if err != nil {
			t.Fatal(err)
		}
		w.client.Transport = to
		o.Webhook = w
	}
	if change != nil {
		change(&o)
	}
	r, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeReporter(t, r) })
	return r
}

func closeReporter(t testing.TB, r *Reporter) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestReportGoesBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, to := &scores{}, &receiver{}
		r := start(t, t.TempDir(), s, to, nil)
		reported := record(t, 1)
		reported.Treated = treated()
		r.Report(reported)
		reported.Facts.Caller = call.Party{} // the record is the caller's again
		synctest.Wait()
		jobs := s.taken()
		if len(jobs) != 1 || jobs[0].Number != number(t, suspect) || jobs[0].Category != call.CategoryOfficials ||
			len(jobs[0].Reporter) != 22 || strings.Contains(jobs[0].Reporter, "5555") {
			t.Errorf("scored %+v", jobs)
		}
		if len(to.got) != 1 {
			t.Fatalf("%d reports arrived", len(to.got))
		}
		got := to.got[0]
		if got.ID != to.ids[0] || got.Version != 1 || got.Node != "gw1" || got.Via != ViaMenu || got.Reporter.Number != number(t, victim) ||
			got.Call.Reported.Written != "008613800138000" || got.Call.Reported.Name != "公安局" || got.Call.Keys != "9" || got.Call.Heard != 4300 {
			t.Errorf("report %+v", got)
		}
		stats := r.Stats()
		if stats.Score.Sent != 1 || stats.Webhook.Sent != 1 || stats.Score.Queued+stats.Webhook.Queued != 0 || r.Health() != nil {
			t.Errorf("stats %+v, health %v", stats, r.Health())
		}
	})
}

func TestReportOfOneCallByOnePersonHasOneID(t *testing.T) {
	a := newReport("gw1", ViaMenu, noon, record(t, 1))
	b := newReport("gw2", ViaFeatureCode, noon.Add(time.Hour), record(t, 1))
	other := record(t, 1)
	other.Facts.Called.Number = number(t, "+862155550102")
	if c := newReport("gw1", ViaMenu, noon, other); a.ID != b.ID || a.ID == c.ID || a.ID == newReport("gw1", ViaMenu, noon, record(t, 2)).ID {
		t.Errorf("ids %s %s %s", a.ID, b.ID, c.ID)
	}
}

func TestReportsAreBounded(t *testing.T) {
	r := record(t, 1)
	r.Facts.Caller.Display = strings.Repeat("公", 30_000)
	r.Facts.CallID, r.Facts.UserAgent = strings.Repeat("x", 60_000), strings.Repeat("\xff", 60_000)
	body, err := json.Marshal(newReport("gw1", ViaMenu, noon, r))
	if err != nil || len(body) > maxBody/4 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestExemptCallersAreNotScored(t *testing.T) {
	for name, change := range map[string]func(*call.Record){
		"official":  func(r *call.Record) { r.Facts.Caller.Text = "95588" },
		"anonymous": func(r *call.Record) { r.Facts.Caller.Number = 0 },
		"emergency": func(r *call.Record) { r.Verdict.Reason = call.ReasonEmergency },
		"nobody":    func(r *call.Record) { r.Facts.Called = call.Party{} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, to := &scores{}, &receiver{}
				r := start(t, t.TempDir(), s, to, func(o *Options) {
					o.Exempt = func(p *call.Party) bool { return p.Text == "95588" }
				})
				reported := record(t, 1)
				change(reported)
				r.Report(reported)
				synctest.Wait()
				if len(s.taken()) != 0 || len(to.references()) != 1 {
					t.Errorf("scored %v, sent %v", s.taken(), to.references())
				}
			})
		})
	}
}

// dialled is the record of the feature code, dialled by victim.
func dialled(t testing.TB) *call.Record {
	r := record(t, 99)
	r.Facts.Class, r.Facts.Caller = call.ClassInternal, call.Party{Text: victim, Number: number(t, victim)}
	r.Verdict.Treatment = call.TakeReport{}
	return r
}

// reportLast dials the feature code and returns what it answers.
func reportLast(t *testing.T, r *Reporter) string {
	t.Helper()
	answer := make(chan string, 1)
	if !r.ReportLast(dialled(t), func(reference string) { answer <- reference }) {
		t.Fatal("no room")
	}
	return <-answer
}

func TestFeatureCode(t *testing.T) {
	known, other, refused := record(t, 3), record(t, 2), record(t, 4)
	refused.Verdict.Treatment = call.Refuse{}
	away := errors.New("the log is away")
	for name, c := range map[string]struct {
		noted []*call.Record
		log   *calls
		want  *call.Record
		whole bool // the report has what only the log knows
	}{
		"none":                  {nil, &calls{}, nil, false},
		"from memory alone":     {[]*call.Record{known}, nil, known, false},
		"memory and log":        {[]*call.Record{known}, &calls{records: []*call.Record{refused, known, other}}, known, true},
		"not yet in the log":    {[]*call.Record{known}, &calls{records: []*call.Record{other}}, known, false},
		"the log is away":       {[]*call.Record{known}, &calls{err: away}, known, false},
		"after a restart":       {nil, &calls{records: []*call.Record{refused, known, other}}, known, true},
		"nothing and no log":    {nil, &calls{err: away}, nil, false},
		"only what she noticed": {[]*call.Record{refused}, &calls{records: []*call.Record{refused}}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon.Add(time.Hour)))
				s, to := &scores{}, &receiver{}
				r := start(t, t.TempDir(), s, to, func(o *Options) {
					if c.log != nil {
						o.Calls = c.log
					}
				})
				for _, n := range c.noted {
					r.Append(n)
				}
				reference := reportLast(t, r)
				synctest.Wait()
				if c.want == nil {
					if reference != "" || len(to.got) != 0 || len(s.taken()) != 0 {
						t.Errorf("reported %q: %+v", reference, to.got)
					}
					return
				}
				if reference != c.want.Reference || len(to.got) != 1 || len(s.taken()) != 1 {
					t.Fatalf("reported %q, want %q; sent %v", reference, c.want.Reference, to.references())
				}
				got := to.got[0]
				if got.Via != ViaFeatureCode || got.Call.Reported.Number != number(t, suspect) || (got.Call.Rule != "") != c.whole || (got.Call.Class != "") != c.whole {
					t.Errorf("report %+v", got)
				}
			})
		})
	}
}

func TestReceiverAwayAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, to := &scores{}, &receiver{}
		to.set(func(int) (int, error) { return 0, errors.New("connection refused") })
		r := start(t, t.TempDir(), s, to, nil)
		var want []string
		for i := range 5 {
			reported := record(t, i)
			want = append(want, reported.Reference)
			r.Report(reported)
		}
		time.Sleep(24 * time.Hour)
		if len(s.taken()) != 5 {
			t.Errorf("the score waits for the receiver: %d scored", len(s.taken()))
		}
		stats := r.Stats().Webhook
		if stats.Queued != 5 || stats.Sent != 0 || !strings.Contains(stats.Error, "connection refused") || r.Health() == nil {
			t.Errorf("stats %+v, health %v", stats, r.Health())
		}
		to.mu.Lock()
		for i := range to.attempts[1:] {
			gap, least := to.attempts[i+1].Sub(to.attempts[i]), min(maxRetry, minRetry<<min(i, 20))
			if gap < least/2 || gap > least {
				t.Errorf("attempt %d came after %v, want %v to %v", i+2, gap, least/2, least)
			}
		}
		if n := len(to.attempts); n < 280 || n > 600 { // every 2.5 to 5 minutes in the end
			t.Errorf("%d attempts in a day", n)
		}
		to.mu.Unlock()
		to.set(nil)
		time.Sleep(maxRetry)
		if got := to.references(); !slices.Equal(got, want) || r.Health() != nil {
			t.Errorf("arrived %v, want %v; health %v", got, want, r.Health())
		}
	})
}

func TestRetryAfterIsHeeded(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		0:                minRetry / 2,
		10 * time.Minute: 10 * time.Minute,
		48 * time.Hour:   maxRetryAfter, // not for ever
	} {
		if got := wait(&laterError{errors.New("busy"), after}, 1); got < want || got > max(want, minRetry) {
			t.Errorf("Retry-After %v: waits %v, want %v", after, got, want)
		}
	}
	if got := retryAfter(noon.Add(time.Minute).Format(http.TimeFormat), noon); got != time.Minute {
		t.Errorf("a date: %v", got)
	}
	if got := retryAfter("soon", noon); got != 0 {
		t.Errorf("nonsense: %v", got)
	}
}

func TestRefusedReportsAreSetAsideAndRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, to := &scores{}, &receiver{}
		to.set(func(attempt int) (int, error) {
			if attempt == 1 {
				return http.StatusUnprocessableEntity, nil
			}
			return http.StatusOK, nil
		})
		r := start(t, dir, s, to, nil)
		bad, good := record(t, 1), record(t, 2)
		r.Report(bad)
		synctest.Wait()
		r.Report(good)
		synctest.Wait()
		if got := to.references(); !slices.Equal(got, []string{good.Reference}) {
			t.Fatalf("arrived %v", got)
		}
		if stats := r.Stats().Webhook; stats.Dead != 1 || stats.Queued != 0 || stats.Sent != 1 || r.Health() == nil {
			t.Errorf("stats %+v, health %v", stats, r.Health())
		}
		items, err := List(dir)
		if err != nil || len(items) != 1 || !items[0].Dead || items[0].Way != "webhook" || items[0].ID != newReport("", ViaMenu, noon, bad).ID ||
			!strings.Contains(items[0].Error, "Unprocessable Entity") {
			t.Fatalf("List = %+v, %v", items, err)
		}
		if err := items[0].Retry(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rescanEvery)
		synctest.Wait()
		if got := to.references(); !slices.Equal(got, []string{good.Reference, bad.Reference}) || r.Health() != nil {
			t.Errorf("arrived %v; health %v", got, r.Health())
		}
		if left, err := os.ReadDir(filepath.Join(dir, wayWebhook, deadFolder)); err != nil || len(left) != 0 {
			t.Errorf("left among the dead: %v, %v", left, err)
		}
	})
}

// A report that the shared score can never take must not hold up the others.
func TestScoreThatIsRefusedIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := &scores{err: fmt.Errorf("%w: no such category", ErrRefused)}
		r := start(t, dir, s, nil, nil)
		r.Report(record(t, 1))
		synctest.Wait()
		items, err := List(dir)
		if stats := r.Stats().Score; err != nil || len(items) != 1 || !items[0].Dead || stats.Dead != 1 || stats.Queued != 0 {
			t.Errorf("%+v, %v, %+v", items, err, stats)
		}
	})
}

func TestReportsWaitThroughARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, to := &scores{err: errors.New("no store")}, &receiver{}
		to.set(func(int) (int, error) { return 0, errors.New("away") })
		r := start(t, dir, s, to, nil)
		r.Report(record(t, 1))
		synctest.Wait()
		closeReporter(t, r)
		r.Report(record(t, 2)) // too late
		if r.Stats().Lost != 1 {
			t.Errorf("stats %+v", r.Stats())
		}
		s.err = nil
		to.set(nil)
		start(t, dir, s, to, nil)
		synctest.Wait()
		if len(s.taken()) != 1 || len(to.references()) != 1 {
			t.Errorf("scored %v, arrived %v", s.taken(), to.references())
		}
	})
}

func TestNothingIsLostSilently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := &scores{}
		block := make(chan struct{})
		r := start(t, t.TempDir(), s, nil, func(o *Options) {
			o.Log = slog.New(slog.NewTextHandler(&log, nil))
			o.Calls = blocked(block)
		})
		if !r.ReportLast(dialled(t), func(string) {}) { // holds the goroutine that writes
			t.Fatal("no room")
		}
		synctest.Wait()
		for i := range maxQueue + 10 {
			r.Report(record(t, i))
		}
		if r.ReportLast(dialled(t), func(string) { t.Error("done without room") }) {
			t.Error("there is room")
		}
		close(block)
		synctest.Wait()
		if r.Stats().Lost != 11 || len(s.taken()) != maxQueue || r.Health() == nil || !strings.Contains(log.String(), "reports=11") {
			t.Errorf("stats %+v, %d scored, health %v", r.Stats(), len(s.taken()), r.Health())
		}
	})
}

func TestReportThatCannotBeStored(t *testing.T) {
	for name, c := range map[string]struct {
		broken []string
		told   bool // that it was reported
	}{
		"one way":   {[]string{wayWebhook}, true},
		"both ways": {[]string{wayWebhook, wayScore}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(noon.Add(time.Hour)))
				dir := t.TempDir()
				s := &scores{}
				r := start(t, dir, s, &receiver{}, nil)
				r.Append(record(t, 1))
				for _, way := range c.broken {
					if err := os.RemoveAll(filepath.Join(dir, way)); err != nil {
						t.Fatal(err)
					}
				}
				reference := reportLast(t, r)
				synctest.Wait()
				if (reference != "") != c.told || (len(s.taken()) == 1) != c.told || r.Stats().Lost != 1 {
					t.Errorf("reported %q, scored %v, stats %+v", reference, s.taken(), r.Stats())
				}
			})
		})
	}
}

// blocked is a call log that answers when the channel is closed.
type blocked chan struct{}

func (b blocked) Newest(context.Context, call.Number, time.Time, func(*call.Record) bool) error {
	<-b
	return nil
}

func TestScoresDecay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scores{}
		start(t, t.TempDir(), s, nil, nil)
		time.Sleep(24 * time.Hour)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.decays < 16 || s.decays > 48 {
			t.Errorf("%d decays in a day", s.decays)
		}
	})
}

func TestOpenRefuses(t *testing.T) {
	for name, o := range map[string]Options{
		"no key":    {Dir: t.TempDir(), Scores: &scores{}},
		"no scores": {Dir: t.TempDir(), Key: testKey},
		"no folder": {Dir: keyFile(t, "a file"), Key: testKey, Scores: &scores{}},
	} {
		if _, err := Open(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
