# Parcel Tracking: `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON3 ?= python3
PYTHON := .venv/bin/python
SERVICE ?= django
# Node.js of the environment's wheel.
NPM := PATH="$(CURDIR)/.venv/bin:$$PATH" npm --prefix services/react

.PHONY: help up down clean status doctor logs traffic search rotate-passwords test test-unit test-pipeline test-react \
	test-integration test-e2e test-faults soak test-containers bench-pipeline bench-explorer bench-logging bench-api bench bench-mapping audit lint lock

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z.-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: .venv ## set up and start everything; ends with the URLs (RUNTIME=docker or native, else as .env says)
	@$(PYTHON) -m stack up

down: .venv ## stop everything; the data stays
	@$(PYTHON) -m stack down

clean: .venv ## stop everything and remove its data, logs and passwords
	@$(PYTHON) -m stack clean

status: .venv ## each part's health, each stream's lines: written, shipped, stored (JSON=1; WATCH=1: live, until ^C)
	@$(PYTHON) -m stack status $(if $(JSON),--json) $(if $(WATCH),--watch)

doctor: .venv ## which hop of the chain is broken, why, and what to do (JSON=1: one JSON object)
	@$(PYTHON) -m stack doctor $(if $(JSON),--json)

logs: .venv ## follow what a part prints (SERVICE=django)
	@$(PYTHON) -m stack logs $(SERVICE) --follow

traffic: .venv ## real requests through nginx, then every line is counted (N=100, or RATE=20 DURATION=5m; FAULT=bad-deploy)
	@$(PYTHON) -m stack traffic $(if $(N),--requests '$(N)') $(if $(RATE),--rate '$(RATE)') \
		$(if $(DURATION),--duration '$(DURATION)') $(if $(FAULT),--fault '$(FAULT)')

search: .venv ## the newest lines that a query finds (Q='error.type:*'; JSON=1: as documents)
	@$(PYTHON) -m stack search $(if $(JSON),--json) -- "$${Q:-*}"

rotate-passwords: .venv ## new passwords for all users of the running stack; no line is lost
	@$(PYTHON) -m stack rotate-passwords

test: lint test-unit test-pipeline test-react test-integration ## everything below but the browser and containers

test-unit: .venv ## each part by itself; the recipes of docs/fork.md
	$(PYTHON) -m pytest -n auto tests/unit tests/fork

test-pipeline: .venv ## the pipeline's golden cases, and which of its branches they reach
	$(PYTHON) -m logstash_py test tests/pipeline/cases --coverage --fail-under 100
	$(PYTHON) -m pytest tests/pipeline

test-react: services/react/node_modules/.package-lock.json ## the front end: types, lint, unit tests
	$(NPM) run lint
	$(NPM) test

test-integration: .venv ## a stack of its own: real lines into a real Elasticsearch
	$(PYTHON) -m pytest tests/integration --ignore tests/integration/faults

test-faults: .venv ## whatever happens under load, each line is stored once: a fault a row, some fifteen minutes
	$(PYTHON) -m pytest tests/integration/faults/test_faults.py

soak: .venv ## a steady load with a fault at random each minute; nothing is lost, memory stays flat (MINUTES=10)
	SOAK_MINUTES=$(or $(MINUTES),10) $(PYTHON) -m pytest tests/integration/faults/test_soak.py

test-e2e: services/react/node_modules/.package-lock.json ## the pages in headless Chromium, before a stack of their own (E2E_STACK=up: the one that is up)
	$(PYTHON) -m pytest tests/e2e

test-containers: .venv ## the same lines in containers; skipped with the reason where no engine answers or images are missing
	$(PYTHON) -m pytest tests/containers

bench-pipeline: .venv ## events a second of logstash_py on the project's pipeline
	$(PYTHON) -m tests.bench.pipeline

bench-explorer: .venv ## the log explorer's queries on a million documents, in a stack of its own
	$(PYTHON) -m tests.bench.explorer

bench-logging: .venv ## what a log call costs, beside the standard library's
	$(PYTHON) -m tests.bench.logging

bench-api: .venv ## answers of the parcel API at 50 requests a second, and 500 browsers' events a second, of the stack that is up
	@$(PYTHON) -m tests.bench.api

bench: .venv ## from the log call to the searchable document: what it costs, delay, lines a second; PLOT=figures.png
	$(PYTHON) -m tests.bench.logging
	$(PYTHON) -m tests.bench.chain $(if $(PLOT),--plot '$(PLOT)')

bench-mapping: .venv ## what each part of the mapping costs Elasticsearch
	$(PYTHON) -m tests.bench.mapping

audit: services/react/node_modules/.package-lock.json ## known vulnerabilities of the front end's packages, by the registry's word
	$(NPM) audit --audit-level=high

lint: .venv ## ruff; hadolint
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	.venv/bin/hadolint $$(git ls-files '*Dockerfile')

# The Python environment. uv comes from its own lines of the lock, then installs the rest by it.
.PHONY: .venv
.venv: .venv/installed

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed, and $(PYTHON3) is $$($(PYTHON3) --version): make PYTHON3=python3.11 …" >&2; exit 1; }
	@echo "Installing the Python environment into .venv"
	@test -x $(PYTHON) || $(PYTHON3) -m venv .venv
	@awk '/^[^ #]/ {uv = /^uv==/} uv' requirements.lock > .venv/uv.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	@.venv/bin/uv pip sync --quiet --compile-bytecode --python $(PYTHON) --require-hashes requirements.lock
	@.venv/bin/uv pip install --quiet --python $(PYTHON) --no-deps --editable .
	@touch $@

services/react/node_modules/.package-lock.json: services/react/package-lock.json .venv/installed
	$(NPM) ci --no-audit --no-fund

lock: .venv ## renew the locks from pyproject.toml: everything, what the services need, what elk/setup needs
	.venv/bin/uv pip compile pyproject.toml --group logstash --group native --group dev --generate-hashes \
		--python-version 3.11 --universal --upgrade --quiet --no-header --output-file requirements.lock
	.venv/bin/uv pip compile pyproject.toml --generate-hashes --constraint requirements.lock \
		--python-version 3.11 --universal --quiet --no-header --output-file services/requirements.lock
	.venv/bin/uv pip compile --group pyproject.toml:setup --generate-hashes --constraint requirements.lock \
		--python-version 3.11 --universal --quiet --no-header --output-file elk/setup/requirements.lock
