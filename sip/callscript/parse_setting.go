package callscript

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ringfence/sip/locate"
	"ringfence/sip/transport"
)

var roles = map[string]role{
	"trunk": roleTrunk, "target": roleTarget, "divert": roleDivert, "pbx-side": rolePBX, "stranger": roleStranger,
}

type (
	partySetting struct {
		name  string
		role  role
		words []string
	}
	removeSetting struct{ name string }
	valueSetting  struct{ words []string }
	hostSetting   struct {
		name string
		hostSpec
	}
	srvSetting struct {
		service string
		locate.SRV
	}
	naptrSetting struct {
		domain string
		locate.NAPTR
	}
	listenSetting struct{ listenerSpec }
)

// parseSetting reads a statement about the site.
func parseSetting(words []string) (setting, error) {
	arguments := words[1:]
	if r, ok := roles[words[0]]; ok {
		if len(arguments) == 0 {
			return nil, fmt.Errorf("%s of what name?", words[0])
		}
		s := partySetting{arguments[0], r, arguments[1:]}
		_, err := s.dry()
		return s, err
	}
	switch words[0] {
	case agentName:
		if len(arguments) > 0 {
			return nil, errors.New("agent stands alone")
		}
		return partySetting{name: agentName, role: roleAgent}, nil
	case "remove":
		if len(arguments) != 1 {
			return nil, errors.New("remove whom?")
		}
		return removeSetting{arguments[0]}, nil
	case "set":
		err := options(arguments, defaultSite().set)
		if err == nil && len(arguments) == 0 {
			err = errors.New("set what?")
		}
		return valueSetting{arguments}, err
	case "host":
		return parseHost(arguments)
	case "srv":
		return parseSRV(arguments)
	case "naptr":
		return parseNAPTR(arguments)
	case "listen":
		return parseListen(arguments)
	}
	return nil, fmt.Errorf("%q begins no statement", words[0])
}

// parseHost reads "host NAME PARTY...|none|fails [after=D]".
func parseHost(words []string) (setting, error) {
	if len(words) < 2 {
		return nil, errors.New("host wants a name, and participants, none or fails")
	}
	h := hostSetting{name: words[0]}
	for _, word := range words[1:] {
		var err error
		name, value, isOption := strings.Cut(word, "=")
		switch {
		case isOption && name == "after":
			h.after, err = parseDuration(value)
		case word == "fails":
			h.fails = true
		case word == "none":
		case isName(word):
			h.parties = append(h.parties, word)
		default:
			err = fmt.Errorf("%q cannot be said of a host", word)
		}
		if err != nil {
			return nil, err
		}
	}
	return h, nil
}

// parseSRV reads "srv SERVICE PRIORITY WEIGHT PORT HOST", as it stands in a zone.
func parseSRV(words []string) (setting, error) {
	if len(words) != 5 {
		return nil, errors.New("srv wants a service, priority, weight, port and host")
	}
	s := srvSetting{service: words[0], SRV: locate.SRV{Target: words[4]}}
	for i, number := range []*uint16{&s.Priority, &s.Weight, &s.Port} {
		n, err := strconv.ParseUint(words[i+1], 10, 16)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number from 0 to 65535", words[i+1])
		}
		*number = uint16(n)
	}
	return s, nil
}

// parseNAPTR reads "naptr DOMAIN ORDER SERVICE REPLACEMENT": the parts of a record that SIP looks at.
func parseNAPTR(words []string) (setting, error) {
	if len(words) != 4 {
		return nil, errors.New("naptr wants a domain, order, service and replacement")
	}
	order, err := strconv.ParseUint(words[1], 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number from 0 to 65535", words[1])
	}
	return naptrSetting{words[0], locate.NAPTR{Order: uint16(order), Flags: "s", Service: words[2], Replacement: words[3]}}, nil
}

// parseListen reads "listen NAME udp|tcp ADDRESS:PORT [host=NAME]".
func parseListen(words []string) (_ setting, err error) {
	if len(words) < 3 {
		return nil, errors.New("listen wants a name, udp or tcp, and an address with a port")
	}
	l := listenSetting{listenerSpec{name: words[0]}}
	switch words[1] {
	case "udp":
	case "tcp":
		l.protocol = transport.TCP
	default:
		return nil, fmt.Errorf("listen by udp or tcp, not %q", words[1])
	}
	if l.addr, err = netip.ParseAddrPort(words[2]); err != nil {
		return nil, fmt.Errorf("%q is not an address with a port: %w", words[2], err)
	}
	err = options(words[3:], func(name, value string) error {
		if name != "host" {
			return fmt.Errorf("%q cannot be said of a listener", name)
		}
		l.host = value
		return nil
	})
	return l, err
}

// dry applies the setting to a site of its own, for its errors.
func (p partySetting) dry() (*site, error) {
	s := &site{}
	return s, p.apply(s)
}

func (p partySetting) apply(s *site) error {
	spec, err := s.party(p.name, p.role)
	if err != nil {
		return err
	}
	return options(p.words, spec.set)
}

func (r removeSetting) apply(s *site) error {
	for i := range s.parties {
		if s.parties[i].name == r.name {
			s.parties = append(s.parties[:i:i], s.parties[i+1:]...)
			return nil
		}
	}
	return fmt.Errorf("there is no participant %q", r.name)
}

func (v valueSetting) apply(s *site) error { return options(v.words, s.set) }

func (h hostSetting) apply(s *site) error {
	s.zone.hosts[h.name] = h.hostSpec
	return nil
}

func (v srvSetting) apply(s *site) error {
	s.zone.srv[v.service] = append(s.zone.srv[v.service], v.SRV)
	return nil
}

func (v naptrSetting) apply(s *site) error {
	s.zone.naptr[v.domain] = append(s.zone.naptr[v.domain], v.NAPTR)
	return nil
}

func (l listenSetting) apply(s *site) error {
	if !s.written {
		s.listeners, s.written = nil, true
	}
	s.listeners = append(s.listeners, l.listenerSpec)
	return nil
}
