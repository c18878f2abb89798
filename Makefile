# Needs only make and Python 3.11 or newer with venv. Choose one with `make PYTHON=python3.12 ...`.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?=
VENV := .venv
STAMP := $(VENV)/.installed
SERVERS := $(VENV)/.servers
RUN := $(VENV)/bin/python
# Flavors whose tools do not all fit into one environment, and what only serves them.
APART := kserve kubeflow mlflow ray seldon wandb
SERVING := mlflow-server
# Those of them that `make demo-stacks` shows.
SHOWN := kubeflow mlflow mlflow-server ray

.PHONY: help demo demo-stacks test slow check test-flavors bench reference clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(STAMP) ## Show Stackfold at work, the same pipeline on two stacks
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" examples/demo.sh

demo-stacks: $(SERVERS) $(SHOWN:%=.venv-flavors/%/.installed) ## Run one pipeline file, unchanged, on five stacks
	@$(RUN) examples/demo_stacks.py

test: $(STAMP) ## Run the tests, but not the slow ones
	@$(VENV)/bin/pytest -m "not slow and not flavors"

slow: $(STAMP) ## Run only the slow tests
	@$(VENV)/bin/pytest -m "slow and not flavors"

check: $(STAMP) ## Run all that CI runs: lint, format, types, layers, every test
	@.ci/postgres $(RUN)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/pytest -m "not flavors"

test-flavors: $(SERVERS) $(APART:%=.venv-flavors/%/.installed) $(SERVING:%=.venv-flavors/%/.installed) ## Run the flavors' tests, on real servers and engines
	@.ci/containers
	@.ci/flavors $(APART)

bench: $(STAMP) ## Run the benchmarks
	@set -e; for script in benchmarks/bench_*.py; do $(RUN) "$$script"; done

reference: $(STAMP) ## Write docs/cli.md, and the tables of fields in docs/flavors
	@$(RUN) -m stackfold.cli.reference > docs/cli.md
	@$(RUN) -m stackfold.cli.flavor_guides docs/flavors

clean: ## Remove the environment, caches and built archives
	rm -rf $(VENV) .venv-flavors dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last. An environment without it was interrupted, and is made anew.
$(STAMP): pyproject.toml
	@set -e; \
	if [ -f $(STAMP) ] && $(RUN) -c '' 2>/dev/null; then \
	    rm $(STAMP); \
	else \
	    for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
	        if "$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	        then found=$$python; break; fi; \
	    done; \
	    if [ -z "$$found" ]; then \
	        echo "Stackfold needs Python 3.11 or newer with venv; none was found." >&2; exit 1; \
	    fi; \
	    rm -rf $(VENV); \
	    "$$found" -m venv $(VENV); \
	fi
	@echo "Installing Stackfold and its tools into $(VENV)"
	@$(RUN) -m pip install --quiet --upgrade "pip>=25.1"
	@$(RUN) -m pip install --quiet --editable . --group dev
	@touch $@

# What cannot be installed here is left out, and said so by whoever runs the tests.
.venv-flavors/%/.installed: pyproject.toml | $(STAMP)
	@echo "Installing what $* needs into .venv-flavors/$*"
	@if [ -x .venv-flavors/$*/bin/pip ] || $(RUN) -m venv .venv-flavors/$*; then \
	    .venv-flavors/$*/bin/pip install --quiet --upgrade "pip>=25.1" && \
	    .venv-flavors/$*/bin/pip install --quiet $(if $(filter $*,$(SERVING)),,--editable .) --group flavors-$* && \
	    touch $@; \
	fi || echo "$* could not be installed"

$(SERVERS): $(STAMP)
	@echo "Installing what flavors are tested on into $(VENV)"
	@$(RUN) -m pip install --quiet --group flavors
	@touch $@
