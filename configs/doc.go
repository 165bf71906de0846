// Package configs reads the configuration of Ringfence: strict YAML, in which an unknown or
// repeated key is an error, a value keeps the text that was typed (0123 and +8613800138000 need no
// quotes), and every problem of a file is reported at once with its line, column and an excerpt.
package configs
