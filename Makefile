# make run | test | lint | types | bench | docs | help. Everything lives in .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ADAPTERS := $(wildcard carriers/*/pyproject.toml locations/*/pyproject.toml)
ADAPTER_FOLDERS := $(patsubst %/pyproject.toml,%,$(ADAPTERS))
JOBS ?= 2
ASSETS := src/dropoff/web/assets/manifest.json
MODULES := static/node_modules/.package-lock.json
# Node 20.11 or newer builds the browser files: the machine's own, else the one that a package brings into .venv.
HAS_NODE := $(shell command -v npm >/dev/null 2>&1 && node -e 'const [a, b] = process.versions.node.split("."); process.exit(+!(a > 20 || (a == 20 && b > 10)))' 2>/dev/null && echo yes)
COMMA := ,
EXTRAS := dev$(if $(HAS_NODE),,$(COMMA)node)
WITH_NODE := PATH="$(abspath $(BIN)):$$PATH"

.PHONY: help install run test bench lint types format docs words constraints clean

help:  ## Show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(INSTALLED) $(ASSETS)  ## Make .venv with the service, the adapters and the tools

$(INSTALLED): pyproject.toml constraints.txt $(ADAPTERS)
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Setting up $(VENV) (a minute or two the first time) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(EXTRAS)]' $(addprefix -e ./,$(ADAPTER_FOLDERS))
	@touch $@

$(MODULES): static/package.json static/package-lock.json static/.npmrc $(INSTALLED)
	@cd static && $(WITH_NODE) npm ci --loglevel=error >/dev/null || { echo "npm could not install what builds the browser files: is its registry within reach?"; exit 1; }
	@touch $@

# The browser files are made from static/ whenever a source is newer.
$(ASSETS): $(wildcard static/*.mjs static/images/* static/styles/* static/scripts/* static/scripts/*/*) $(MODULES)
	@$(WITH_NODE) node static/build.mjs

run: install  ## Start the service with a demo network on SQLite
	@$(BIN)/dropoff serve --demo

test: install  ## Run every test, on SQLite and on a real PostgreSQL
	$(BIN)/python -m pytest -n $(JOBS) --dist=worksteal

bench: install  ## Measure the hot paths beside their floors
	$(BIN)/python -m bench

lint: install  ## Check style, import contracts and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: install  ## Check types
	$(BIN)/mypy
	$(WITH_NODE) static/node_modules/.bin/tsc --project static

format: install  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

words: install  ## Bring the catalogues of the languages up to the texts in the code
	$(BIN)/python docs/words.py

docs: install  ## Draw what the docs take from the code
	$(BIN)/python docs/generate.py

screens: install  ## Take the pictures of every page again
	$(BIN)/python -m docs.screens

constraints: install  ## Pin what is installed now
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,node]'
	$(BIN)/python -m pip freeze --exclude-editable --local | grep -v ' @ ' > constraints.txt

clean:  ## Remove what was made
	rm -rf $(VENV) data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache src/dropoff/web/assets static/node_modules
