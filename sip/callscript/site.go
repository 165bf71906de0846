package callscript

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"ringfence/call"
	"ringfence/sip"
	"ringfence/sip/proxy"
	"ringfence/sip/redress"
	"ringfence/sip/transport"
)

// site is the configuration of the gateway in a script, in the script's words.
type site struct {
	listeners []listenerSpec
	written   bool // listeners were named: the default ones are gone
	parties   []partySpec
	zone      zone
	settings  proxy.Config // all but listeners and parties
}

type listenerSpec struct {
	name     string
	protocol transport.Protocol
	addr     netip.AddrPort
	host     string // as peers see it; empty: the address
}

// role is what a participant is to the gateway.
type role uint8

const (
	roleTrunk role = iota
	roleTarget
	roleDivert
	rolePBX // another device of the PBX's side
	roleAgent
	roleStranger
)

type partySpec struct {
	name  string
	role  role
	addr  netip.Addr // not valid: the runner chooses
	tcp   bool
	host  string // a target's name instead of its address
	open  bool   // and the DNS says port and protocol
	user  string // of a divert target
	trunk proxy.Trunk
	out   bool // calls go out over this trunk
}

// shanghai is how trunks and PBX write numbers, where a script says nothing else.
var shanghai = call.Plan{Country: "86", International: "00", National: "0", Area: "21"}

// defaultSite is the site of a script that says nothing: a gateway on UDP and TCP between three
// trunks and a PBX.
func defaultSite() *site {
	addr := netip.MustParseAddrPort("192.0.2.1:5060")
	s := &site{
		listeners: []listenerSpec{{"gw", transport.UDP, addr, ""}, {"gw", transport.TCP, addr, ""}},
		zone:      zone{}.clone(),
		settings: proxy.Config{
			Plan: shanghai, Outbound: "carrier", RingTimeout: 200 * time.Second, TryNextAfter: 4 * time.Second,
			Health: proxy.Health{Timeout: time.Second, DownAfter: 2}, MaxSetup: 1000,
			Redress: redress.Contact{Phone: "021-5500-0000", URL: "https://redress.example/appeal", JCard: "https://redress.example/card"},
		},
	}
	trunk := func(name string, class call.Class, trusted, out bool) {
		s.parties = append(s.parties, partySpec{name: name, out: out, trunk: proxy.Trunk{Class: class, Trusted: trusted, Plan: shanghai}})
	}
	trunk("carrier", call.ClassDomestic, true, true)
	trunk("intl", call.ClassInternational, false, false)
	trunk("itsp", call.ClassVoIP, false, true)
	s.parties = append(s.parties, partySpec{name: "pbx", role: roleTarget})
	return s
}

// clone returns a copy that can be changed on its own.
func (s *site) clone() *site {
	c := *s
	c.listeners = slices.Clone(s.listeners)
	c.parties = slices.Clone(s.parties)
	c.zone = s.zone.clone()
	return &c
}

// party returns the participant of a name, made if there is none of the role.
func (s *site) party(name string, r role) (*partySpec, error) {
	for i := range s.parties {
		if p := &s.parties[i]; p.name == name {
			if p.role != r {
				return nil, fmt.Errorf("%s is something else already", name)
			}
			return p, nil
		}
	}
	if !isName(name) || name == "gw" {
		return nil, fmt.Errorf("%q cannot be the name of a participant", name)
	}
	s.parties = append(s.parties, partySpec{name: name, role: r, trunk: proxy.Trunk{Plan: shanghai}})
	return &s.parties[len(s.parties)-1], nil
}

// gateway returns how the gateway is told of the site. addrs are where the participants are.
func (s *site) gateway(addrs map[string]netip.AddrPort) proxy.Config {
	cfg := s.settings
	cfg.Diverts = map[string]proxy.Target{}
	for _, p := range s.parties {
		addr := addrs[p.name]
		target := proxy.Target{Name: p.name, User: p.user, Host: addr.Addr().String(), Port: addr.Port()}
		if p.tcp {
			target.Protocol = transport.TCP
		}
		if p.host != "" {
			target.Host = p.host
		}
		if p.open {
			target.Port, target.AnyProtocol = 0, true
		}
		switch p.role {
		case roleTrunk:
			trunk := p.trunk
			trunk.Name = p.name
			trunk.Sources = []netip.Prefix{netip.PrefixFrom(addr.Addr(), addr.Addr().BitLen())}
			if p.out {
				trunk.Gateway = &target
			}
			cfg.Trunks = append(cfg.Trunks, trunk)
		case roleTarget:
			cfg.Targets = append(cfg.Targets, target)
		case roleDivert:
			cfg.Diverts[p.name] = target
		case rolePBX:
			cfg.PBX = append(cfg.PBX, netip.PrefixFrom(addr.Addr(), addr.Addr().BitLen()))
		}
	}
	return cfg
}

// sipListeners returns the listeners of the gateway.
func (s *site) sipListeners() []sip.Listener {
	all := make([]sip.Listener, len(s.listeners))
	for i, l := range s.listeners {
		all[i] = sip.Listener{Protocol: l.protocol, Addr: l.addr, Host: l.host}
	}
	return all
}

// options reads "name=value" words into what each names.
func options(words []string, set func(name, value string) error) error {
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if err := set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *partySpec) set(name, value string) (err error) {
	trunk := p.role == roleTrunk
	switch {
	case name == "tcp":
		p.tcp = true
	case name == "udp":
		p.tcp = false
	case name == "addr":
		p.addr, err = netip.ParseAddr(value)
	case name == "host" && p.role == roleTarget:
		p.host, p.open = value, false
	case name == "domain" && p.role == roleTarget:
		p.host, p.open = value, true
	case name == "user" && p.role == roleDivert:
		p.user = value
	case name == "class" && trunk:
		err = p.trunk.Class.UnmarshalText([]byte(value))
	case name == "format" && trunk:
		err = p.trunk.Plan.Format.UnmarshalText([]byte(value))
	case name == "trusted" && trunk:
		p.trunk.Trusted = true
	case name == "untrusted" && trunk:
		p.trunk.Trusted = false
	case name == "outbound" && trunk:
		p.out = true
	default:
		return fmt.Errorf("%q cannot be said of it", name)
	}
	return err
}

// durations and numbers that "set" can set.
func (s *site) set(name, value string) (err error) {
	c := &s.settings
	switch name {
	case "ring-timeout":
		c.RingTimeout, err = parseDuration(value)
	case "try-next-after":
		c.TryNextAfter, err = parseDuration(value)
	case "health":
		c.Health.Interval, err = parseDuration(value)
	case "health-timeout":
		c.Health.Timeout, err = parseDuration(value)
	case "down-after":
		c.Health.DownAfter, err = parseCount(value)
	case "max-setup":
		c.MaxSetup, err = strconv.Atoi(value)
	case "outbound":
		c.Outbound = value
	case "redress-phone":
		c.Redress.Phone = value
	case "redress-url":
		c.Redress.URL = value
	case "redress-card":
		c.Redress.JCard = value
	default:
		return fmt.Errorf("%q cannot be set", name)
	}
	return err
}
