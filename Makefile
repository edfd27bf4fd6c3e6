# Everything runs in .venv, which the first target makes from this folder's own files. `make` alone prints this help.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Further flags for pip, e.g. another index for torch's builds without CUDA.
PIP_FLAGS ?=
WORKERS ?= 2
ARGS ?=
# One thread a process: the tests run in several processes already.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint imports types bench bench-dice bench-adapt bench-rare clean

help: ## print this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(READY) ## make .venv with simgen and everything it needs

# Installed again when the dependencies or the packaging change; a half-made environment has no stamp and is made again.
$(READY): pyproject.toml setup.py
	@python=""; \
	for candidate in $(PYTHON) python3.11 python3 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then \
	    python="$$candidate"; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'error: Python 3.11 was not found; install it, or name it: make $(or $(MAKECMDGOALS),venv) PYTHON=/path/to/python3.11' >&2; \
	  exit 2; \
	fi; \
	"$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) --editable '.[train,dev]'
	@touch $@

demo: $(READY) ## the whole road: generate, train, score on real photographs, report
	$(BIN)/simgen demo -o runs/demo $(ARGS)

test: $(READY) ## the tests (ARGS='-k name' for some of them)
	$(ONE_THREAD) $(BIN)/pytest -q -n $(WORKERS) $(ARGS)

lint: $(READY) imports ## ruff and the layer contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

imports: $(READY) ## the layer contract alone
	@$(BIN)/python link_tree.py
	cd build/types && "$(CURDIR)/$(BIN)/lint-imports" --no-cache --config ../../pyproject.toml

types: $(READY) ## mypy --strict over the installed shape
	@$(BIN)/python link_tree.py
	$(BIN)/mypy

bench: $(READY) ## short benchmarks: generation and renderers
	$(BIN)/python benchmarks/generate.py --quick $(ARGS)
	$(BIN)/python benchmarks/render.py --quick

bench-dice: $(READY) ## synthetic dice against real photographs; up to an hour
	$(BIN)/python benchmarks/dice.py $(ARGS)

bench-adapt: $(READY) ## every method on crops of dice, three seeds; hours
	$(BIN)/python benchmarks/adapt.py $(ARGS)

bench-rare: $(READY) ## ways to have more of rare faces of dice, five seeds; hours
	$(BIN)/python benchmarks/rare.py $(ARGS)

clean: ## remove the environment, builds and caches (runs/ stays)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
