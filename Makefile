# Everything happens inside this folder: packages go to .venv, what is made goes to build/.
# Needs make, git and a Python of 3.11 or newer; uses uv where it is installed, pip otherwise.
# Recipes call modules through .venv/bin/python, never through scripts: it works in a path with spaces.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo lab test bench evaluate fuzz lint docs edge-locations samples lock clean

VENV    := .venv
PY      := $(VENV)/bin/python
RUNTIME := $(VENV)/.runtime-installed
DEV     := $(VENV)/.dev-installed
JOBS    ?= 4
PYTEST_ARGS ?=

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(RUNTIME) ## the sample incident: loaded, asked, and written to a page you can open
	@$(PY) -m cfkit demo

lab: $(RUNTIME) ## JupyterLab on the notebooks, with the sample case ready
	@$(PY) -m cfkit lab

test: $(DEV) ## every test (PYTEST_ARGS="-k edges" narrows it, JOBS=2 for a small machine)
	$(PY) -m pytest -n $(JOBS) --dist loadfile $(PYTEST_ARGS)

fuzz: $(DEV) ## the property tests with about a million mutated lines and records (an hour)
	CFKIT_EXAMPLES=$(EXAMPLES) $(PY) -m pytest -n $(JOBS) tests/test_load_property.py tests/test_load_property_sources.py
EXAMPLES ?= 8000

lint: $(DEV) ## style and types
	$(PY) -m ruff check
	$(PY) -m mypy

bench: $(DEV) ## speed and memory on generated objects, beside bare DuckDB, pandas and GoAccess
	$(PY) -m bench

evaluate: $(DEV) ## precision and recall of the detections on unseen incidents, into docs/evaluation.md and the README (SEEDS=10, EVALUATE_ARGS="--only NAME")
	$(PY) -m evaluate --seeds $(SEEDS) --jobs $(JOBS) $(EVALUATE_ARGS)
SEEDS ?= 10
EVALUATE_ARGS ?=

docs: $(RUNTIME) ## the README's table of queries and docs/tables.md, written again from the query files and the columns
	$(PY) -c 'from cfkit import tables; print(tables.markdown(), end="")' > docs/tables.md
	@mkdir -p build
	$(PY) -m cfkit queries --markdown > build/queries.md
	awk '/<!-- queries:/ { print; while ((getline line < "build/queries.md") > 0) print line; inside = 1 } \
	     /<!-- end of queries/ { inside = 0 } !inside' README.md > build/README.md
	cp build/README.md README.md

AIRPORTS := airportsdata==20260905
edge-locations: $(RUNTIME) ## cfkit/lookups/edge_locations.csv, written again from known.csv and the package airportsdata (fetched to build/)
	@rm -rf build/airportsdata
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(PY) --no-deps --target build/airportsdata $(AIRPORTS); \
	else $(PY) -m pip install -q --disable-pip-version-check --no-deps --target build/airportsdata $(AIRPORTS); fi
	PYTHONPATH=build/airportsdata $(PY) -m data.edge_locations

samples: $(DEV) ## data/samples, written again by its generator
	$(PY) -m data.generator --out data/samples

lock: ## requirements*.lock from pyproject.toml (needs uv)
	echo 'hatchling>=1.27,<2' | uv pip compile -q $(LOCKING) -o requirements.lock pyproject.toml -
	echo 'hatchling>=1.27,<2' | uv pip compile -q $(LOCKING) -o requirements-dev.lock -c requirements.lock --extra dev pyproject.toml -
LOCKING := --universal --python-version 3.11 --no-header --no-annotate --generate-hashes

clean: ## removes .venv, build and caches; case files and data stay
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python of 3.11 or newer that can make an environment. uv makes one without ensurepip, and may fetch a Python where none is new enough.
$(PY):
	@set -e; found=; bare=; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue; \
	  if command -v uv >/dev/null 2>&1 || "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then found="$$python"; break; fi; \
	  bare="$$python"; \
	done; \
	rm -rf $(VENV); \
	if [ -n "$$found" ] && command -v uv >/dev/null 2>&1; then uv venv -q --python "$$(command -v "$$found")" $(VENV); \
	elif [ -n "$$found" ]; then "$$found" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; \
	elif command -v uv >/dev/null 2>&1; then uv venv -q --python '>=3.11' $(VENV); \
	elif [ -n "$$bare" ]; then \
	  echo "$$bare is new enough, but cannot make a virtual environment: its venv and ensurepip modules are missing. On Debian and Ubuntu: apt install python3-venv. Or install uv." >&2; exit 2; \
	else \
	  echo "cfkit needs Python 3.11 or newer, and none was found on the PATH as python3. Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 2; \
	fi

# The stamps keep a second `make` from installing again; a changed lock file or pyproject.toml makes them stale.
# The lock holds the build backend too, so that the kit itself is built without fetching anything unpinned.
define install
	@echo "Installing what $(1) pins into $(VENV) ..."
	@if command -v uv >/dev/null 2>&1; then \
	  uv pip install -q --python $(PY) --require-hashes --no-deps -r $(1) && \
	  uv pip install -q --python $(PY) --no-deps --no-build-isolation -e .; \
	else \
	  $(PY) -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r $(1) && \
	  $(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	fi
endef

$(RUNTIME): requirements.lock pyproject.toml | $(PY)
	$(call install,requirements.lock)
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(PY)
	$(call install,requirements-dev.lock)
	@touch $@ $(RUNTIME)
