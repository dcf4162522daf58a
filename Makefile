# `make run` serves the notes, `make test` runs all checks and tests; both set up what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: install run test test-fast test-stores lint openapi fuzz soak chromium train bench bench-start wrk lock clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@# torch first, alone: a looser range elsewhere would bring the CUDA build.
	$(BIN)/pip install -q -c constraints.txt torch==2.13.0
	$(BIN)/pip install -q -c constraints.txt -e '.[torch,eval,dev]'
	@touch $@

run: install
	$(BIN)/notes serve

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Writes docs/openapi.json anew, after a change of the REST API.
openapi: install
	$(BIN)/python docs/write_openapi.py

test: lint chromium
	$(BIN)/pytest

# The pure core alone, with an encoder by hand: no model, no server, no browser.
test-fast: install
	$(BIN)/pytest -m "not whole"

# The contract of stores on a real Milvus as well, and servers over it and a real Redis; it wants to be
# root on Linux, and redis-server.
test-stores: install
	$(BIN)/pip install -q -c constraints.txt -e '.[stores]'
	MILVUS_SERVER=1 $(BIN)/pytest -s --timeout 900 tests/index/vectors/test_stores.py tests/index/milvus/test_milvus.py

# Thousands of made-up calls and inputs, other ones each time; `make test` runs a few, always the same.
fuzz: install
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/pytest -s --timeout 1800 tests/test_fuzz.py
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-100} $(BIN)/pytest -m hypothesis

# Sixteen clients for a minute, 200 switches of versions, 50 builds killed; `make test` runs a few of each.
soak: install
	SOAK_SECONDS=$${SOAK_SECONDS:-60} $(BIN)/pytest -s tests/soak tests/test_faults.py

# Learns the projection of token states and the reader anew, from PASSAGES that
# benchmarks/reading/README.md tells of, and writes what ships: an hour on two cores.
PASSAGES ?= $(wildcard ../shared/train/reading/passages.jsonl)
train: install
	$(BIN)/python -m benchmarks.reading.train --write --passes $${PASSES:-5} $(PASSAGES)

chromium:
	@sh tests/install_chromium.sh

# Side by side with what one would use instead, into docs/benchmarks.md; ONLY=start,load for some
# parts, ROUNDS=1 for a quick look, SITE=FOLDER for a documentation site with its questions.
SITE ?= $(wildcard ../shared/eval/k8s-ko)
bench: install wrk
	$(BIN)/python -m benchmarks.compare $(if $(ONLY),--only $(ONLY)) \
		$(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SITE),--site $(SITE))

wrk:
	@command -v wrk >/dev/null || { apt-get update && apt-get install -y wrk; } >/dev/null \
		|| { echo "wrk makes the load and cannot be installed here: install it by hand." >&2; exit 1; }

# What a start spends its time on importing, largest first.
bench-start: install
	$(BIN)/python benchmarks/imports.py

# Writes the pins anew from what is installed, after a change of pyproject.toml.
lock:
	$(BIN)/pip list --format=freeze --exclude-editable --exclude pip --exclude setuptools | sed 's/+cpu//' > constraints.txt

clean:
	rm -rf $(VENV) artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
