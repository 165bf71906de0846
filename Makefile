# Every way to build, test and run Ringfence. `make help` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.NOTPARALLEL:
.DEFAULT_GOAL := help

# The tools that check the code, pinned and built from source into bin/.
GOFUMPT := bin/gofumpt-v0.12.0
GOLANGCI_LINT := bin/golangci-lint-v2.15.0
GOVULNCHECK := bin/govulncheck-v1.9.0

# What the tests drive, as COMMAND:DEBIAN-PACKAGE. The race detector needs the C compiler.
PROGRAMS := gcc:gcc gcc:libc6-dev redis-server:redis-server sipp:sip-tester baresip:baresip-core sox:sox python3:python3

# How long each fuzz target runs: a duration (FUZZTIME=10m), or a number of inputs (FUZZTIME=50000x),
# which takes as long as it takes and so is no timed test.
FUZZTIME := 10000x

# Left by `make vuln` when the vulnerability database could not be reached.
VULN_NOT_RUN := bin/vuln-not-run

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: deps fmt vet lint vuln arch unit e2e fuzz ## check everything: what a change must pass
	@echo
	echo "make test: passed: deps fmt vet lint arch unit e2e fuzz"
	if [ -e $(VULN_NOT_RUN) ]; then
		echo "make test: NOT RUN: vuln (the vulnerability database could not be reached)"
	else
		echo "make test: passed: vuln"
	fi

.PHONY: deps
deps: ## install the programs that the tests drive (root on Debian), or say how to
	@missing=""
	for pair in $(PROGRAMS); do
		command -v "$${pair%%:*}" >/dev/null || missing+=" $${pair#*:}"
	done
	[ -n "$$missing" ] || exit 0
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -q
		DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $$missing
	else
		echo "The tests drive programs that are not installed here. On Debian or Ubuntu run:" >&2
		echo "    sudo apt-get install --no-install-recommends$$missing" >&2
		exit 1
	fi

.PHONY: fmt
fmt: $(GOFUMPT) ## check that every Go file is formatted (gofumpt)
	@unformatted=$$($(GOFUMPT) -l .)
	[ -z "$$unformatted" ] && exit 0
	echo "Not formatted; run $(GOFUMPT) -w on:" >&2
	echo "$$unformatted" >&2
	exit 1

.PHONY: vet
vet: ## go vet, of the end-to-end tests too
	go vet ./...
	go vet -tags e2e ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## golangci-lint as .golangci.yml says
	$(GOLANGCI_LINT) run --allow-parallel-runners ./...

# govulncheck needs its database from the internet. Where that cannot be reached the build goes on,
# loudly; a finding, or any other failure, ends it.
.PHONY: vuln
vuln: $(GOVULNCHECK) ## known vulnerabilities in what the code calls (govulncheck)
	@rm -f $(VULN_NOT_RUN)
	code=0
	$(GOVULNCHECK) ./... 2>&1 | tee bin/vuln.log || code=$$?
	if [ $$code -ne 0 ] && grep -q 'fetching vulnerabilities' bin/vuln.log; then
		touch $(VULN_NOT_RUN)
		echo "######################################################################"
		echo "## NOT CHECKED for known vulnerabilities: the database could not be  ##"
		echo "## reached. Run 'make vuln' where there is internet before a release. ##"
		echo "######################################################################"
		exit 0
	fi
	exit $$code

.PHONY: arch
arch: ## the one-way imports, the house rules, the deployment files (tests at the root)
	go test -count=1 .

.PHONY: unit
unit: ## unit tests and call scripts, with the race detector
	go test -race -timeout 10m ./...

# Only the packages with end-to-end tests, so that unit tests do not run a second time.
.PHONY: e2e
e2e: deps ## real processes and sockets: sipp, baresip, redis-server against the gateway
	@packages=$$(grep -rl --include='*_test.go' '^//go:build e2e' . | xargs -r dirname | sort -u)
	if [ -z "$$packages" ]; then echo "no end-to-end tests found" >&2; exit 1; fi
	go test -tags e2e -count=1 -timeout 15m $$packages

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME each
	@targets=$$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names = names " " $$1 } /^ok/ { $$0 = $$2 names; names = ""; if (NF > 1) print }')
	if [ -z "$$targets" ]; then echo "no fuzz targets found" >&2; exit 1; fi
	while read -r package names; do
		for name in $$names; do
			echo "fuzz $$package $$name"
			go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$package" </dev/null
		done
	done <<<"$$targets"

.PHONY: bench
bench: ## benchmarks, with allocations
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-kamailio
bench-kamailio: build ## CPU, delay and memory beside Kamailio on loopback; ARGS=-help
	go run ./bench/kamailio $(ARGS)

.PHONY: bench-treated
bench-treated: build ## CPU, pacing and memory of prompts and relayed calls beside rtpengine; ARGS=-help
	go run ./bench/treated $(ARGS)

.PHONY: build
build: ## the static binary, bin/ringfence
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/ringfence ./cmd/ringfence

.PHONY: prompts
prompts: ## the sounds of configs/prompts/prompts.tsv that have changed (espeak-ng, sox)
	configs/prompts/generate

.PHONY: demo
demo: ## the gateway with a PBX stand-in and a caller, on loopback
	go run ./cmd/ringfence demo

.PHONY: load
load: deps build ## 500 calls a second for 60 s on loopback; RATE=, DURATION=, STOP_REDIS=1
	load/run

.PHONY: clean
clean: ## remove what make built
	rm -rf bin

$(GOFUMPT):
	GOBIN=$(CURDIR)/bin go install mvdan.cc/gofumpt@$(@:bin/gofumpt-%=%)
	mv bin/gofumpt $@

$(GOLANGCI_LINT):
	GOBIN=$(CURDIR)/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(@:bin/golangci-lint-%=%)
	mv bin/golangci-lint $@

$(GOVULNCHECK):
	GOBIN=$(CURDIR)/bin go install golang.org/x/vuln/cmd/govulncheck@$(@:bin/govulncheck-%=%)
	mv bin/govulncheck $@
