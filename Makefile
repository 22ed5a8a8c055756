# Everything runs from .venv/, which `make setup` builds from uv.lock. Needs Python 3.11+ and a network for the first run only.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	if $$p -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 14)))' 2>/dev/null; then echo $$p; break; fi; done)
VENV := .venv
STAMP := $(VENV)/.synced
BIN := $(VENV)/bin
# Trust what the machine trusts, as pip does: behind a company's proxy, uv's own list of authorities is not enough.
SYSTEM_CERTS := $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem)

# Without a home folder that can be written, uv has no place for its cache and does without.
CACHED := cache="$${UV_CACHE_DIR:-$${XDG_CACHE_HOME:-$$HOME/.cache}/uv}"; mkdir -p "$$cache" 2>/dev/null && test -w "$$cache" || export UV_NO_CACHE=1

# One set-up at a time: another one that begins meanwhile waits, and finds everything done.
ALONE := $(PYTHON) -c 'import fcntl, os, sys; lock = os.open("Makefile", os.O_RDONLY); fcntl.flock(lock, fcntl.LOCK_EX); \
	os.set_inheritable(lock, True); os.execvp(sys.argv[1], sys.argv[1:])'

# Compiled modules are kept: tests, commands and charts start many processes, which would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup run test test-all test-fast lint bench clean

setup: $(STAMP)

$(STAMP): pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found. Install one, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@test -x $(BIN)/uv || echo "Setting up in $(VENV); the first time, this takes a minute or two …"
	@$(ALONE) sh -c '{ test -x $(BIN)/uv || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.8"; }; } && \
		{ $(CACHED); } && $(if $(SYSTEM_CERTS),UV_SYSTEM_CERTS=1) UV_PROJECT_ENVIRONMENT=$(VENV) \
		$(BIN)/uv sync --frozen --inexact --compile-bytecode --quiet --python $(BIN)/python && touch $(STAMP)'

run: $(STAMP)
	@exec $(BIN)/python -m bot run

test: $(STAMP)
	@$(BIN)/python -m pytest -n 3 --dist loadgroup -m "not long"

test-all: $(STAMP)
	@$(BIN)/python -m pytest -n 3 --dist loadgroup

test-fast: $(STAMP)
	@$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not long"

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy bot cogs playground
	@$(BIN)/lint-imports

bench: $(STAMP)
	@$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
