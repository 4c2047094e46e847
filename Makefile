# Everything here works on a fresh Debian with Rust; each target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
# Arguments for `make swarm` and `make test-origin`.
ARGS ?=
# A profile of the test origin: `make test-origin PROFILE=mini-abr`.
PROFILE ?= default
# One end-to-end scenario: `make test-e2e SCENARIO=frozen_stream`. All without it.
SCENARIO ?=
PYTHON ?= python3

.PHONY: help demo ffmpeg-lean test test-e2e build check test-origin swarm bench-wire clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Ten viewers on a live stream of this machine, for 30 s (LEAN=1: with the lean FFmpeg)
	@$(if $(LEAN),export HLSSWARM_FFMPEG; HLSSWARM_FFMPEG=$$(scripts/ffmpeg-lean.sh);) \
		PATH=$$PWD/target/release:$$PATH scripts/demo.sh

test: require ## All tests, with the real FFmpeg and Nginx
	$(CARGO) test --workspace --locked
	$(MAKE) test-e2e

test-e2e: require ## Scenarios on network namespaces, in parallel (SCENARIO=frozen_stream: only this one)
	@scripts/require.sh curl ip mypy nsenter pgrep prometheus pyflakes3 python3
	$(CARGO) build --workspace --locked
	@cd nixos-tests && $(if $(SCENARIO),true,$(PYTHON) -B -m unittest local.tests) && $(PYTHON) -B -m local $(SCENARIO)

build: require ## Release binaries in target/release
	$(CARGO) build --release --workspace --locked

check: require ## Formatting, lints, shell scripts and all tests
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	scripts/require.sh shellcheck
	shellcheck scripts/*.sh bench/*.sh .ci/run swarm/tests/fixtures/fake-ffmpeg/*.sh nixos-tests/local/*.sh
	scripts/require.sh mypy pyflakes3 python3
	cd nixos-tests && $(PYTHON) -B -m local.lint
	$(MAKE) test

test-origin: build ## Live stream until Ctrl-C (PROFILE=default, ARGS='--port 8080')
	@exec target/release/test-origin --profile $(PROFILE) $(ARGS)

test-origin-%: build ## The same with another profile: make test-origin-4k-abr, test-origin-stress, …
	@exec target/release/test-origin --profile $* $(ARGS)

swarm: build ## Load-test: make swarm ARGS='-clients 20 -duration 1m URL'
	@exec target/release/swarm $(ARGS)

ffmpeg-lean: ## A small FFmpeg that only plays HLS, into the cache folder (prints where)
	@scripts/ffmpeg-lean.sh

bench-wire: require ## What the measuring proxy costs, against none (two minutes)
	@scripts/require.sh wrk python3
	@bench/wire.sh

clean: ## Remove what was built (encoded clips stay in the cache folder)
	$(CARGO) clean

.PHONY: require
require:
	@scripts/require.sh cargo ffmpeg nginx
