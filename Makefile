# `make help` lists the targets. Each sets up `.venv` by itself; a second run finds it ready.
# Another interpreter beside it: make test PYTHON=python3.13 VENV=.venv-3.13

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first that runs: a version manager may have a command for a version that it does not have.
PYTHON ?= $(or $(shell for p in python3.11 python3.12 python3.13 python3; do \
  "$$p" -c '' 2>/dev/null && command -v "$$p" && break; done),python3.11)
VENV ?= .venv
BIN := $(VENV)/bin
# Which tests: make test T="tests/domain -k ledger"
T ?= tests
# How long random acts, races and properties are tried, with other acts and inputs every time:
# make test T=tests/services STATEFUL=500 RACES=1000; make test T="tests/domain tests/partners" PROPERTIES=5000
# How many test processes; one is easier to debug: make test N=0
N ?= 2
UV ?= uv
# Which act of the demo: 1, 2, 3, all, or drill
ACT ?= all

# Whatever the shell says, what was compiled is kept: a run of the tests starts some hundred processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## Make .venv from the hashed lock file (every target does it by itself)
	@"$(PYTHON)" .ci/bootstrap.py "$(VENV)"

.PHONY: run
run: setup  ## Run the coordinator, web and worker, on SQLite at http://127.0.0.1:8080
	@$(BIN)/holdfast-coordinator serve

.PHONY: demo
demo: setup  ## Replay a real case with a coordinator and four exchanges (ACT=1, ACT=2, ACT=3; FAST=1: no pauses; KEEP=1 leaves it running)
	@$(BIN)/python -m reference_exchange.scenarios.demo --act $(ACT) $(if $(FAST),--fast) $(if $(KEEP),--keep)

.PHONY: drill
drill: setup  ## Hold a drill with the demo's exchanges, and print its readiness report (KEEP=1 leaves it running)
	@$(BIN)/python -m reference_exchange.scenarios.demo --act drill $(if $(FAST),--fast) $(if $(KEEP),--keep)

.PHONY: console
console: setup  ## Start a coordinator filled with four months of believable cases, and its console (PORT=8080)
	@$(BIN)/python -m reference_exchange.cases $(if $(PORT),--port $(PORT))

.PHONY: test
test: setup  ## Run the tests on SQLite and PostgreSQL (T="tests/domain -k ledger" selects)
	@$(BIN)/python -m pytest -n $(N) --dist worksteal $(T)

.PHONY: test-fast
test-fast: setup  ## Run most tests in about four minutes: no PostgreSQL, served coordinators, installations, demo or waits
	@$(BIN)/python -m pytest -n $(N) --dist worksteal -m "not (postgresql or processes or deadlines)" $(T)

# What each of them must hold is told in CONTRIBUTING.md.
FAULT_TESTS := tests/dispatcher/test_faults.py tests/dispatcher/test_timers.py tests/dispatcher/test_fair_sending.py \
  tests/dispatcher/test_webhook_sender_hostile.py tests/dispatcher/test_webhook_sender_names.py tests/egress \
  tests/end_to_end/test_kills.py tests/end_to_end/test_database_outages.py tests/end_to_end/test_stopped_worker.py \
  tests/end_to_end/test_disk_faults.py

.PHONY: faults
faults: setup  ## Try the faults that it must survive as often as is promised (about an hour; T selects)
	@FAULTS=1 $(BIN)/python -m pytest -n $(N) --dist worksteal $(if $(filter-out tests,$(T)),$(T),$(FAULT_TESTS))

.PHONY: check
check: lint types test  ## Run everything that CI runs: lint, types, tests

.PHONY: lint
lint: setup  ## Check style, formatting and the direction of imports
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-cache

.PHONY: format
format: setup  ## Format the code and mend what can be mended safely
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

.PHONY: types
types: setup  ## Check the types, strictly
	@$(BIN)/mypy

.PHONY: coverage
coverage: setup  ## Measure test coverage; domain, log and protocol must reach 100 %
	@$(BIN)/python -m pytest -n $(N) --dist worksteal --cov --cov-report= --cov-fail-under=0 $(T)
	@$(BIN)/coverage report --skip-covered
	@$(BIN)/coverage report --skip-covered --show-missing --fail-under=100 \
	  --include='coordinator/domain/*,coordinator/transparency_log/*,partners/holdfast/protocol/*'

.PHONY: bench
bench: setup  ## Measure each figure beside its floor and write docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks

.PHONY: events
events: setup  ## Write docs/events.md and the samples of all events from their models and a real run
	@$(BIN)/python -m tests.event_pages

.PHONY: wheels
wheels: setup  ## Build the wheels of both distributions into dist/
	@rm -rf build partners/build  # what an earlier build left there would be packed again
	@$(BIN)/python -m pip wheel -q --no-deps --no-index --no-build-isolation -w dist ./partners .
	@ls dist/*.whl

.PHONY: migrate
migrate: setup  ## Bring the database (HOLDFAST_DATABASE_URL) up to the newest schema
	@$(BIN)/holdfast-coordinator migrate

.PHONY: lock
lock:  ## Resolve requirements.lock for both distributions (UPGRADE=1 takes newer releases; needs uv)
	@$(UV) pip compile pyproject.toml --group dev --no-emit-package holdfast-kit \
	  --universal --python-version 3.11 \
	  --generate-hashes --only-binary :all: --exclude-newer "7 days" --no-config $(if $(UPGRADE),--upgrade) \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	  --quiet --output-file requirements.lock
