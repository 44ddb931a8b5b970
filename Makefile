# Everything is installed into $(VENV) with pip; `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
# `make torture EVERY=10` tries every tenth case.
EVERY ?= 1
# `make bench CASES='a-bf16 c' DEVICE=cuda` measures two cases on a GPU.
CASES ?=
DEVICE ?= cpu
TORTURE := build/torture

BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# One thread per process: the tests are spread over processes instead.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest

say = @printf '\n-- %s\n'

.DEFAULT_GOAL := help
.PHONY: help setup quickstart test test-data test-slow gpu slurm fuzz-coverage torture what-works bench docs format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/ready-to-develop ## install eqspec and its tools into .venv
	@echo "eqspec is installed in $(VENV). Next: make test"

quickstart: $(VENV)/ready-to-run ## install eqspec, train and evaluate a small encoder
	$(BIN)/eqspec run specs/quickstart.yaml

test: $(VENV)/ready-to-develop ## format, lint, import contracts, types and tests, as in CI
	$(say) "format: ruff format --check"
	@$(BIN)/ruff format --check .
	$(say) "lint: ruff check"
	@$(BIN)/ruff check .
	$(say) "import contracts: lint-imports"
	@$(BIN)/lint-imports --no-logo
	$(say) "types: basedpyright"
	@$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(say) "tests: pytest, without slow tests and those that need a dataset"
	@$(PYTEST) -m 'not data and not slow and not gpu and not slurm' -n $(JOBS) --dist worksteal --require-recorded

test-data: $(VENV)/ready-to-develop ## tests on real images, in EQSPEC_TEST_DATA=DIR
	@$(PYTEST) -m data

test-slow: $(VENV)/ready-to-develop ## slow tests
	@$(PYTEST) -m 'slow and not data and not gpu and not torture and not slurm' -n $(JOBS)

gpu: $(VENV)/ready-to-develop ## tests on a CUDA device
	@$(PYTEST) -m gpu tests/gpu

slurm: $(VENV)/ready-to-develop ## tests on a Slurm cluster of this machine (root, Debian; minutes)
	@sh tests/slurm/start.sh
	@$(PYTEST) -m slurm tests/slurm

fuzz-coverage: $(VENV)/ready-to-develop ## measure the branches of eqspec.spec that the fuzz corpus covers
	@$(PYTEST) -m slow tests/property/test_fuzz_coverage.py

torture: $(VENV)/ready-to-develop ## kills, faults, damage, hostile files (minutes); updates docs/results/torture.md
	@rm -rf $(TORTURE)
	@$(PYTEST) -m torture -n $(JOBS) --torture-into $(TORTURE) --torture-every $(EVERY); \
	  status=$$?; $(BIN)/python -m benchmarks.torture collect $(TORTURE) \
	  && $(BIN)/python -m benchmarks.torture render && exit $$status

what-works: $(VENV)/ready-to-develop ## train all small specs (hours); updates docs/results/what-works.md
	@for spec in specs/small/*_se2.yaml; do \
	  $(BIN)/eqspec ablate $$spec --grid variant --seeds 3 || exit; done
	@for spec in $(filter-out %_se2.yaml %_families.yaml,$(wildcard specs/small/*.yaml)); do \
	  $(BIN)/eqspec run $$spec || exit; done
	@$(BIN)/python -m benchmarks.what_works collect runs
	@$(BIN)/python -m benchmarks.what_works render

bench: $(VENV)/ready-to-bench ## measure speed beside other programs (25 min); updates docs/results/speed.md
	@$(BIN)/python -m benchmarks.speed run $(CASES) --device $(DEVICE)

docs: $(VENV)/ready-to-document ## build the documentation site into build/docs; every warning is an error
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open build/docs/index.html"

format: $(VENV)/ready-to-develop ## format and fix the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

clean: ## remove caches and build products; keeps .venv and runs/
	rm -rf build dist *.egg-info .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find eqspec tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps of installed environments, renewed when their inputs change.

$(VENV)/created:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "eqspec needs Python 3.11 or newer, and there is no \`$(PYTHON)\` here." >&2; \
	  echo "Give its path: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "eqspec needs Python 3.11 or newer, but \`$(PYTHON)\` is $$($(PYTHON) -V 2>&1)." >&2; \
	  echo "Give its path: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/ready-to-run: $(VENV)/created pyproject.toml constraints.txt
	$(INSTALL) --editable '.[photos]'
	@touch $@

$(VENV)/ready-to-develop: $(VENV)/created pyproject.toml constraints.txt
	$(INSTALL) --editable '.[photos,dev]'
	@touch $(VENV)/ready-to-run $@

$(VENV)/ready-to-document: $(VENV)/created pyproject.toml constraints.txt
	$(INSTALL) --editable '.[photos,docs]'
	@touch $(VENV)/ready-to-run $@

$(VENV)/ready-to-bench: $(VENV)/created pyproject.toml constraints.txt
	$(INSTALL) --editable '.[photos,bench]'
	@touch $(VENV)/ready-to-run $@
