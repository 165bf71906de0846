package configs

import "github.com/goccy/go-yaml"

// Show renders c as a configuration file with every default filled in and passwords starred. Parse
// reads it as the same configuration, but for the passwords.
func (c *Config) Show() ([]byte, error) { return yaml.Marshal(c) }

// ShowJSON is Show as JSON.
func (c *Config) ShowJSON() ([]byte, error) { return yaml.MarshalWithOptions(c, yaml.JSON()) }
