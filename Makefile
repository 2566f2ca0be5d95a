# Every routine as one word; `make` alone lists them.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
COPIED := phantom-swin-hgi phantom-cavity-tissue phantom-cavity-bone

# torch threads that wait in a busy loop slow down 4 to 8 times when another process runs beside them.
export OMP_WAIT_POLICY := PASSIVE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: setup demo test check lint format types docs bench weights reproduction evidence examples help

setup: $(STAMP) ## Make .venv and install ichnos with its development tools (once)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "ichnos needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Try: make setup PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -e '.[dev]' -c constraints.txt
	@touch $@
	@echo "Ready. Next: make demo, or $(BIN)/ichnos --help"

demo: setup ## Train on slice labels of phantoms, segment fresh ones; results in demo-output/
	$(BIN)/ichnos demo -o demo-output

test: setup ## Run all tests
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

check: lint types docs test ## Everything that CI runs

lint: setup ## Check style, spelling and the one-way flow of rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports --no-logo

format: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## Check types (the first run takes about a minute)
	$(BIN)/mypy

docs: setup ## Build the documentation into docs/_build/html; a warning is an error
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

bench: setup ## Run every benchmark
	@set -e; for script in benchmarks/*.py; do \
	  [ -e "$$script" ] || continue; echo "== $$script"; $(BIN)/python "$$script"; done

examples: setup ## Run every example
	@set -e; for script in examples/*.py; do \
	  [ -e "$$script" ] || continue; echo "== $$script"; $(BIN)/python "$$script"; done

weights: setup ## Train the bundled models anew (some hours on two cores) and put them into the package
	$(BIN)/ichnos train phantom-swin -o weights-work/phantom-swin
	$(BIN)/ichnos train bundled-swin-hgi -o weights-work/phantom-swin-hgi-first --set start.checkpoint=weights-work/phantom-swin \
	  --set 'start.parts=["transformer"]'
	$(BIN)/ichnos train bundled-swin-hgi-second -o weights-work/phantom-swin-hgi \
	  --set start.checkpoint=weights-work/phantom-swin-hgi-first --set 'start.parts=["transformer"]'
	$(BIN)/ichnos train bundled-unet -o weights-work/phantom-unet-first
	$(BIN)/ichnos train bundled-unet-second -o weights-work/phantom-unet --set start.checkpoint=weights-work/phantom-unet-first \
	  --set 'start.parts=["encoder", "decoder", "output"]'
	$(BIN)/ichnos train phantom-cavity-tissue -o weights-work/phantom-cavity-tissue
	$(BIN)/ichnos train phantom-cavity-bone -o weights-work/phantom-cavity-bone
	$(BIN)/python tools/bundle_model.py weights-work/phantom-unet src/ichnos/weights/phantom-unet --image-size 208 --fov-mm 206
	@set -e; for name in $(COPIED); do \
	  mkdir -p src/ichnos/weights/$$name; \
	  cd weights-work/$$name && cp model.safetensors ichnos.json README.md ../../src/ichnos/weights/$$name/ && cd ../..; done

reproduction: setup ## Reproduce both papers on phantoms (under an hour on two idle cores) and write docs/reproduction
	$(BIN)/ichnos reproduce hgi-sam -o reproduction-work/hgi-sam --device cpu
	$(BIN)/ichnos reproduce label-efficient -o reproduction-work/label-efficient --device cpu
	$(BIN)/python tools/copy_reproduction.py reproduction-work docs/reproduction

evidence: setup ## Measure the bundled models and the features of phantoms, and write docs/evidence; REAL=scan without blood
	$(BIN)/ichnos evidence -o evidence-work --device cpu --ablation-seeds 2 $(if $(REAL),--real $(REAL))
	$(BIN)/python tools/copy_evidence.py evidence-work docs/evidence README.md

help: ## List these targets
	@sed -n 's/^\([a-z][a-z]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | \
	  while IFS='|' read -r target text; do printf '  make %-12s %s\n' "$$target" "$$text"; done
