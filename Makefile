# make run    train, publish and serve the sample on http://127.0.0.1:9000
# make test   every test that runs on one machine
# make check  ruff and mypy, strict, over everything
# make setup  the virtual environment that all of them share

.PHONY: run test check setup constraints clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' Makefile | sed '/^$$/q'

VENV := .venv
PORT := 9000
STAMP := $(VENV)/.set-up

# The stamp names the place: a virtual environment does not survive being moved.
setup: $(STAMP)
	@[ "$$(cat $(STAMP))" = "$(CURDIR)" ] || sh infra/local/setup.sh $(VENV) $(STAMP)

$(STAMP): pyproject.toml constraints.txt infra/local/setup.sh
	@sh infra/local/setup.sh $(VENV) $(STAMP)

run: setup
	@$(VENV)/bin/python examples/digits/demo.py --port $(PORT)

test: setup
	@$(VENV)/bin/python -m pytest

check: setup
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

# Choose the newest versions that pyproject.toml allows, for every Python it allows.
constraints: setup
	@$(VENV)/bin/python -m pip install --quiet uv
	@$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --all-extras --no-header --no-annotate \
	    --output-file constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis my_model registry digits.png
