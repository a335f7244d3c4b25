# make run              train, publish and serve the sample on http://127.0.0.1:9000
# make sam-local        the same in a real Lambda container, on port 3000; needs Docker
# make test             every test that runs on one machine
# make test-containers  those that need Docker, alone
# make check            ruff and mypy, strict, over everything
# make weigh            the size of the predict function's image, part by part
# make bench            every figure beside what people use today: an hour, and 2 GB for the peers
# make bench-quick      fewer rounds, of the peers plain FastAPI alone, nothing in containers: two minutes
# make setup            the virtual environment that all of them share

.PHONY: run sam-local test test-containers check weigh bench bench-quick setup sam constraints sam-constraints clean
.DEFAULT_GOAL := help

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

VENV := .venv
PORT := 9000
STAMP := $(VENV)/.set-up
SAM_VENV := .venv-sam
SAM_STAMP := $(SAM_VENV)/.set-up

# The stamp names the place: a virtual environment does not survive being moved.
setup: $(STAMP)
	@[ "$$(cat $(STAMP))" = "$(CURDIR)" ] || sh infra/local/setup.sh $(VENV) $(STAMP)

$(STAMP): pyproject.toml constraints.txt infra/local/setup.sh
	@sh infra/local/setup.sh $(VENV) $(STAMP)

# The SAM command line cannot live with the project's own versions of its dependencies.
sam: setup $(SAM_STAMP)
	@[ "$$(cat $(SAM_STAMP))" = "$(CURDIR)" ] || sh infra/local/sam.sh $(VENV) $(SAM_VENV) $(SAM_STAMP)

$(SAM_STAMP): infra/local/sam-constraints.txt infra/local/sam.sh | setup
	@sh infra/local/sam.sh $(VENV) $(SAM_VENV) $(SAM_STAMP)

run: setup
	@$(VENV)/bin/python examples/digits/demo.py --port $(PORT)

sam-local: PORT := 3000
sam-local: sam
	@$(VENV)/bin/python -m infra.local.sam_local --port $(PORT)

test: sam
	@$(VENV)/bin/python -m pytest

test-containers: sam
	@$(VENV)/bin/python -m pytest tests/containers

check: setup
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy

weigh: sam
	@$(VENV)/bin/python -m infra.local.weigh

bench: setup
	@$(VENV)/bin/python -m bench

bench-quick: setup
	@$(VENV)/bin/python -m bench --quick

# Choose the newest versions that pyproject.toml allows, for every Python it allows.
constraints: setup
	@$(VENV)/bin/python -m pip install --quiet uv
	@$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --all-extras --no-header --no-annotate \
	    --output-file constraints.txt pyproject.toml

sam-constraints: setup
	@$(VENV)/bin/python -m pip install --quiet uv
	@echo 'aws-sam-cli' | $(VENV)/bin/uv pip compile --quiet --upgrade --universal \
	    --python-version 3.11 --no-header --no-annotate \
	    --output-file infra/local/sam-constraints.txt -

# Images of the Docker engine stay: docker image ls
clean:
	rm -rf $(VENV) $(SAM_VENV) .aws-sam .env.sam-local .mypy_cache .ruff_cache .pytest_cache \
	    .hypothesis my_model registry digits.png
