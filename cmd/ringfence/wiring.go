package main

import (
	"net/netip"
	"runtime/debug"
	"time"

	"ringfence/configs"
	"ringfence/sip"
	"ringfence/sip/proxy"
	"ringfence/sip/redress"
	"ringfence/sip/transport"
)

// What the configuration says, in the words of the packages that act on it.

func listeners(cfg *configs.Config) []sip.Listener {
	all := make([]sip.Listener, len(cfg.SIP.Listen))
	for i, l := range cfg.SIP.Listen {
		all[i] = sip.Listener{Protocol: protocol(l.Transport), Addr: l.Addr, Host: cfg.SIP.Host(l)}
	}
	return all
}

func protocol(name string) transport.Protocol {
	switch name {
	case "tcp":
		return transport.TCP
	case "tls":
		return transport.TLS
	default:
		return transport.UDP
	}
}

func transportOptions(cfg *configs.Config, credentials *transport.Credentials) transport.Options {
	return transport.Options{MaxAccepted: cfg.SIP.MaxTCPConnections, TLS: credentials}
}

func proxyConfig(cfg *configs.Config, secret sip.Secret) proxy.Config {
	p := proxy.Config{
		PBX:          networks(cfg.PBX.Sources),
		Diverts:      map[string]proxy.Target{},
		Outbound:     cfg.PBX.Outbound,
		Plan:         cfg.Plan(),
		Redress:      contact(cfg),
		Secret:       secret,
		RingTimeout:  time.Duration(cfg.SIP.RingTimeout),
		TryNextAfter: time.Duration(cfg.SIP.TryNextAfter),
		Health: proxy.Health{
			Interval:  time.Duration(cfg.PBX.Health.Interval),
			Timeout:   time.Duration(cfg.PBX.Health.Timeout),
			DownAfter: cfg.PBX.Health.DownAfter,
		},
		LargeOverTCP: cfg.SIP.LargeRequests == configs.LargeTCPFirst,
		MaxRate:      cfg.SIP.MaxRate, MaxSetup: cfg.SIP.MaxSetup,
	}
	for i := range cfg.Trunks {
		t := &cfg.Trunks[i]
		trunk := proxy.Trunk{
			Name: t.Name, Class: t.Class, Sources: networks(t.Sources), Trusted: t.Trusted, Plan: cfg.TrunkPlan(t),
		}
		if t.Gateway != nil {
			gateway := target(*t.Gateway)
			trunk.Gateway = &gateway
		}
		p.Trunks = append(p.Trunks, trunk)
	}
	for _, uri := range cfg.PBX.Targets {
		p.Targets = append(p.Targets, target(uri))
	}
	for name, divert := range cfg.Divert {
		to := target(divert.URI)
		to.Fallback = divert.Fallback != ""
		p.Diverts[name] = to
	}
	return p
}

// contact is where a refused caller may object.
func contact(cfg *configs.Config) redress.Contact {
	return redress.Contact{Phone: cfg.Redress.Phone, URL: cfg.Redress.URL, JCard: cfg.Redress.JCardURL}
}

func target(uri configs.URI) proxy.Target {
	return proxy.Target{
		Name: uri.String(), User: uri.User, Host: uri.Host, Port: uri.Port,
		Protocol: protocol(uri.Transport), AnyProtocol: uri.Transport == "",
	}
}

func networks(all []configs.Network) []netip.Prefix {
	prefixes := make([]netip.Prefix, len(all))
	for i, n := range all {
		prefixes[i] = n.Prefix
	}
	return prefixes
}

// version is that of the program, as the build recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
