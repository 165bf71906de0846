package configs

import "github.com/goccy/go-yaml"

// Show renders c as a configuration file with every default filled in and secrets starred; Parse
// reads it again, unless a secret was starred.
func (c *Config) Show() ([]byte, error) { return yaml.Marshal(c) }
