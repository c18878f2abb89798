# Needs only make and Python 3.11 or newer with venv. Choose one with `make PYTHON=python3.12 ...`.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?=
# What is installed: what .ci/locks say, the `newest`, or the `lowest` that pyproject.toml allows.
export VERSIONS ?= locked
export VENV := .venv$(if $(filter-out locked,$(VERSIONS)),-$(VERSIONS))
FLAVORS := $(VENV)-flavors
EXAMPLES := $(VENV)-examples
STAMP := $(VENV)/.installed
SERVERS := $(VENV)/.servers
PLAYWRIGHT := $(VENV)/.playwright
RUN := $(VENV)/bin/python
# Tests of one file run one after another, files side by side. A process that ends is not replaced,
# as the test that ended it would be repeated.
PYTEST := $(VENV)/bin/pytest --numprocesses auto --dist loadfile --max-worker-restart 0
# It would ask PyPI for its newest version.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
INSTALL := .ci/install pyproject.toml .ci/locks/pip.txt .ci/locks/build.txt
# Flavors whose tools do not all fit into one environment, the large ones, and what only serves them.
APART := kserve libraries seldon wandb
LARGE := churn evidently feast kubeflow kubernetes label-studio mlflow ray
export FLAVORS_APART := $(APART) $(LARGE)
SERVING := mlflow-server
# Those of them that `make demo-stacks` shows.
SHOWN := kubeflow mlflow mlflow-server ray

.PHONY: help demo demo-stacks test slow check check-newest check-lowest test-examples test-flavors slow-flavors test-torch test-browser pictures bench reference docs compatibility lock upgrade clean

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: $(STAMP) ## Show Stackfold at work, the same pipeline on two stacks
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" examples/demo.sh

demo-stacks: $(SERVERS) $(SHOWN:%=$(FLAVORS)/%/.installed) ## Run one pipeline file, unchanged, on five stacks
	@$(RUN) examples/demo_stacks.py

test: $(STAMP) ## Run the tests, but not the slow ones
	@$(PYTEST) -m "not slow and not flavors and not browser"

slow: $(STAMP) ## Run only the slow tests
	@.ci/postgres $(RUN)
	@$(PYTEST) -m "slow and not flavors and not browser"

check: $(STAMP) ## Lint, check formatting, types and layers, and run the tests but the slow ones
	@.ci/postgres $(RUN)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(VENV)/bin/pyright --project pyproject.toml --pythonpath $(RUN)
	@$(VENV)/bin/lint-imports
	@$(PYTEST) -m "not slow and not flavors and not browser"

check-newest: ## Run `make check` and `make slow` with the newest versions of everything
	@$(MAKE) --no-print-directory VERSIONS=newest check slow

check-lowest: ## Run every test with the lowest versions that pyproject.toml allows, on Python 3.11
	@$(MAKE) --no-print-directory VERSIONS=lowest PYTHON=$(or $(PYTHON),python3.11) test slow

test-flavors: $(SERVERS) $(APART:%=$(FLAVORS)/%/.installed) ## Run the flavors' tests, on real servers and engines
	@.ci/containers
	@.ci/azurite $(FLAVORS)/azurite
	@.ci/flavors together $(APART)

slow-flavors: $(SERVERS) $(LARGE:%=$(FLAVORS)/%/.installed) $(SERVING:%=$(FLAVORS)/%/.installed) ## Run the tests of flavors whose tools are large
	@.ci/containers
	@.ci/kubernetes
	@.ci/flavors $(LARGE)

test-torch: $(FLAVORS)/torch/.installed ## Run the tests of what is stored of torch and transformers, for which 5 GB are installed
	@$(FLAVORS)/torch/bin/python -m pytest -q tests/flavors/test_torch_formats.py

test-examples: $(EXAMPLES)/.installed ## Check the types of examples/service and examples/plugin, and run their tests
	@.ci/postgres $(RUN)
	@$(RUN) tests/support/with_postgres.py TEST_POSTGRES .ci/examples $(EXAMPLES)

test-browser: $(PLAYWRIGHT) ## Look at every page in Chromium: accessibility, keyboard, sizes, safety
	@.ci/browser
	@$(VENV)/bin/pytest -m browser tests/web/browser

pictures: $(PLAYWRIGHT) ## Take pictures of every page, light and dark, into build/pictures
	@.ci/browser
	@$(RUN) tests/support/pictures.py build/pictures

bench: $(STAMP) ## Run the benchmarks
	@set -e; for script in benchmarks/bench_*.py; do $(RUN) "$$script"; done

reference: $(STAMP) ## Write docs/cli.md, docs/errors.md, docs/openapi.json and the tables of fields in docs/flavors
	@$(RUN) -m stackfold.cli.reference > docs/cli.md
	@$(RUN) -m stackfold.cli.error_reference > docs/errors.md
	@$(RUN) -m stackfold.cli.flavor_guides docs/flavors
	@$(RUN) -m stackfold.web.api > docs/openapi.json

docs: .venv-docs/.installed ## Build the site of the documentation into build/site
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet

compatibility: .venv-lock/.installed ## Resolve Stackfold beside common packages, and write docs/compatibility.md
	@.venv-lock/bin/python .ci/compatibility.py .venv-lock/bin/uv $(PACKAGES)

lock: .venv-lock/.installed ## Write .ci/locks anew after a change of pyproject.toml
	@.ci/lock .venv-lock/bin/uv

upgrade: .venv-lock/.installed ## Write .ci/locks anew with the newest versions
	@.ci/lock .venv-lock/bin/uv --upgrade

clean: ## Remove the environments, caches and built archives
	rm -rf .venv .venv-* dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp is written last. An environment without it was interrupted, and is made anew.
$(STAMP): $(INSTALL) .ci/locks/$(if $(filter lowest,$(VERSIONS)),lowest,dev).txt
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
	@.ci/install $(RUN) dev
	@touch $@

# What cannot be installed here is left out, and said so by whoever runs the tests.
$(FLAVORS)/%/.installed: $(INSTALL) .ci/locks/%.txt | $(STAMP)
	@echo "Installing what $* needs into $(FLAVORS)/$*"
	@if [ -x $(FLAVORS)/$*/bin/pip ] || $(RUN) -m venv $(FLAVORS)/$*; then \
	    .ci/install $(FLAVORS)/$*/bin/python $* && touch $@; \
	fi || echo "$* could not be installed"

$(SERVERS): $(STAMP) .ci/locks/flavors.txt
	@echo "Installing what flavors are tested on into $(VENV)"
	@.ci/install $(RUN) flavors
	@touch $@

$(PLAYWRIGHT): $(STAMP) .ci/locks/browser.txt
	@echo "Installing Playwright into $(VENV)"
	@.ci/install $(RUN) browser
	@touch $@

$(EXAMPLES)/.installed: $(INSTALL) .ci/locks/examples.txt $(wildcard examples/*/pyproject.toml) | $(STAMP)
	@echo "Installing what the examples need into $(EXAMPLES)"
	@$(RUN) -m venv $(EXAMPLES)
	@.ci/install $(EXAMPLES)/bin/python examples
	@touch $@

.venv-docs/.installed: $(INSTALL) .ci/locks/docs.txt | $(STAMP)
	@echo "Installing what builds the site of the documentation into .venv-docs"
	@$(RUN) -m venv .venv-docs
	@.ci/install .venv-docs/bin/python docs
	@touch $@

.venv-lock/.installed: $(INSTALL) .ci/locks/lock.txt | $(STAMP)
	@echo "Installing what writes the locks into .venv-lock"
	@$(RUN) -m venv .venv-lock
	@.ci/install .venv-lock/bin/python lock
	@touch $@
