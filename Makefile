# Each target brings its own tools: python3 and make are enough. Windows: `uv run main.py --demo`, `uv run pytest`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)
STAMP := $(VENV)/.installed

.PHONY: demo test test-fast lint bench acceptance setup simulate clean

setup: $(STAMP)

.venv-uv/bin/uv:
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/pip install --quiet --disable-pip-version-check uv

$(STAMP): requirements.lock pyproject.toml | $(if $(findstring .venv-uv,$(UV)),.venv-uv/bin/uv)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python main.py --demo

test: $(STAMP)
	$(BIN)/python -m pytest -q

test-fast: $(STAMP)
	$(BIN)/python -m pytest -q tests/domain tests/engine tests/store tests/paper tests/broker tests/services

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell algomirror pages tests docs README.md CHANGELOG.md main.py

bench: $(STAMP)
	$(BIN)/python -m tests.bench

acceptance: $(STAMP)
	$(BIN)/python -m tests.acceptance

simulate: $(STAMP)
	$(BIN)/python -m algomirror simulate --seeds 1000 --day short --faults all

clean:
	rm -rf $(VENV) .venv-uv .pytest_cache .mypy_cache .ruff_cache artefacts
