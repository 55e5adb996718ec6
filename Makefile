# Short names for longer commands; the README gives the commands themselves.
# Needs Python 3.11 or newer (with venv), git and make. `make PYTHON=python3.12 …` chooses one.

PORT ?= 8000
HOST ?= 127.0.0.1
PYTHON ?=
TESTS ?= tests

VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help run test lint types check bench bench-logs chaos-db lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/runtime.stamp ## Install, migrate, bootstrap and serve on PORT (8000)
	@$(MANAGE) serve --host $(HOST) --port $(PORT) --check
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@$(MANAGE) bootstrap --port $(PORT)
	@exec $(MANAGE) serve --host $(HOST) --port $(PORT)

test: $(VENV)/dev.stamp ## Run the tests (SQLite, no services, no network); TESTS=tests/door for some
	@$(BIN)/python -m pytest -q -n auto $(TESTS)

lint: $(VENV)/dev.stamp ## Check style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/dev.stamp ## Check types
	@$(BIN)/mypy .

check: lint types test ## lint, types and test

bench: $(VENV)/dev.stamp ## Measure speed and memory against their limits
	@$(BIN)/python -m benchmarks.run

bench-logs: $(VENV)/dev.stamp ## Measure what logs and transcripts cost, against their limits
	@$(BIN)/python -m benchmarks.logs

chaos-db: $(VENV)/dev.stamp ## Take PostgreSQL away for 30 s under load; needs DATABASE_URL_TEST_POSTGRES
	@: $${DATABASE_URL_TEST_POSTGRES:?must be the address of a PostgreSQL server where databases can be made}
	@$(BIN)/python -m pytest -q tests/chaos_db.py

lock: ## Compile requirements*.in into the hashed locks (needs network)
	@PYTHON="$(PYTHON)" sh scripts/lock

clean: ## Remove the virtual environment and caches; var/ with its data stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/runtime.stamp: requirements.txt
	@PYTHON="$(PYTHON)" sh scripts/install requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt
	@PYTHON="$(PYTHON)" sh scripts/install requirements-dev.txt
	@touch $@ $(VENV)/runtime.stamp
