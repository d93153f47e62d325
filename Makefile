# Everything a visitor needs: make demo, make test. Each creates .venv on first use and needs only python3.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export MPLBACKEND := agg

.DEFAULT_GOAL := help
.PHONY: help demo test check bench zoo clean

help: ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "neurobin needs Python 3.11 or newer, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,images,onnx,nir,keras]'
	touch $(STAMP)

demo: $(STAMP) ## The zoo on every chip: the table here, the page in out/report.html
	mkdir -p out
	$(BIN)/neurobin compare --data digits --target all --report out/report.html

test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest

check: $(STAMP) ## Format, lint, types, and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(STAMP) ## Time the engine against its peers (minutes), write its page under docs; then import and pricing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.importing
	$(BIN)/python -m benchmarks.pricing

zoo: $(STAMP) ## Train every network of the zoo again (minutes) and put it in its place
	$(BIN)/python -m neurobin.zoo.build

clean: ## Remove what make created
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
