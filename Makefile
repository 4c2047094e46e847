# Everything here works on a fresh Debian with Rust; each target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# nix: the flake builds and runs everything. host: Cargo, and the tools of this machine. Nix where it is, with flakes.
ifeq ($(origin ENGINE),undefined)
ENGINE := $(shell nix eval --impure --expr 'builtins ? getFlake' 2>/dev/null | grep -qx true && echo nix || echo host)
endif
ifeq ($(filter nix host,$(ENGINE)),)
$(error ENGINE is nix or host, not $(ENGINE))
endif

CARGO ?= cargo
# Arguments for `make swarm` and `make test-origin`.
ARGS ?=
# A profile of the test origin: `make test-origin PROFILE=mini-abr`.
PROFILE ?= default
# One end-to-end scenario: `make test-e2e SCENARIO=frozen_stream`. All without it.
SCENARIO ?=
PYTHON ?= python3
# Viewers of `make bench-hold`, and further arguments of the benchmarks: `make bench BENCH='--rounds 5'`.
VIEWERS ?= 1500
BENCH ?=

.PHONY: help doc ffmpeg-lean bench bench-hold bench-options bench-soak bench-binary bench-wire bench-profile bench-starts bench-origin clean microvm-check-kvm

help: ## Show this list
	@awk -F ':.*## ' '/^#?[a-z0-9%-]+:.*## / { sub("#", "", $$1); printf "  make %-24s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo "  ENGINE is $(ENGINE) here: ENGINE=nix or ENGINE=host chooses"

# Of each engine:
#demo: ## Ten viewers on a live stream of this machine, for 30 s (LEAN=1: with the lean FFmpeg)
#test: ## All tests, with the real FFmpeg, Nginx and Chromium
#test-e2e: ## Scenarios on network namespaces, in parallel (SCENARIO=frozen_stream: only this one)
#build: ## Release binaries in target/release
#check: ## Formatting, lints, shell scripts and all tests
#test-origin: ## Live stream until Ctrl-C (PROFILE=default, ARGS='--port 8080')
#test-origin-%: ## The same with another profile: make test-origin-4k-abr, test-origin-stress, …
#swarm: ## Load-test: make swarm ARGS='-clients 20 -duration 1m URL'
#dev: ## A shell with every tool (nix); what is missing, installed (host)
#container: ## OCI images of both programs (needs Nix)
#microvm-origin: ## A virtual machine with the origin (needs Nix)
#microvm-swarm: ## A virtual machine with the swarm (needs Nix)
#microvm-lab: ## Origin, swarm, Prometheus and Grafana in virtual machines (needs Nix)
include make/$(ENGINE).mk

microvm-check-kvm: ## Can virtual machines run here at full speed?
	@scripts/check-kvm.sh

doc: require ## What each module says of itself, private ones too: target/doc/swarm/index.html
	RUSTDOCFLAGS="--deny warnings" $(CARGO) doc --workspace --no-deps --document-private-items --locked

ffmpeg-lean: ## A small FFmpeg that only plays HLS, into the cache folder (prints where)
	@scripts/ffmpeg-lean.sh

bench: require ## What viewers cost, beside a loop of FFmpegs (ten minutes; writes docs/BENCHMARKS.md)
	@scripts/require.sh python3
	$(CARGO) build --release --workspace --locked
	@$(PYTHON) -B -m bench viewers --lean "$$(scripts/ffmpeg-lean.sh)" $(BENCH)

bench-hold: require ## How well many viewers are held: VIEWERS=1500 (two minutes; writes docs/BENCHMARKS.md)
	@scripts/require.sh python3
	$(CARGO) build --release --workspace --locked
	@$(PYTHON) -B -m bench hold --lean "$$(scripts/ffmpeg-lean.sh)" --viewers $(VIEWERS) --rate 100 --seconds 60 $(BENCH)

bench-options: require ## What FFmpeg's options and variables cost or save (two minutes; writes docs/BENCHMARKS.md)
	@scripts/require.sh python3
	$(CARGO) build --release --workspace --locked
	@$(PYTHON) -B -m bench options --lean "$$(scripts/ffmpeg-lean.sh)" --viewers 10 $(BENCH)

bench-soak: require ## Does swarm grow while its viewers play on? (three minutes and a half)
	@scripts/require.sh python3
	$(CARGO) build --release --workspace --locked
	@$(PYTHON) -B -m bench soak --way swarm --viewers 20 --seconds 180 $(BENCH)

bench-binary: require ## Is the program small, and does it answer soon?
	@scripts/require.sh python3
	$(CARGO) build --release --workspace --locked
	@$(PYTHON) -B -m bench binary

bench-wire: require ## What the measuring proxy costs, against none (two minutes; writes docs/BENCHMARKS.md)
	@scripts/require.sh wrk python3
	$(CARGO) build --release --locked -p swarm --example wire
	@$(PYTHON) -B -m bench wire --rounds 3 --seconds 5 $(BENCH)

bench-profile: require ## Where swarm's CPU goes with VIEWERS=1500 (a minute and a build; writes docs/BENCHMARKS.md)
	@scripts/require.sh perf python3
	$(CARGO) build --release --locked -p test-origin
	CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=line-tables-only RUSTFLAGS=-Cforce-frame-pointers=yes \
		$(CARGO) build --release --locked -p swarm --target-dir target/profile
	@SWARM=target/profile/release/swarm $(PYTHON) -B -m bench profile --lean "$$(scripts/ffmpeg-lean.sh)" --viewers $(VIEWERS) \
		--rate 100 $(BENCH)

bench-starts: require ## How fast swarm starts viewers (half a minute; writes docs/BENCHMARKS.md)
	@scripts/require.sh python3
	$(CARGO) build --release --workspace --locked
	@$(PYTHON) -B -m bench starts --way swarm $(BENCH)

bench-origin: require ## What the origin's configuration costs, against a minimal one (a minute)
	@scripts/require.sh wrk python3 curl
	@bench/origin.sh

clean: ## Remove what was built (encoded clips stay in the cache folder)
	$(CARGO) clean

.PHONY: require
require:
	@scripts/require.sh cargo cc ffmpeg nginx
