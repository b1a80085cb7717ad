# Two commands for people: `make demo` shows it, `make test` proves it. `make check` is what CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := .ci/constraints.txt
ACTIONLINT := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
# Bytecode of an editable checkout is worth keeping: tests start the tool hundreds of times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check lint types wheel-test bench clean

$(VENV)/installed: pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --editable '.[dev]'
	touch $@

# A Go program that reads workflows. Where there is no Go, its tests are skipped, and say so.
$(BIN)/actionlint: $(VENV)/installed Makefile
	@! command -v go >/dev/null || GOBIN="$(CURDIR)/$(BIN)" go install $(ACTIONLINT) || echo "there will be no actionlint"
	@! test -e $@ || touch $@

demo: $(VENV)/installed
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/quickstart/demo.sh

test: $(VENV)/installed $(BIN)/actionlint
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered --cov-fail-under=95

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/installed
	$(BIN)/mypy

check: lint types test

# The tests again, on what users install: the package in the checkout is hidden from them.
wheel-test:
	rm -rf build/wheel && mkdir -p build/wheel
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/python -m pip install --quiet --constraint $(CONSTRAINTS) '.[dev]'
	cp -R tests examples schemas README.md pyproject.toml .github .pre-commit-hooks.yaml build/wheel/
	cd build/wheel && venv/bin/python -m pytest -n 2 --ignore tests/test_budgets.py

bench: $(VENV)/installed
	$(BIN)/python tests/benchmarks/run.py

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
