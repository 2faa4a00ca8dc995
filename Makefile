# Every task of this repository. Needs Python 3.11 or newer, pip and make; the rest comes into .venv on first use.
#   make run ARGS="--topology split"        arguments for `calve run`
#   make test ARGS="tests/core -k deadline" arguments for pytest
#   make PYTHON=python3.13 test             another Python than the first fitting one on PATH

SHELL := /bin/sh
BIN   := $(CURDIR)/.venv/bin
READY := .venv/.ready
RUNS  := .venv/.runs
ARGS  ?=
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
SOURCES := src tests examples bench docs scripts

.DEFAULT_GOAL := help
.PHONY: help run test check lint types fmt gen bench soak build clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s  %s\n", $$1, $$2 }' Makefile

run: $(RUNS) ## serve the shop on http://127.0.0.1:8000 until Ctrl-C
	@cd examples/shop && exec $(BIN)/calve run $(ARGS)

test: $(READY) ## run all tests, documentation and repository rules included; says what it left out
	@$(BIN)/python -m pytest -q $(ARGS)

check: lint types test ## everything a change must pass

lint: $(READY) ## style (ruff) and import layers (import-linter)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/lint-imports --no-logo

types: $(READY) ## strict types (mypy) of the source, tests, examples and benchmarks
	@$(BIN)/mypy
	@$(BIN)/mypy examples/shop/conftest.py

fmt: $(READY) ## rewrite the code in the house style
	@$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	@$(BIN)/ruff format $(SOURCES)

gen: $(READY) ## write the generated reference pages; leaves no diff when they are up to date
	@$(BIN)/python docs/generate.py

bench: $(READY) ## measure every performance claim beside its peers, into bench/results
	@$(BIN)/python -m bench $(ARGS)

soak: $(READY) ## look for growth: many connections, a million calls, long faults
	@$(BIN)/python -m bench.soak $(ARGS)

build: $(READY) ## build the source archive and the wheel into dist
	@$(BIN)/python -m build --outdir dist .

clean: ## remove the environment and everything made
	@rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml scripts/environment.py
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer on PATH; install one or say make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) scripts/environment.py dev
	@touch $(RUNS) $@

# Serving the shop needs a fifth of what testing it needs, so that the first `make run` does not keep anybody waiting.
$(RUNS): pyproject.toml scripts/environment.py
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer on PATH; install one or say make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) scripts/environment.py
	@touch $@
