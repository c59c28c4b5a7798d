# Two commands matter: `make demo` and `make test`. Both set up everything they need in .venv.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test lint types contracts peers unit bench lock clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock .ci/setup
	PYTHON="$(PYTHON)" sh .ci/setup

demo: setup
	$(BIN)/quarterdeck demo $(DEMO)

test: setup lint types contracts unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

# Programs from npm that judge our adapters. Without a registry of npm's their tests say why they are skipped.
peers: setup
	-@[ -d tests/peers/node_modules ] || PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm install --prefix tests/peers --no-package-lock --no-audit --no-fund --loglevel=error

unit: setup peers
	$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST)

bench: setup
	$(BIN)/python -m bench $(BENCH)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --all-extras --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv tests/peers/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
