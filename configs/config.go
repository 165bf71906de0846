package configs

import (
	"time"

	"ringfence/call"
	"ringfence/screening"
)

// Config is the configuration of one gateway. Each field's comment is its documentation; its yaml
// tag is the key. Fields tagged reload:"restart" are read when the gateway starts and only then;
// all others take effect when it reloads.
type Config struct {
	// Node names this gateway in logs, records and metrics. Default: the host name.
	Node string `yaml:"node" reload:"restart"`
	// StateDir is the folder of what the gateway keeps: its secret, the lists' mirror, the call log
	// and its spool. It is made when missing. Default: state.
	StateDir string `yaml:"state_dir" reload:"restart"`
	// SIP is where and how the gateway speaks SIP.
	SIP SIP `yaml:"sip"`
	// Numbering is how numbers are dialled where the site is.
	Numbering Numbering `yaml:"numbering"`
	// Trunks are the peers that bring calls. A packet that comes from no trunk and not from the PBX
	// is dropped.
	Trunks []Trunk `yaml:"trunks"`
	// PBX is where calls go.
	PBX PBX `yaml:"pbx"`
	// Divert names the other places a call can be sent to, such as voicemail or reporting-line. Each is a
	// URI, or a group of uri and fallback.
	Divert map[string]DivertTarget `yaml:"divert"`
	// Media is the RTP of treated calls.
	Media Media `yaml:"media"`
	// Treatments says how calls are warned of, announced to, and challenged.
	Treatments Treatments `yaml:"treatments"`
	// Report is what becomes of the reports of people who were called.
	Report Report `yaml:"report"`
	// Lists is where the allow, block and watch lists live.
	Lists Lists `yaml:"lists"`
	// Rules says which rules calls are screened with.
	Rules Rules `yaml:"rules"`
	// Redress is what a refused caller is told, so that a wrong refusal can be put right.
	Redress Redress `yaml:"redress"`
	// Audit is the call log.
	Audit Audit `yaml:"audit"`
	// Admin is the HTTP listener for health and metrics.
	Admin Admin `yaml:"admin"`
	// Log is what the gateway writes to standard error.
	Log Log `yaml:"log"`

	screening *screening.Rules
	identity  *Identity
}

// Screening is the rules that calls are screened with: the packs and files of Rules, compiled, with
// the site's decisions over them.
func (c *Config) Screening() *screening.Rules { return c.screening }

// SIP is where and how the gateway speaks SIP.
type SIP struct {
	// Listen lists the addresses to listen on: udp://ADDRESS:PORT, tcp://ADDRESS:PORT or
	// tls://ADDRESS:PORT.
	Listen []Listener `yaml:"listen" reload:"restart"`
	// Advertise is the address or host name under which trunks and PBX reach the gateway. Default:
	// the address of each listener. Required when a listener is on 0.0.0.0 or [::], which is no
	// address that a peer could answer to.
	Advertise Host `yaml:"advertise" reload:"restart"`
	// RingTimeout ends a call attempt that nobody answers (Timer C of RFC 3261 §16.6). It must be
	// more than 3 minutes. Default: 200s.
	RingTimeout Duration `yaml:"ring_timeout"`
	// TryNextAfter sends a call on to the next target when one has not answered the INVITE at all,
	// not even with 100, for so long. 500ms to 32s. Default: 4s.
	TryNextAfter Duration `yaml:"try_next_after"`
	// DrainTimeout is how long a gateway that is told to stop waits for the calls being set up.
	// At most 10m. Default: 30s.
	DrainTimeout Duration `yaml:"drain_timeout"`
	// MaxSetup bounds the calls being set up at one time; more get 503. 1 to 1000000. Default: 20000.
	MaxSetup int `yaml:"max_setup"`
	// MaxRate bounds the messages a second from one source address; what is more is dropped before it
	// is read. 0, no bound, to 10000000. Default: 50000.
	MaxRate int `yaml:"max_rate"`
	// MaxTCPConnections bounds the connections that peers have open, over TCP and TLS together. 1 to
	// 65000. Default: 4096.
	MaxTCPConnections int `yaml:"max_tcp_connections" reload:"restart"`
	// LargeRequests says how a request of more than 1300 bytes is sent to a next hop that is reached
	// over UDP: udp, in fragments; or tcp-first, as RFC 3261 §18.1.1 asks, and over UDP where no TCP
	// connection is taken. Default: udp, for many PBXs listen on UDP alone.
	LargeRequests LargeRequests `yaml:"large_requests"`
	// TLS is what the gateway shows to the peers that it talks TLS with, and what it asks of them.
	TLS TLS `yaml:"tls"`
}

// TLS is what the gateway shows to the peers that it talks TLS with, and what it asks of them. All are
// files in PEM form, and are read again at each reload.
type TLS struct {
	// Certificate is the gateway's certificate, with those of the intermediate authorities behind it.
	// Its peers look for the host name or address of sip.advertise in it. Required by tls:// listeners.
	Certificate string `yaml:"certificate"`
	// Key is the private key of the certificate.
	Key string `yaml:"key"`
	// ClientCA holds the authorities of which a peer that connects must show a certificate (mutual
	// TLS). Default: peers need none.
	ClientCA string `yaml:"client_ca"`
	// Roots holds the authorities of the servers that the gateway connects to. Default: those of the
	// system.
	Roots string `yaml:"roots"`
}

// Host is the address or name peers know a listener by.
func (s *SIP) Host(l Listener) string {
	if s.Advertise != "" {
		return string(s.Advertise)
	}
	return l.Addr.Addr().String()
}

// Numbering is how numbers are dialled where the site is. All are digits.
type Numbering struct {
	// Country is the calling code of the site's country. Default: 86.
	Country Digits `yaml:"country"`
	// International is dialled before a country code. Default: 00.
	International Digits `yaml:"international"`
	// National is dialled before an area code; may be empty. Default: 0.
	National Digits `yaml:"national"`
	// Area is the area code of the site without the national prefix, such as 21; empty when local
	// numbers have none. Default: empty.
	Area Digits `yaml:"area"`
	// OwnNumbers are the site's own numbers, +862155050000, or ranges of them, +8621550500*.
	OwnNumbers []call.Pattern `yaml:"own_numbers"`
}

// Trunk is a peer that brings calls.
type Trunk struct {
	// Name is the trunk's name in rules, records and metrics: lower-case letters, digits, hyphens.
	Name string `yaml:"name"`
	// Class says how far the trunk vouches for the callers it names: domestic (a carrier of this
	// country that authenticates its callers), international, voip (origin unknown) or internal.
	Class call.Class `yaml:"class"`
	// Sources are the addresses and networks that the trunk's packets come from.
	Sources []Network `yaml:"sources"`
	// Trusted says that the trunk's P-Asserted-Identity is believed (RFC 3325). Default: false, and
	// From is screened.
	Trusted bool `yaml:"trusted"`
	// Numbers is the form in which the trunk writes numbers: plus, e164 (no plus), national, or any.
	// Default: any.
	Numbers call.Format `yaml:"numbers"`
	// Numbering replaces the site's numbering, key by key, for numbers on this trunk.
	Numbering TrunkNumbering `yaml:"numbering"`
	// OnFailure says what becomes of a call when a check fails: open (it goes on) or closed (it is
	// refused). Default: open.
	OnFailure OnFailure `yaml:"on_failure"`
	// Gateway is where calls going out over this trunk are sent. None go out without it.
	Gateway *URI `yaml:"gateway,omitempty"`
}

// TrunkNumbering is what differs on a trunk from the site's Numbering; nil is as there.
type TrunkNumbering struct {
	// Country is the calling code of the country whose numbers the trunk writes without one.
	Country *Digits `yaml:"country,omitempty"`
	// International is written before a country code.
	International *Digits `yaml:"international,omitempty"`
	// National is written before an area code.
	National *Digits `yaml:"national,omitempty"`
	// Area is the area code of numbers written without one.
	Area *Digits `yaml:"area,omitempty"`
}

// Plan is how the site, and so its PBX, writes numbers.
func (c *Config) Plan() call.Plan {
	n := &c.Numbering
	return call.Plan{
		Country: string(n.Country), International: string(n.International), National: string(n.National), Area: string(n.Area),
	}
}

// TrunkPlan is how a trunk writes numbers.
func (c *Config) TrunkPlan(t *Trunk) call.Plan {
	plan := c.Plan()
	plan.Format = t.Numbers
	for _, o := range []struct {
		dst *string
		own *Digits
	}{
		{&plan.Country, t.Numbering.Country},
		{&plan.International, t.Numbering.International},
		{&plan.National, t.Numbering.National},
		{&plan.Area, t.Numbering.Area},
	} {
		if o.own != nil {
			*o.dst = string(*o.own)
		}
	}
	return plan
}

// PBX is where calls go.
type PBX struct {
	// Targets are tried in this order; one that is known to be down is passed over. A name may stand for
	// several servers, by its SRV records or addresses (RFC 3263).
	Targets []URI `yaml:"targets"`
	// Sources are addresses and networks that the PBX sends from beside those of its targets.
	Sources []Network `yaml:"sources"`
	// Health says how targets are watched.
	Health Health `yaml:"health"`
	// Outbound is the name of the trunk that takes calls from the PBX; it must have a gateway.
	// Default: none, and the PBX cannot call out through here.
	Outbound string `yaml:"outbound"`
}

// Health says how PBX targets are watched by OPTIONS requests.
type Health struct {
	// Interval is the time between two requests to one target, from 100ms; 0 turns them off.
	// Default: 1s.
	Interval Duration `yaml:"interval"`
	// Timeout is how long an answer may take, from 100ms. Default: 1s.
	Timeout Duration `yaml:"timeout"`
	// DownAfter is how many requests in a row must go unanswered before a target gets no calls.
	// 1 to 100. Default: 2.
	DownAfter int `yaml:"down_after"`
}

// Lists is where the allow, block and watch lists live.
type Lists struct {
	// Store is redis://HOST:PORT/DB, shared by all gateways, or file:PATH, for one gateway alone.
	// Default: the file lists.tsv in the state folder.
	Store StoreURL `yaml:"store" reload:"restart"`
	// PasswordFile is a file with the password of Redis. It is read at each new connection.
	PasswordFile string `yaml:"password_file" reload:"restart"`
	// Prefix begins the names of all keys in Redis. Default: "ringfence:".
	Prefix string `yaml:"prefix" reload:"restart"`
}

// Rules says which rules calls are screened with, and what this site decides over them.
type Rules struct {
	// Packs names the rule packs that come with Ringfence. Default: cn.
	Packs []string `yaml:"packs"`
	// Files are rule files of the site's own, asked after the packs.
	Files []string `yaml:"files"`
	// Overrides replaces, by rule name, what is done with a call that the rule fits.
	Overrides map[string]screening.Treatments `yaml:"overrides"`
	// Tables adds entries to the named tables of the packs.
	Tables map[string][]string `yaml:"tables"`
	// Labels replaces the texts put before a display name, by category.
	Labels map[call.Category]string `yaml:"labels"`
	// Anonymous replaces what is done with callers that give no number.
	Anonymous screening.Treatments `yaml:"anonymous,omitzero"`
	// Watch replaces what is done with callers on the watch list.
	Watch screening.Treatments `yaml:"watch,omitzero"`
}

// Redress is what a refused caller is told, so that a wrong refusal can be put right.
type Redress struct {
	// Phone is the number to call, for people to read.
	Phone string `yaml:"phone"`
	// URL is a page to appeal on, http or https.
	URL string `yaml:"url"`
	// JCardURL is where the signed jCard of RFC 8688 stands; it goes into a 608.
	JCardURL string `yaml:"jcard_url"`
}

// Audit is the call log.
type Audit struct {
	// Database is the file of the call log. Default: audit.db in the state folder.
	Database string `yaml:"database" reload:"restart"`
	// Retention is how long personal data of a call is kept, from 1d to 3650d. Default: 180d.
	Retention Duration `yaml:"retention" reload:"restart"`
}

// Admin is the HTTP listener for health and metrics.
type Admin struct {
	// Listen is ADDRESS:PORT; empty turns it off. It has no log-in: keep it from the public.
	// Default: 127.0.0.1:9160.
	Listen string `yaml:"listen" reload:"restart"`
}

// Log is what the gateway writes to standard error.
type Log struct {
	// Level is the least level that is written: debug, info, warn or error. Default: info.
	Level LogLevel `yaml:"level" reload:"restart"`
	// Format is text or json. Default: text.
	Format LogFormat `yaml:"format" reload:"restart"`
}

// defaults is the configuration of an empty file, but for what Load finds out.
func defaults() *Config {
	seconds := func(n int) Duration { return Duration(n) * Duration(time.Second) }
	return &Config{
		StateDir: "state",
		SIP: SIP{
			RingTimeout: seconds(200), TryNextAfter: seconds(4), DrainTimeout: seconds(30),
			MaxRate: 50000, MaxSetup: 20000, MaxTCPConnections: 4096, LargeRequests: LargeUDP,
		},
		Numbering: Numbering{Country: "86", International: "00", National: "0"},
		PBX:       PBX{Health: Health{Interval: seconds(1), Timeout: seconds(1), DownAfter: 2}},
		Media:     Media{Ports: PortRange{20000, 29999}, Silence: seconds(60)},
		Treatments: Treatments{
			Language: LanguageChinese, Transfer: TransferRefuse,
			Warn: Warn{
				Menu: true, Repeat: 2, AnswerWithin: seconds(60), ChooseWithin: seconds(15),
				Video: VideoNever, CallerHears: HearsRinging,
			},
			Challenge: Challenge{Tries: 2, Within: seconds(8), Remember: Duration(day)},
		},
		Report: Report{Webhook: Webhook{Timeout: seconds(10)}, Weight: 20, PerReporterPerDay: 10, HalfLife: Duration(14 * day)},
		Rules:  Rules{Packs: []string{"cn"}},
		Lists:  Lists{Prefix: "ringfence:"},
		Audit:  Audit{Retention: Duration(180 * day)},
		Admin:  Admin{Listen: "127.0.0.1:9160"},
		Log:    Log{Level: "info", Format: "text"},
	}
}
