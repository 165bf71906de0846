package ringfence_test

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"ringfence/configs"
)

// compose is the part of docker-compose.yml that the tests look at.
type compose struct {
	Services map[string]struct {
		Build       string
		Image       string
		Command     []string
		Profiles    []string
		Ports       []string
		Volumes     []string
		Healthcheck *struct{ Test []string }
		GracePeriod string `yaml:"stop_grace_period"`
		ReadOnly    bool   `yaml:"read_only"`
		Networks    map[string]struct {
			Address string `yaml:"ipv4_address"`
		}
	}
	Volumes map[string]any
}

func readYAML[T any](t *testing.T, name string) T {
	t.Helper()
	var v T
	if err := yaml.Unmarshal(readFile(t, name), &v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func readCompose(t *testing.T) compose { return readYAML[compose](t, "docker-compose.yml") }

func TestComposeMountsWhatExists(t *testing.T) {
	compose := readCompose(t)
	for name, service := range compose.Services {
		for _, volume := range service.Volumes {
			source, rest, _ := strings.Cut(volume, ":")
			if !strings.HasPrefix(source, ".") {
				if _, declared := compose.Volumes[source]; !declared {
					t.Errorf("service %s mounts the volume %s, which is not declared", name, source)
				}
				continue
			}
			if info, err := os.Stat(source); err != nil || info.IsDir() {
				t.Errorf("service %s mounts %s, which is no file here: Docker would make a folder of it", name, source)
			}
			if !strings.HasSuffix(rest, ":ro") {
				t.Errorf("service %s mounts %s writable", name, source)
			}
		}
	}
}

func TestComposeImagesArePinned(t *testing.T) {
	for name, service := range readCompose(t).Services {
		_, tag, tagged := strings.Cut(service.Image, ":")
		if !tagged || tag == "latest" {
			t.Errorf("service %s: image %q: pin it by its tag", name, service.Image)
		}
	}
}

func TestComposePublishesOnlyCalls(t *testing.T) {
	cfg, err := configs.Load("configs/ringfence.yaml")
	if err != nil {
		t.Fatal(err)
	}
	calls := []string{"5060:", cfg.Media.Ports.String() + ":"} // SIP and RTP
	for name, service := range readCompose(t).Services {
		for _, port := range service.Ports {
			known := name == "gateway" && slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(port, c) })
			if !strings.HasPrefix(port, "127.0.0.1:") && !known {
				t.Errorf("service %s publishes %s to the world", name, port)
			}
		}
	}
	redis := readCompose(t).Services["redis"]
	if len(redis.Ports) > 0 || redis.Healthcheck == nil || !slices.Contains(redis.Command, "--appendonly") {
		t.Errorf("redis must publish no port, be checked, and keep its data: %+v", redis)
	}
}

// instructions lists the arguments of each occurrence of a Dockerfile instruction.
func instructions(dockerfile []byte, name string) []string {
	text := strings.ReplaceAll(string(dockerfile), "\\\n", " ")
	var found []string
	for _, line := range strings.Split(text, "\n") {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			found = append(found, strings.TrimSpace(rest))
		}
	}
	return found
}

func TestImage(t *testing.T) {
	dockerfile := readFile(t, "Dockerfile")
	stages := instructions(dockerfile, "FROM")
	if last := stages[len(stages)-1]; last != "scratch" {
		t.Errorf("the image is built on %s: a static binary needs nothing under it", last)
	}
	users := instructions(dockerfile, "USER")
	if len(users) != 1 || !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(users[0]) {
		t.Errorf("USER %q: give a number that is not root's, which an orchestrator can check", users)
	}
	if stop := instructions(dockerfile, "STOPSIGNAL"); !slices.Equal(stop, []string{"SIGTERM"}) {
		t.Errorf("STOPSIGNAL %q: it is SIGTERM that drains", stop)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(readFile(t, "go.mod"))
	if !strings.HasPrefix(stages[0], "golang:"+string(version[1])) {
		t.Errorf("FROM %s: go.mod asks for Go %s", stages[0], version[1])
	}

	line := readCommandLine(t)
	for _, name := range []string{"CMD", "HEALTHCHECK"} {
		for _, arguments := range instructions(dockerfile, name) {
			_, list, _ := strings.Cut(arguments, "[")
			words := strings.Fields(strings.NewReplacer(`"`, "", ",", " ", "]", "", "/ringfence ", " ").Replace(list))
			if problem := line.check(slices.DeleteFunc(words, func(w string) bool { return w == "/ringfence" })); problem != "" {
				t.Errorf("%s %s: %s", name, arguments, problem)
			}
		}
	}
}

// The builder must see every folder that holds code.
func TestImageContext(t *testing.T) {
	ignore := string(readFile(t, ".dockerignore"))
	for folder := range levels {
		if !strings.Contains(ignore, "\n!"+folder+"\n") {
			t.Errorf(".dockerignore keeps %s from the builder", folder)
		}
	}
}

func TestServiceUnit(t *testing.T) {
	line := readCommandLine(t)
	commands := regexp.MustCompile(`(?m)^Exec\w+=/usr/bin/ringfence (.+)$`).FindAllSubmatch(readFile(t, "configs/ringfence.service"), -1)
	if len(commands) < 2 {
		t.Errorf("the unit runs %d commands of ringfence, want a check and serve", len(commands))
	}
	for _, command := range commands {
		if problem := line.check(strings.Fields(string(command[1]))); problem != "" {
			t.Errorf("%s: %s", command[0], problem)
		}
	}
}

// scrapeTargets lists what Prometheus scrapes for the one job that the alerts know.
func scrapeTargets(t *testing.T) []string {
	type scrape struct {
		Job    string                       `yaml:"job_name"`
		Static []struct{ Targets []string } `yaml:"static_configs"`
	}
	file := readYAML[struct {
		Scrapes []scrape `yaml:"scrape_configs"`
	}](t, "configs/prometheus.yml")
	if len(file.Scrapes) != 1 || file.Scrapes[0].Job != "ringfence" || len(file.Scrapes[0].Static) != 1 {
		t.Fatalf("scrapes %+v: the alerts expect the one job ringfence", file.Scrapes)
	}
	return file.Scrapes[0].Static[0].Targets
}

// The gateway's configuration, the compose file, Prometheus, Asterisk and the image name the same
// addresses, ports and folders.
func TestConfigurationFitsTheDeployment(t *testing.T) {
	cfg, err := configs.Load("configs/ringfence.yaml")
	if err != nil {
		t.Fatal(err)
	}
	compose := readCompose(t)
	gateway := compose.Services["gateway"]
	_, admin, err := net.SplitHostPort(cfg.Admin.Listen)
	if err != nil {
		t.Fatal(err)
	}
	if targets := scrapeTargets(t); !slices.Equal(targets, []string{"gateway:" + admin}) {
		t.Errorf("Prometheus scrapes %q; the admin port is %s", targets, admin)
	}
	if check := instructions(readFile(t, "Dockerfile"), "HEALTHCHECK")[0]; !strings.Contains(check, `"127.0.0.1:`+admin+`"`) {
		t.Errorf("the image checks %s; the admin port is %s", check, admin)
	}
	exposed := instructions(readFile(t, "Dockerfile"), "EXPOSE")[0]
	published := []string{"127.0.0.1:" + admin + ":" + admin + "/tcp"}
	if !strings.Contains(exposed, admin+"/tcp") {
		t.Errorf("the image exposes %s; the admin port is %s", exposed, admin)
	}
	rtp := cfg.Media.Ports.String()
	published = append(published, fmt.Sprintf("%s:%s/udp", rtp, rtp))
	if !strings.Contains(exposed, rtp+"/udp") {
		t.Errorf("the image exposes %s, not %s/udp", exposed, rtp)
	}
	for _, listener := range cfg.SIP.Listen {
		port := fmt.Sprintf("%d/%s", listener.Addr.Port(), listener.Transport)
		published = append(published, fmt.Sprintf("%d:%s", listener.Addr.Port(), port))
		if !strings.Contains(exposed, port) {
			t.Errorf("the image exposes %s, not %s", exposed, port)
		}
	}
	slices.Sort(published)
	if slices.Sort(gateway.Ports); !slices.Equal(gateway.Ports, published) {
		t.Errorf("the gateway's ports are %q, the configuration listens on %q", gateway.Ports, published)
	}

	address := gateway.Networks["sip"].Address
	if string(cfg.SIP.Advertise) != address {
		t.Errorf("the gateway advertises %s, the compose file gives it %s", cfg.SIP.Advertise, address)
	}
	if match := "match = " + address; !strings.Contains(string(readFile(t, "configs/asterisk/pjsip.conf")), match) {
		t.Errorf("configs/asterisk/pjsip.conf has no %q", match)
	}
	if pbx := compose.Services["asterisk"].Networks["sip"].Address; cfg.PBX.Targets[0].Host != pbx {
		t.Errorf("calls go to %s, the compose file gives Asterisk %s", cfg.PBX.Targets[0].Host, pbx)
	}
	if store := cfg.Lists.Store.String(); !strings.HasPrefix(store, "redis://redis:6379/") {
		t.Errorf("the lists are at %s, the compose file has the service redis", store)
	}
	if !slices.Contains(gateway.Volumes, "state:"+cfg.StateDir) || instructions(readFile(t, "Dockerfile"), "VOLUME")[0] != cfg.StateDir {
		t.Errorf("the state folder %s is not the volume of the compose file and of the image", cfg.StateDir)
	}
	grace, err := time.ParseDuration(gateway.GracePeriod)
	if err != nil || grace <= time.Duration(cfg.SIP.DrainTimeout) {
		t.Errorf("Docker ends the gateway after %q (%v); draining may take %s", gateway.GracePeriod, err, time.Duration(cfg.SIP.DrainTimeout))
	}
	stop := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindSubmatch(readFile(t, "configs/ringfence.service"))
	if seconds, err := strconv.Atoi(string(stop[1])); err != nil || time.Duration(seconds)*time.Second <= time.Duration(cfg.SIP.DrainTimeout) {
		t.Errorf("systemd ends the gateway after %s s; draining may take %s", stop[1], time.Duration(cfg.SIP.DrainTimeout))
	}
}

// The code that reports the last caller, and the number that a telephone is known by when it does, are
// dialled by the telephones of the PBX that the compose file brings.
func TestAsteriskDialsTheReportingCode(t *testing.T) {
	cfg, err := configs.Load("configs/ringfence.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if dialplan := string(readFile(t, "configs/asterisk/extensions.conf")); !strings.Contains(dialplan, "exten => "+string(cfg.Report.FeatureCode)+",1,") {
		t.Errorf("configs/asterisk/extensions.conf has no extension %s", cfg.Report.FeatureCode)
	}
}

// Every place a call can be diverted to is answered by the PBX that the compose file brings.
func TestAsteriskAnswersDivertedCalls(t *testing.T) {
	cfg, err := configs.Load("configs/ringfence.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dialplan := string(readFile(t, "configs/asterisk/extensions.conf"))
	for name, target := range cfg.Divert {
		if !strings.Contains(dialplan, "exten => "+target.URI.User+",1,") {
			t.Errorf("configs/asterisk/extensions.conf has no extension %q, which calls diverted to %s dial", target.URI.User, name)
		}
	}
}
