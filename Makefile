# botctl. `make` lists what there is; every target sets up what it needs.
.DEFAULT_GOAL := help
.PHONY: help setup run check test golden format bench soak

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY)  ## make .venv with everything in it

# uv where it is there, else pip. constraints.txt pins every version.
$(READY): pyproject.toml constraints.txt
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --allow-existing .venv && uv pip install --quiet --python $(BIN)/python -e '.[dev]' -c constraints.txt; \
	else \
	  $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt; \
	fi
	@touch $(READY)

run: $(READY)  ## the support bot in this terminal, no account needed
	@$(BIN)/botctl run support-bot

check: $(READY)  ## format, lint, types, house
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/pytest tests/test_house.py

test: $(READY)  ## all tests
	@$(BIN)/pytest

golden: $(READY)  ## rewrite the golden cases; read the diff
	@$(BIN)/python tests/lint/golden.py --write
	@$(BIN)/python -m tests.stories.golden --write

format: $(READY)  ## format the code
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix --quiet .

bench: $(READY)  ## measure, as a table
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m tests.bench

soak: $(READY)  ## kill the process 20 times under 500 messages, and count
	@$(BIN)/python -m tests.soak
