# Two commands on a fresh machine: `make up` and `make test`.
# Everything is installed once, into .venv and the user's cache; what is there already is used.

PYTHON ?= python3
VENV   := .venv
PIP    := $(VENV)/bin/python -m pip install --disable-pip-version-check
# Compiled modules halve the start of every command and of every process of the tests.
unexport PYTHONDONTWRITEBYTECODE
RUN    := $(VENV)/bin/python automation/run.py

# What a stack on AWS needs, and what the local cloud needs where it is in the checkout.
REQUIREMENTS := requirements.txt $(wildcard localcloud/requirements.txt)

.PHONY: up down test unit local-tests lint format bench soak setup clean help

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

up: setup        ## set up, then create or update the local stack and print its URL
	@$(RUN) up --stack local --yes

down: setup      ## destroy the local stack and stop the local cloud
	@$(RUN) destroy --stack local --yes
	@$(RUN) local stop

# Tests wait for containers more than they compute: two files at once for each core.
# By file, in the order of collection: the longest come first (tests/e2e/conftest.py).
CORES := $(shell nproc 2>/dev/null || echo 2)
FILES := --dist loadfile --no-loadscope-reorder
PARALLEL := -n $(shell expr $(CORES) \* 2) $(FILES)

test: $(VENV)/.dev setup ## set up, then run every test
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python -m pytest $(PARALLEL)

unit: $(VENV)/.dev ## unit, policy and application tests only: no Docker, no engine
	@$(VENV)/bin/python -m pytest -n $(CORES) $(FILES) tests/unit tests/policy localcloud/tests/unit app/tests

lint: $(VENV)/.dev ## formatter, linter, type checker
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

format: $(VENV)/.dev ## apply the formatter and the linter's safe fixes
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

bench: $(VENV)/.dev setup ## the benchmarks; BENCH="--runs 3 --only starts unchanged" chooses
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python -m benchmarks $(BENCH)

soak: $(VENV)/.dev setup ## releases and previews under load, with faults; SOAK="--releases 5 --previews 2 --seed 1"
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(VENV)/bin/python -m benchmarks.soak $(SOAK)

setup: $(VENV)/.installed ## virtual environment, packages, Pulumi engine, Docker engine
	@$(RUN) doctor --fix --quiet --stack local

# `python3 -m venv` needs a package of its own on Debian and Ubuntu.
$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "python3 can't make a virtual environment: on Debian or Ubuntu run 'apt-get install python3-venv'" >&2; exit 1; }

# Where the engine must be built with Go, that takes longest; `setup` waits for it.
$(VENV)/.installed: $(REQUIREMENTS) | $(VENV)/bin/python
	@echo "Installing the packages of $(REQUIREMENTS) into $(VENV): a minute or two"
	@$(PIP) $$(grep -ohE '^(pulumi|grpcio)==[^ ]+' $(REQUIREMENTS))
	@$(VENV)/bin/python -m automation.engine & \
	  $(PIP) $(REQUIREMENTS:%=-r %) || { kill $$!; exit 1; }
	@touch $@

$(VENV)/.dev: requirements-dev.txt app/requirements.txt $(VENV)/.installed
	@echo "Installing the packages of requirements-dev.txt and app/requirements.txt into $(VENV)"
	@$(PIP) -r requirements-dev.txt
	@$(PIP) -r app/requirements.txt
	@touch $@

clean:           ## remove what the set-up made in this folder
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
