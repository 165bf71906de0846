package configs

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"time"
	"unicode"

	"ringfence/call"
)

// validate rejects what no single value shows: names that name nothing, times out of bounds,
// addresses that contradict one another.
func (c *Config) validate(d *document) {
	if !validHostLabel(c.Node) {
		d.reject("node", "%q is not a name (letters, digits, dots, hyphens and underscores, at most 64)", c.Node)
	}
	if c.StateDir == "" {
		d.reject("state_dir", "must not be empty")
	}
	c.validateSIP(d)
	c.validateNumbering(d)
	c.validateTrunks(d)
	c.validatePBX(d)
	c.validateDivert(d)
	c.Media.validate(d, &c.SIP)
	c.validateTreatments(d)
	c.Report.validate(d)
	if c.Lists.Prefix == "" || len(c.Lists.Prefix) > 64 || !printable(c.Lists.Prefix) {
		d.reject("lists.prefix", "must be 1 to 64 printable characters")
	}
	c.validateRedress(d)
	within(d, "audit.retention", c.Audit.Retention, Duration(day), Duration(3650*day))
	c.validateAdmin(d)
}

func (c *Config) validateSIP(d *document) {
	s := &c.SIP
	if len(s.Listen) == 0 {
		d.missing("sip.listen", "name at least one address, such as udp://192.0.2.1:5060")
	}
	seen := map[Listener]bool{}
	for i, l := range s.Listen {
		path := fmt.Sprintf("sip.listen[%d]", i)
		switch {
		case seen[l]:
			d.reject(path, "%s is listed twice", l)
		case s.Advertise == "" && l.Addr.Addr().IsUnspecified():
			d.reject(path, "%s is every address of this machine, and none that a peer could answer to: set sip.advertise to the one peers see", l)
		}
		seen[l] = true
		if l.Transport == transportTLS && s.TLS == (TLS{}) {
			d.reject(path, "%s needs a certificate to show: set sip.tls.certificate and sip.tls.key", l)
		}
	}
	s.TLS.validate(d)
	if s.RingTimeout <= Duration(3*time.Minute) {
		d.reject("sip.ring_timeout", "%s is too short: Timer C must be more than 3m (RFC 3261 §16.6)", s.RingTimeout)
	}
	within(d, "sip.ring_timeout", s.RingTimeout, Duration(181*time.Second), Duration(time.Hour))
	within(d, "sip.try_next_after", s.TryNextAfter, Duration(500*time.Millisecond), Duration(32*time.Second))
	within(d, "sip.drain_timeout", s.DrainTimeout, 0, Duration(10*time.Minute))
	within(d, "sip.max_setup", s.MaxSetup, 1, 1_000_000)
	within(d, "sip.max_rate", s.MaxRate, 0, 10_000_000)
	within(d, "sip.max_tcp_connections", s.MaxTCPConnections, 1, 65_000)
}

func (c *Config) validateNumbering(d *document) {
	if c.Numbering.Country == "" {
		d.reject("numbering.country", "must not be empty: give the calling code of the site's country")
	}
	for i, p := range c.Numbering.OwnNumbers {
		if p.Number.IsLocal() {
			d.reject(fmt.Sprintf("numbering.own_numbers[%d]", i), "%s has no country code: write +%s…", p, c.Numbering.Country)
		}
	}
}

func (c *Config) validateTrunks(d *document) {
	if len(c.Trunks) == 0 {
		d.missing("trunks", "without a trunk no call can come in")
	}
	for i := range c.Trunks {
		t, path := &c.Trunks[i], fmt.Sprintf("trunks[%d]", i)
		if !d.has(path + ".name") {
			d.missing(path+".name", "every trunk needs one")
		}
		validateName(d, path+".name", t.Name)
		if first := slices.IndexFunc(c.Trunks, func(o Trunk) bool { return o.Name == t.Name }); first < i {
			d.reject(path+".name", "trunk %q is described twice", t.Name)
		}
		if !d.has(path + ".class") {
			d.missing(path+".class", "is the trunk domestic, international, voip or internal?")
		}
		if len(t.Sources) == 0 {
			d.missing(path+".sources", "which addresses does the trunk send from?")
		}
		if t.Gateway != nil {
			c.validateTarget(d, path+".gateway", *t.Gateway)
		}
		c.validateSources(d, i)
	}
}

// validateSources rejects sources of trunk i that an earlier source has: one packet must not be of
// two trunks, whatever their order in the file.
func (c *Config) validateSources(d *document, i int) {
	for j, source := range c.Trunks[i].Sources {
		path := fmt.Sprintf("trunks[%d].sources[%d]", i, j)
		for k, other := range c.Trunks[:i+1] {
			for m, earlier := range other.Sources {
				if (k < i || m < j) && source.Overlaps(earlier.Prefix) {
					d.reject(path, "%s of trunk %q overlaps %s of trunk %q", source, c.Trunks[i].Name, earlier, other.Name)
				}
			}
		}
	}
}

func (c *Config) validatePBX(d *document) {
	p := &c.PBX
	if len(p.Targets) == 0 {
		d.missing("pbx.targets", "where do calls go? Name at least one target, such as sip:192.0.2.10:5060")
	}
	for i, target := range p.Targets {
		path := fmt.Sprintf("pbx.targets[%d]", i)
		c.validateTarget(d, path, target)
		if slices.Index(p.Targets, target) < i {
			d.reject(path, "%s is listed twice", target)
		}
	}
	for i, source := range p.Sources {
		for _, t := range c.Trunks {
			for _, other := range t.Sources {
				if source.Overlaps(other.Prefix) {
					d.reject(fmt.Sprintf("pbx.sources[%d]", i), "%s of the PBX overlaps %s of trunk %q", source, other, t.Name)
				}
			}
		}
	}
	if p.Health.Interval != 0 {
		within(d, "pbx.health.interval", p.Health.Interval, Duration(100*time.Millisecond), Duration(time.Hour))
	}
	within(d, "pbx.health.timeout", p.Health.Timeout, Duration(100*time.Millisecond), Duration(32*time.Second))
	within(d, "pbx.health.down_after", p.Health.DownAfter, 1, 100)
	c.validateOutbound(d)
}

func (c *Config) validateOutbound(d *document) {
	name := c.PBX.Outbound
	if name == "" {
		return
	}
	i := slices.IndexFunc(c.Trunks, func(t Trunk) bool { return t.Name == name })
	switch {
	case i < 0:
		d.reject("pbx.outbound", "there is no trunk %q", name)
	case c.Trunks[i].Gateway == nil:
		d.reject("pbx.outbound", "trunk %q has no gateway to send calls to: give it one, such as gateway: sip:192.0.2.1", name)
	}
}

// validateTarget rejects a target whose transport has no listener, and one that is the gateway itself:
// calls sent there would come back.
func (c *Config) validateTarget(d *document, path string, u URI) {
	speaks := func(l Listener) bool { return l.Transport == u.Transport || l.Transport == "" } // that one was rejected
	if u.Transport != "" && len(c.SIP.Listen) > 0 && !slices.ContainsFunc(c.SIP.Listen, speaks) {
		d.reject(path, "%s is for %[2]s, which the gateway does not listen on: add %[2]s://ADDRESS:%[3]d to sip.listen, for the answers", u, u.Transport, defaultPort(u.Transport))
	}
	for _, l := range c.SIP.Listen {
		port := u.Port
		if port == 0 {
			port = defaultPort(l.Transport)
		}
		if port != l.Addr.Port() || u.Transport != l.Transport && u.Transport != "" {
			continue
		}
		addr, err := netip.ParseAddr(u.Host)
		listening := l.Addr.Addr()
		if u.Host == c.SIP.Host(l) || err == nil && (addr == listening || addr.IsLoopback() && listening.IsUnspecified()) {
			d.reject(path, "%s is where this gateway listens (%s): calls sent there would come back", u, l)
		}
	}
}

func (c *Config) validateRedress(d *document) {
	r := &c.Redress
	if len(r.Phone) > 64 || !printable(r.Phone) {
		d.reject("redress.phone", "must be at most 64 printable characters")
	}
	validateWeb(d, "redress.url", r.URL)
	validateWeb(d, "redress.jcard_url", r.JCardURL)
}

func (c *Config) validateAdmin(d *document) {
	if c.Admin.Listen == "" {
		return
	}
	if _, err := netip.ParseAddrPort(c.Admin.Listen); err != nil {
		d.reject("admin.listen", "%q is not an address and port (write 127.0.0.1:9160)", c.Admin.Listen)
		return
	}
	for _, l := range c.SIP.Listen {
		if l.Transport != transportUDP && l.Addr.String() == c.Admin.Listen {
			d.reject("admin.listen", "%s is in sip.listen, too", c.Admin.Listen)
		}
	}
}

// validateName rejects a name that cannot stand in rules, records and metrics.
func validateName(d *document, path, name string) {
	if !call.ValidReason(name) {
		d.reject(path, "%q is not a name (lower-case letters, digits and hyphens, at most %d)", name, call.MaxReason)
	}
}

// validateWeb rejects what could not stand as a URL in a SIP header; an empty text is none.
func validateWeb(d *document, path, text string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || len(text) > 512 || !printable(text) || u.Fragment != "" {
		d.reject(path, "%q is not a web address (write https://HOST/PATH, at most 512 characters, without #)", text)
	}
}

// within rejects a value outside least to most.
func within[T Duration | int](d *document, path string, value, least, most T) {
	if value < least || value > most {
		d.reject(path, "%v is out of range: %v to %v", value, least, most)
	}
}

func validHostLabel(s string) bool {
	for i := range len(s) {
		if c := s[i]; !letter(c) && !digit(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}
