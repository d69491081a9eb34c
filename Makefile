# make run    set everything up once, and open the window with an example
# make test   the tests, without a window
# make check  style, types and import contracts
# make bench  speed against named opponents; writes docs/benchmarks.md
# make clean  remove what the commands above made, runs excepted

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
EXAMPLE := resources/examples/digits-cnn.workbench.json
JOBS ?= 2

# pytest sets it too, but a display must not matter even before that.
OFFSCREEN := QT_QPA_PLATFORM=offscreen
# Tests start hundreds of processes; each would compile all modules where this is set.
KEEP_COMPILED := PYTHONDONTWRITEBYTECODE=

.DEFAULT_GOAL := help
.PHONY: help run terminal test check bench clean libraries

help:
	@sed -n "s/^# make/make/p" Makefile

run: $(VENV)/.installed
	@sh scripts/open-or-train $(BIN)/python $(EXAMPLE)

terminal: $(VENV)/.installed
	@sh scripts/train-in-terminal $(BIN)/python $(EXAMPLE)

test: $(VENV)/.installed-dev libraries
	$(OFFSCREEN) $(KEEP_COMPILED) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-bench libraries
	$(BIN)/python -m benchmarks

libraries: $(VENV)/.installed
	@$(OFFSCREEN) $(BIN)/python -c 'import PySide6.QtWidgets' || { \
		echo "Qt cannot start: the line above names a system library that is missing."; \
		echo "On Debian or Ubuntu:  sudo apt-get install $$(paste -sd ' ' scripts/debian-packages)"; \
		exit 1; }

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Neural Workbench needs Python 3.11 or newer, and $(PYTHON) is not. If you have one under another name:"; \
		echo "    make run PYTHON=python3.12"; \
		exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "On Debian or Ubuntu, virtual environments need:  sudo apt-get install python3-venv"; \
		exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[all]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-bench: pyproject.toml constraints.txt | $(BIN)/python
	$(INSTALL) -e '.[bench]'
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .cache
	find workbench widgets plugins resources tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
