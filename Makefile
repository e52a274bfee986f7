# Each target makes its own set-up: a .venv, and Debian packages when run as root.
.PHONY: demo test test-system bench lint faults install uninstall clean

PYTHON = .venv/bin/python

demo: ## One container start, from an example Infisical to the variables in the container.
	@scripts/prepare demo
	@$(PYTHON) -m demo

test: ## All tests; real processes, sockets and Podman.
	@scripts/prepare test
	@$(PYTHON) -m pytest -n 2 --dist loadfile $(PYTEST)

test-system: ## The suite on booted Debian 13 and 12 hosts (tests/system); needs root.
	@scripts/prepare system
	@$(PYTHON) -m tests.system.prepare
	@$(PYTHON) -m pytest -n 2 --dist loadfile tests/system $(PYTEST)

bench: ## Speed against its goals; `make bench BENCH=--strict` fails where one is missed.
	@scripts/prepare bench
	@$(PYTHON) -m benchmarks.lookup $(BENCH)
	@$(PYTHON) -m benchmarks.cache $(filter --strict,$(BENCH))

faults: ## Kill the broker 500 times while it writes its cache; `make test` does it 50 times.
	@scripts/prepare test
	@PSI_KILL_ROUNDS=500 $(PYTHON) -m pytest -q tests/integration/test_cache_kill.py

lint: ## ruff, mypy --strict and the import contracts.
	@scripts/prepare lint
	@.venv/bin/ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports

install: ## PSI on this host, as root; WHEELHOUSE=DIR takes all packages from there.
	@scripts/install $(INSTALL)

uninstall: ## The programs and units; configuration, state and users stay (INSTALL=--purge: not).
	@scripts/install --uninstall $(INSTALL)

clean: ## Remove what the other targets made in this folder.
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
