# Everything happens in .venv; `make app` and `make test` need only Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.set-up
# Tests run in this many processes, a module in one of them; the slowest modules start first. They wait for
# browsers and disks a fifth of their time, so three fill two cores.
WORKERS ?= 3

.PHONY: setup app refresh prepared promise test test-slow lint format bench docs notebook clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $(STAMP)

app: setup refresh
	$(BIN)/reco app

refresh: setup
	$(BIN)/reco refresh

# The vectors of the bundled catalogue that ship with the package, after a change of texts or of the model.
prepared: setup
	$(BIN)/python scripts/prepare.py

# What ships as promise of levels and verdicts, after a change of the judged requests, the model or the ranking.
promise: setup
	$(BIN)/python scripts/promise.py

test: setup
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-slow: setup
	$(BIN)/python -m pytest -m slow --timeout 7200

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A broken link or anchor fails the build; nothing is fetched. The pages land in site/.
docs: setup
	$(BIN)/sphinx-build --quiet --fresh-env --nitpicky --fail-on-warning docs site

bench: setup
	$(BIN)/python -m benchmarks

notebook: setup
	$(BIN)/jupytext --sync notebooks/*.py
	$(BIN)/jupyter lab notebooks

clean:
	rm -rf site .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
