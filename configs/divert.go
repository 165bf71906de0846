package configs

import (
	"maps"
	"slices"
)

// DivertTarget is a place that calls can be sent to besides the PBX. Written as a URI alone it has no
// fallback.
type DivertTarget struct {
	// URI is where it is.
	URI URI `yaml:"uri,alone"`
	// Fallback names the target that is called when this one refuses, or does not answer within
	// treatments.warn.answer_within. A call that is diverted here has its media through the gateway then, so that it
	// can be moved; one that asks for SRTP is refused (488). Default: none.
	Fallback string `yaml:"fallback,omitempty"`
}

func (c *Config) validateDivert(d *document) {
	for _, name := range slices.Sorted(maps.Keys(c.Divert)) {
		path, target := child("divert", name), c.Divert[name]
		validateName(d, path, name)
		uri := path
		if d.has(path+".uri") || d.has(path+".fallback") {
			uri = path + ".uri"
		}
		if target.URI == (URI{}) {
			d.missing(path+".uri", "where is it?")
		} else {
			c.validateTarget(d, uri, target.URI)
		}
		c.validateDivertName(d, path+".fallback", target.Fallback)
		seen := map[string]bool{name: true}
		for next := target.Fallback; next != ""; next = c.Divert[next].Fallback {
			if seen[next] {
				d.reject(path+".fallback", "the fallbacks come back to %q: calls would go round", next)
				break
			}
			seen[next] = true
		}
	}
}
