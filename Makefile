# Everything a person types. `make` alone lists the targets.

PORT ?= 8000
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
PYTEST := $(PY) -m pytest -q

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo fresh-demo run test deep swap pins clean

help:
	@echo 'make demo   a practice study, ready to try, at http://127.0.0.1:$(PORT)'
	@echo 'make fresh-demo   throw the practice study away and make it anew'
	@echo 'make run    an empty installation with a database of its own, at the same address'
	@echo 'make test   install what the tests need and run them all'
	@echo 'make deep   the slower, deeper variants of the tests'
	@echo 'make swap   only the swap test: two worlds that differ in the arms alone'
	@echo 'make pins   write the pinned dependencies anew from the .in files'
	@echo 'make clean  remove what can be made again; instance/ with its data stays'
	@echo 'PORT=8001 after demo or run chooses another port.'

demo: $(VENV)/product
	@exec $(PY) -m pharmacy serve --demo --port $(PORT)

# The folder is the one that `serve` takes; only the practice study's own files go.
fresh-demo: $(VENV)/product
	@folder=$${TWINBAG_INSTANCE:-instance}; rm -rf "$$folder"/demo.db "$$folder"/demo.db-wal \
	  "$$folder"/demo.db-shm "$$folder"/demo-sign-ins.txt "$$folder"/demo-papers
	@exec $(PY) -m pharmacy serve --demo --port $(PORT)

run: $(VENV)/product
	@exec $(PY) -m pharmacy serve --port $(PORT)

test: system $(VENV)/tests
	@$(PYTEST) -n 2

deep: system $(VENV)/tests
	@$(PYTEST) -n 2 -m deep --hypothesis-profile=deep

swap: $(VENV)/tests
	@$(PY) -m tests.architecture.swap

# Debian packages the tests need: installed, or named with exit status 2.
.PHONY: system
system:
	@tests/install

$(VENV)/product: requirements.txt
	@echo 'Installing the product from requirements.txt ...'
	@$(PIP) install --require-hashes -r requirements.txt
	@touch $@

$(VENV)/tests: tests/requirements.txt $(VENV)/product
	@echo 'Installing the test tools from tests/requirements.txt ...'
	@$(PIP) install --require-hashes -r tests/requirements.txt
	@touch $@

# A virtual environment made with the first Python that is new enough. Where there is none, or
# an interrupted one, or its Python has gone, it is made and everything is installed again.
ifneq ($(shell $(PY) -c 'import sys, pip; print(sys.version_info >= (3, 11))' 2>/dev/null),True)
.PHONY: $(PY)
$(VENV)/product: $(PY)
endif
$(PY):
	@test -w . || { echo 'The folder $(CURDIR) cannot be written; give it to your user.' >&2; exit 2; }
	@python=; for name in python3.11 python3 python3.12 python3.13 python3.14; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo 'Python 3.11 or newer is missing; on Debian: apt install python3 python3-venv' >&2; exit 2; fi; \
	if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "The venv module of $$python is missing; on Debian: apt install python3-venv" >&2; exit 2; fi; \
	$$python -m venv --clear $(VENV)

# uv only resolves and hashes here; installing is left to pip. The two files name no index.
UV_VERSION := 0.13.9
PIN := build/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
  --generate-hashes --only-binary :all: --emit-build-options --no-emit-index-url \
  --no-emit-find-links --no-annotate --custom-compile-command 'make pins'
pins: $(PY)
	@$(PY) -m venv build/uv && build/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)
	@$(PIN) requirements.in -o requirements.txt
	@$(PIN) tests/requirements.in -o tests/requirements.txt

clean:
	@rm -rf $(VENV) build .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
