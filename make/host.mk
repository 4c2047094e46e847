# ENGINE=host: Cargo, and the tools of this machine.

.PHONY: demo test test-e2e build check test-origin swarm dev container microvm-origin microvm-swarm microvm-lab

dev: require
	@scripts/require.sh shellcheck python3
	@echo "everything is there: build with make build, test with make test"

container microvm-origin microvm-swarm microvm-lab:
	@scripts/needs-nix.sh $@

demo: build
	@$(if $(LEAN),export HLSSWARM_FFMPEG; HLSSWARM_FFMPEG=$$(scripts/ffmpeg-lean.sh);) \
		PATH=$$PWD/target/release:$$PATH scripts/demo.sh

test: require
	@scripts/require.sh bwrap chromium curl ip prometheus setpriv tmux unshare
	$(CARGO) test --workspace --locked
	$(MAKE) test-e2e

test-e2e: require
	@scripts/require.sh curl ip mypy nsenter pgrep prometheus pyflakes3 python3
	$(CARGO) build --workspace --locked
	@cd nixos-tests && $(if $(SCENARIO),true,$(PYTHON) -B -m unittest local.tests) && $(PYTHON) -B -m local $(SCENARIO)

build: require
	$(CARGO) build --release --workspace --locked

check: require
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- --deny warnings
	$(MAKE) doc
	scripts/require.sh shellcheck
	shellcheck scripts/*.sh bench/*.sh .ci/run swarm/tests/fixtures/fake-ffmpeg/*.sh nixos-tests/local/*.sh microvm/*.sh
	scripts/lint-schemas.sh
	scripts/require.sh mypy pyflakes3 python3
	cd nixos-tests && $(PYTHON) -B -m local.lint
	mypy --strict --no-error-summary --cache-dir target/mypy bench
	pyflakes3 bench
	$(PYTHON) -B -m unittest bench.tests
	$(MAKE) test

test-origin: build
	@exec target/release/test-origin --profile $(PROFILE) $(ARGS)

test-origin-%: build
	@exec target/release/test-origin --profile $* $(ARGS)

swarm: build
	@exec target/release/swarm $(ARGS)
