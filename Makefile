# Two commands matter: `make demo` and `make test`. Both set up everything they need in .venv.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: setup demo test lint types contracts unit bench lock clean

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

unit: setup
	$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST)

bench: setup
	$(BIN)/python -m bench $(BENCH)

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --all-extras --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
