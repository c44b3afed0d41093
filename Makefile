# make run      everything: packages on the first run, then the site and its workers until Ctrl-C
# make test     the whole suite; says what it skipped and why
# make test-faults  what dies in the middle of the work, at every stage, on both databases (three quarters of an hour)
# make audit    the pinned packages against the public lists of known vulnerabilities; needs the network
# make lint     style, types, import direction, templates, migrations
# make bench    the figures
# make bench-web  200 sockets and 50 requests a second over a large database (docs/operations.md)
# make screenshots  every page of the demo artist, light, dark and on a phone, into docs/screenshots/
# make evaluate the long ones: a hundred recordings through every coder
# make bench-gpu  MusicGen's speed on a GPU, beside stock audiocraft and what memory bandwidth allows
# Options: make run PORT=8080 HOST=0.0.0.0 STARFORGE_DATA=/somewhere · make test ARGS="-k verify"

PORT ?= 8000
# Not ?=: some shells and build tools export HOST as the machine's name, and that must not open the site to the network.
HOST = 127.0.0.1
STARFORGE_DATA ?= ./var
PYTHON ?= python3.11
VENV ?= .venv
ARGS ?=

PY := $(VENV)/bin/python
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip install --no-input -qq
NEEDED := requirements.txt requirements-audiocraft.txt constraints.txt
digest = $(shell cat $(1) | sha256sum | cut -c1-16)
# A stamp's name carries the hash of the requirement files: as long as they are the same, nothing is installed.
RUNTIME := $(VENV)/.runtime-$(call digest,$(NEEDED))
DEVELOPMENT := $(VENV)/.development-$(call digest,$(NEEDED) requirements-dev.txt requirements-evm.txt requirements-vyper.txt)

.PHONY: run test test-faults audit lint bench bench-web bench-gpu screenshots evaluate
.DEFAULT_GOAL := run

run: $(RUNTIME)
	@STARFORGE_DATA="$(STARFORGE_DATA)" exec $(PY) manage.py up --host "$(HOST)" --port "$(PORT)"

test: $(DEVELOPMENT)
	@exec $(PY) -m tests $(ARGS)

test-faults: $(DEVELOPMENT)
	@exec $(PY) -m tests.faults $(ARGS)

audit: $(RUNTIME)
	@VENV=$(VENV) PYTHON=$(PYTHON) exec .ci/audit

bench: $(RUNTIME)
	@exec $(PY) -m bench $(ARGS)

bench-web: $(RUNTIME)
	@exec $(PY) -m bench.web $(ARGS)

evaluate: $(RUNTIME)
	@exec $(PY) -m bench recognition $(ARGS)

screenshots: $(DEVELOPMENT)
	@exec $(PY) -m bench.screenshots $(ARGS)

# The tests' recipes for checkpoints make its weights, so it needs what they need.
bench-gpu: $(DEVELOPMENT)
	@exec $(PY) -m bench.gpu $(ARGS)

# The settings write their secrets on first use; linting must not touch the data of a running site.
lint: export STARFORGE_DATA = $(VENV)/lint-data
lint: $(DEVELOPMENT)
	@failed=; \
	step() { echo "== $$*"; "$$@" || failed="$$failed $$(basename "$$1")"; }; \
	step $(VENV)/bin/ruff check --quiet .; \
	step $(VENV)/bin/ruff format --check --quiet .; \
	step $(VENV)/bin/mypy; \
	step $(VENV)/bin/lint-imports --no-logo; \
	step $(VENV)/bin/djade --check --target-version 5.2 $$(find templates -name '*.html'); \
	step $(PY) manage.py check --fail-level ERROR; \
	step $(PY) manage.py makemigrations --check --dry-run; \
	[ -z "$$failed" ] || { echo "lint failed:$$failed"; exit 1; }

$(RUNTIME):
	@$(PY) -m pip --version >/dev/null 2>&1 || { \
	  command -v $(PYTHON) >/dev/null || { echo "Starforge needs Python 3.11 and found no $(PYTHON). Install it, or name it: make run PYTHON=/path/to/python3.11"; exit 1; }; \
	  $(PYTHON) -m venv --clear $(VENV) || { echo "$(PYTHON) could not make a virtual environment. On Debian and Ubuntu: apt-get install python3.11-venv"; exit 1; }; }
	@echo "Installing Starforge's packages into $(VENV). Once; about three minutes and 6 GB."
	@$(PIP) -r requirements.txt -c constraints.txt
	@$(PIP) --no-deps -r requirements-audiocraft.txt
	@rm -f $(VENV)/.runtime-* && touch $@

$(DEVELOPMENT): | $(RUNTIME)
	@echo "Installing what the tests need."
	@$(PIP) -r requirements-dev.txt -c constraints.txt
	@$(PIP) --no-deps -r requirements-vyper.txt
	@rm -f $(VENV)/.development-* && touch $@
