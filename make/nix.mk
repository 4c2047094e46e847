# ENGINE=nix: the flake builds and runs everything.

# Everything is said while it is built: the first build takes minutes.
NIX_BUILD := nix build --print-build-logs

.PHONY: demo test test-e2e build check test-origin swarm dev container microvm-origin microvm-swarm microvm-lab

demo:
	@exec nix run .#demo

test:
	$(NIX_BUILD) --no-link .#checks.$$(nix eval --impure --raw --expr builtins.currentSystem).tests

test-e2e:
	@exec nix develop --command $(MAKE) ENGINE=host test-e2e SCENARIO=$(SCENARIO)

build:
	$(NIX_BUILD) .#swarm --out-link result-swarm
	$(NIX_BUILD) .#test-origin --out-link result-test-origin

check:
	nix flake check --print-build-logs

test-origin:
	@exec nix run .#test-origin -- --profile $(PROFILE) $(ARGS)

test-origin-%:
	@exec nix run .#test-origin-$* -- $(ARGS)

swarm:
	@exec nix run .#swarm -- $(ARGS)

dev:
	@exec nix develop

container:
	$(NIX_BUILD) .#swarm-container --out-link result-swarm-container
	$(NIX_BUILD) .#test-origin-container --out-link result-test-origin-container
	@echo "load them: podman load <result-swarm-container; podman load <result-test-origin-container"

microvm-origin microvm-swarm microvm-lab:
	@exec nix run .#$@
