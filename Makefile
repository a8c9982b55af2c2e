# Everything runs from .venv, which `make install` makes and keeps current; see `make help`.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
# dev-full adds the tools that check infra/
EXTRAS ?= dev
# with more, Ray's workers, which give way to others, starve beside the tests
TESTS_AT_ONCE ?= 2
# they wait for time-outs as much as they compute
FAULTS_AT_ONCE ?= 3
PYTEST_OPTIONS ?=
# the environment of test-lower: the oldest versions that pyproject.toml promises, with what each extra adds
LOWER ?= build/lower
LOWER_EXTRAS := --extra postgres --extra fid --extra lightning --extra transformers --extra mcp
# a worker that crashed is not replaced: pytest-xdist once waited for ever after it had been, with all tests done
SPREAD := --numprocesses $(TESTS_AT_ONCE) --max-worker-restart 0 --dist loadfile --no-loadscope-reorder $(PYTEST_OPTIONS)
PYTEST := $(BIN)/pytest $(SPREAD)
FAST := not slow and not fault and not long

.DEFAULT_GOAL := help
.PHONY: help install quickstart test test-long test-lower test-all lint format docs bench faults soak audit clean

help:  ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

install: $(STAMP)  ## Create .venv from the constraints; nothing to do when it is current

$(STAMP): pyproject.toml setup.py infra/constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint infra/constraints.txt --editable '.[$(EXTRAS)]'
	touch $(STAMP)

quickstart: install  ## Train a sweep and an ablation on real images and read their answers (about two minutes)
	$(BIN)/saddle run quickstart

lint: install  ## Style, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install  ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint  ## Lint, then the tests, but for those that inject faults or take long
	$(PYTEST) -m "$(FAST)" tests

test-long: install  ## Tests of 20 s and more each that inject no faults: whole studies, the quickstart in a browser
	$(PYTEST) -m "long and not slow and not fault" tests

test-lower: $(LOWER)/.installed  ## What test runs, with the oldest versions that pyproject.toml promises (8 GB in build/lower)
	$(LOWER)/.venv/bin/python -m pytest $(SPREAD) -m "$(FAST)" tests

# what the promised packages need in turn is as new as they allow, and so are the tools of the tests
$(LOWER)/.installed: pyproject.toml setup.py
	$(PYTHON) -m venv --clear $(LOWER)/.venv
	$(LOWER)/.venv/bin/python -m pip install --quiet uv
	$(LOWER)/.venv/bin/python -m uv pip compile --quiet --resolution lowest-direct $(LOWER_EXTRAS) \
		--output-file $(LOWER)/versions.txt pyproject.toml
	$(LOWER)/.venv/bin/python -m uv pip install --quiet --requirement $(LOWER)/versions.txt --editable '.[dev]'
	touch $@

test-all: lint  ## Every test
	$(PYTEST) tests

faults: install  ## Only the tests that inject faults, but for the slow ones, with a table of the faults
	SADDLE_FAULT_OUTCOMES=$(CURDIR)/tests/faults/outcomes.json \
		$(PYTEST) --numprocesses $(FAULTS_AT_ONCE) -m "fault and not slow" tests
	$(BIN)/python -m tests.faults.fault_page

docs: install  ## The pages as a site in build/site; every warning, such as a dead link, is an error
	$(BIN)/sphinx-build -W --keep-going -q docs build/site

bench: install  ## Ratios against a peer in the same run
	$(BIN)/pytest -q -s tests/benchmarks/bench_*.py

soak: install  ## 5,000 trivial trials through one driver, then 500 of plain Ray Tune; SADDLE_SOAK_TRIALS=N for fewer
	$(BIN)/pytest -q -s tests/benchmarks/soak_driver.py

audit:  ## Known weaknesses of the pinned packages; advisory, and says so where the network is missing
	$(PYTHON) infra/audit.py

clean:  ## Remove .venv and caches, not what was run
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
