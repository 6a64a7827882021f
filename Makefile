# Every target sets up what it needs. Start with `make help`.
PYTHON ?= python3
BIN := .venv/bin
STRICT := -W -n --keep-going
NOTEBOOKS := $(sort $(wildcard book/*.ipynb tests/assignments/*/*.ipynb))
SETS := $(sort $(wildcard tests/assignments/*/*.ipynb))
# With the folders, so that a deleted file is noticed.
SOURCES := $(shell find book/. xentlib/. -not -path '*/__pycache__*' -not -path '*/.ipynb_checkpoints*' | sed 's/ /\\ /g') _config.yml _toc.yml
export PYTHONDONTWRITEBYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help book serve lab test kernels assignments bench notebooks lock clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

book: _build/html/.complete ## build the site into _build/html
	@echo "The book is built. Open file://$(CURDIR)/_build/html/index.html"

serve: book ## build the site and serve it on http://localhost:8000
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

lab: .venv/.book ## open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=book

test: .venv/.test ## lint, unit tests, notebooks, strict build, site tests in a browser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory book
	$(BIN)/python -m pytest

kernels: .venv/.test ## run the notebooks with other codes of NumPy and OpenBLAS, as on other processors
	$(BIN)/python tests/kernels.py

assignments: .venv/.book ## cut the problem sets; all that is handed out goes to _build/handout
	$(BIN)/python -m xentlib.coursework release $(SETS) book/assignments
	rm -rf _build/handout
	$(BIN)/python -m xentlib.coursework release $(SETS) _build/handout
	$(BIN)/python -m pip wheel . --quiet --no-deps --wheel-dir _build/handout
	@rm -rf build

bench: .venv/.test ## time the losses beside SciPy, scikit-learn and PyTorch, and the grading of a class
	$(BIN)/python tests/bench.py

notebooks: .venv/.book ## run every notebook in place and store its outputs
	$(BIN)/python book/_ext/run_notebooks.py $(NOTEBOOKS)

lock: ## compile the two requirements files anew from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --upgrade --no-header --no-annotate --extra book pyproject.toml -o requirements.txt
	uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --extra book --extra test -c requirements.txt pyproject.toml -o tests/requirements.txt
	printf -- '-e .\n' >> requirements.txt

clean: ## delete the built site and the environment
	rm -rf _build .venv

# The site is built beside the old one and takes its place only when it is whole and without a warning.
_build/html/.complete: $(SOURCES) .venv/.book
	@rm -rf _build/next _build/old && mkdir -p _build/next && touch _build/next/started
	@$(BIN)/jupyter-book build . --path-output _build/next --quiet $(STRICT) > _build/log \
	  && mv _build/next/started _build/next/_build/html/.complete \
	  && { [ ! -e _build/html ] || mv _build/html _build/old; } \
	  && mv _build/next/_build/html _build/html && rm -rf _build/next _build/old \
	  || { rm -rf _build/next; echo "make book: FAILED, see the warnings above. An older _build/html was left as it was." >&2; exit 1; }

.venv/.book: requirements.txt pyproject.toml
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || { \
	  $(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try make PYTHON=python3.13" if sys.version_info < (3, 11) else 0)' \
	  && $(PYTHON) -m venv --clear .venv; }
	$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

.venv/.test: tests/requirements.txt .venv/.book
	$(BIN)/python -m pip install --quiet -r tests/requirements.txt
	@touch $@
