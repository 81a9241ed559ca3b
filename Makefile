PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all stress matrix check format dist bench docs notebooks clean

# The only rule that uses the network.
$(VENV)/ready: pyproject.toml setup.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

demo: $(VENV)/ready
	$(BIN)/seqkit demo

# One process per core, so each uses one thread for its matrix products. ARGS are pytest's: make test ARGS=tests/ops
ARGS :=
test: $(VENV)/ready
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

# With all cases of the tests of which `make test` runs a part (tests/exhaustive.py).
test-all:
	EXHAUSTIVE=1 $(MAKE) test ARGS="$(ARGS)"

# Kills, damage, full disks and lost terminals at random: make stress MINUTES=60 SEED=7
MINUTES := 20
stress: $(VENV)/ready
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.stress --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

# The suite on all supported versions; writes a table into docs/installing.md: make matrix PYTHONS="python3.14" ONLY=oldest
matrix: $(VENV)/ready
	$(BIN)/python -m tests.matrix --pythons "$(PYTHONS)" --only "$(ONLY)"

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A wheel and an sdist in dist/, the wheel built from the sdist.
dist: $(VENV)/ready
	rm -rf dist
	$(BIN)/python -m build --no-isolation

# Needs PyTorch, from the extra "bench" (the CPU build is enough).
bench: $(VENV)/ready
	$(BIN)/python -m benchmarks language_model --against torch

# The site of docs/ in build/site, which opens without a server. Only the extra is fetched; the build needs no network.
$(VENV)/docs: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	touch $@

docs: $(VENV)/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "open build/site/index.html"

# Notebooks of the course, in build/notebooks: make notebooks ONLY=book1-ch4 SIZE=book
ONLY :=
SIZE := small
$(VENV)/notebooks: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --editable '.[notebooks]'
	touch $@

notebooks: $(VENV)/notebooks
	NOTEBOOK_SIZE=$(SIZE) OPENBLAS_NUM_THREADS=1 $(BIN)/python notebooks/build.py $(ONLY)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
