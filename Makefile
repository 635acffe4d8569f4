# make run | test | lint | types | bench | docs | help. Everything lives in .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ADAPTERS := $(wildcard carriers/*/pyproject.toml locations/*/pyproject.toml)
ADAPTER_FOLDERS := $(patsubst %/pyproject.toml,%,$(ADAPTERS))
JOBS ?= 2

.PHONY: help install run test bench lint types format docs constraints clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(INSTALLED)  ## Make .venv with the service, the adapters and the tools

$(INSTALLED): pyproject.toml constraints.txt $(ADAPTERS)
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (a minute or two the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]' $(addprefix -e ./,$(ADAPTER_FOLDERS))
	@$(BIN)/python static/build.py
	@touch $@

# The browser files are made from static/ whenever a source is newer.
src/dropoff/web/assets/manifest.json: $(wildcard static/*.py static/*/*) $(INSTALLED)
	@$(BIN)/python static/build.py

run: install src/dropoff/web/assets/manifest.json  ## Start the service with a demo network on SQLite
	@$(BIN)/dropoff serve --demo

test: install src/dropoff/web/assets/manifest.json  ## Run every test, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS) --dist=worksteal

bench: install src/dropoff/web/assets/manifest.json  ## Measure the hot paths beside their floors
	$(BIN)/python -m bench

lint: install  ## Check style, import contracts and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install  ## Check types
	$(BIN)/mypy

format: install  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install  ## Draw what the docs take from the code
	$(BIN)/python docs/generate.py

constraints: install  ## Pin what is installed now
	$(BIN)/python -m pip freeze --exclude-editable --local | grep -v ' @ ' > constraints.txt

clean:  ## Remove what was made
	rm -rf $(VENV) data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/dropoff/web/assets
