package configs

import (
	_ "embed"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Load reads the configuration in the file at path. Relative paths in it are taken from the folder
// the file is in. The error is Problems: all that is wrong with the file.
func Load(path string) (*Config, error) {
	source, err := readFile(path)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, Problems{{File: path, Message: "its folder is not known: " + err.Error()}}
	}
	return Parse(path, source, dir)
}

//go:embed demo.yaml
var demo []byte

// Default is the configuration of the demo: a gateway on loopback that keeps its state in stateDir.
func Default(stateDir string) (*Config, error) {
	c, d := parse("demo.yaml", demo)
	c.StateDir = stateDir
	c.complete(d, ".")
	c.check(d)
	return c, d.err()
}

// Parse reads a configuration from source. name is what problems call the file; relative paths are
// taken from the folder dir. The error is Problems.
func Parse(name string, source []byte, dir string) (*Config, error) {
	c, d := parse(name, source)
	c.complete(d, dir)
	c.check(d)
	if err := d.err(); err != nil {
		return nil, err
	}
	return c, nil
}

func parse(name string, source []byte) (*Config, *document) {
	c := defaults()
	return c, readDocument(name, source, c)
}

// check rejects what is wrong with c as a whole, compiles its rules and reads its certificate and keys.
func (c *Config) check(d *document) {
	c.validate(d)
	c.screening = c.compileRules(d)
	c.identity = c.readIdentity(d)
	c.Report.Webhook.check(d)
}

// complete adds the defaults that depend on other keys and on the machine, and takes relative paths
// from the folder dir.
func (c *Config) complete(d *document, dir string) {
	if !d.has("node") {
		if host, err := os.Hostname(); err == nil {
			c.Node = host
		}
	}
	for i := range c.Trunks {
		if c.Trunks[i].OnFailure == "" {
			c.Trunks[i].OnFailure = FailOpen
		}
	}
	if c.Audit.Database == "" {
		c.Audit.Database = filepath.Join(c.StateDir, "audit.db")
	}
	if c.Lists.Store.text == "" {
		c.Lists.Store.text = "file:" + filepath.Join(c.StateDir, "lists.tsv")
	}
	c.Media.complete(&c.SIP)
	resolve(dir, &c.StateDir)
	resolve(dir, &c.Audit.Database)
	resolve(dir, &c.Lists.PasswordFile)
	resolve(dir, &c.Treatments.Prompts)
	resolve(dir, &c.Report.Webhook.SecretFile)
	resolve(dir, &c.SIP.TLS.Certificate)
	resolve(dir, &c.SIP.TLS.Key)
	resolve(dir, &c.SIP.TLS.ClientCA)
	resolve(dir, &c.SIP.TLS.Roots)
	for i := range c.Rules.Files {
		resolve(dir, &c.Rules.Files[i])
	}
	if path, ok := strings.CutPrefix(c.Lists.Store.text, "file:"); ok {
		path = strings.TrimPrefix(path, "//")
		resolve(dir, &path)
		c.Lists.Store.text = "file:" + path
	}
}

// resolve takes a relative path from the folder dir; an empty path stays empty.
func resolve(dir string, path *string) {
	if *path != "" && !filepath.IsAbs(*path) {
		*path = filepath.Join(dir, *path)
	}
}

// readFile reads a configuration file as far as it may be long. The error is Problems.
func readFile(path string) ([]byte, error) {
	source, err := readRegular(path)
	if err != nil {
		var cause *fs.PathError
		if errors.As(err, &cause) {
			err = cause.Err
		}
		return nil, Problems{{File: path, Message: "cannot be read: " + err.Error()}}
	}
	return source, nil
}

// readRegular reads a regular file: others may have no end, or wait for a writer for ever.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path) //nolint:gosec // a file named by the operator is meant to be read
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	f, err := os.Open(path) //nolint:gosec // as above
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}
