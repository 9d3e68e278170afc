# What there is to do here: `make` lists it. The work itself is in setup/*.sh.

PREFIX ?= /usr/local
IP     ?= 127.0.0.1
PORT   ?= 8888
ARGS   ?=
CMD    ?=

FOLDERS := unit kernel oci notebooks exercises browser vm
SOURCES := $(shell find labcore -name '*.py' 2>/dev/null)
PYTHON  := .venv/bin/python

# a learner's own settings must not change what runs here
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV

.PHONY: help lab test vm bench lint notebooks record environment packages-lab packages-test packages-bench clean undo install uninstall
.PHONY: $(FOLDERS:%=test-%)

help:
	@echo "make lab          install what is missing, then open JupyterLab on $(IP) (Ctrl-C ends it)"
	@echo "make test         install what is missing, then run every test  (ARGS='-k name' reaches pytest)"
	@echo "make test-FOLDER  one folder of tests: $(FOLDERS)"
	@echo "make vm CMD='...' a command in a small VM with cgroup v2, as the tests have it"
	@echo "make lint         ruff"
	@echo "make notebooks    write the learners' copies from notebooks/solutions (make record runs those first)"
	@echo "make bench        speed and memory, side by side with crun and runc"
	@echo "make environment  only the Python environment, .venv"
	@echo "make install      link labcore into $(PREFIX)/bin; make uninstall removes the link"
	@echo "make clean        remove what Python and the tests wrote"
	@echo "make undo         remove everything that the lab made, .venv included"

lab: packages-lab environment .venv/compiled
	@exec setup/lab.sh "$(IP)" "$(PORT)"

test: packages-test environment .venv/compiled
	@exec setup/test.sh $(FOLDERS) -- $(ARGS)

test-unit: environment .venv/compiled
	@exec setup/test.sh unit -- $(ARGS)

$(filter-out test-unit,$(FOLDERS:%=test-%)): test-%: packages-test environment .venv/compiled
	@exec setup/test.sh $* -- $(ARGS)

# the words reach the VM's shell as they were typed
vm: packages-test environment .venv/compiled
	@exec setup/vm.sh '$(subst ','\'',$(value CMD))'

notebooks: environment
	@$(PYTHON) -m labcore.notebook.learners $(ARGS)

record: packages-lab environment .venv/compiled
	@$(PYTHON) -m labcore.notebook.record $(ARGS)

lint: environment
	@$(PYTHON) -m ruff check .

bench: packages-bench environment .venv/compiled
	@exec $(PYTHON) tests/bench/bench.py $(ARGS)

packages-lab:
	@setup/packages.sh lab

packages-test:
	@setup/packages.sh lab test

packages-bench:
	@setup/packages.sh lab bench

environment: | $(filter packages-%,$(MAKECMDGOALS))
	@setup/environment.sh

# The command runs with -B, so that root writes no bytecode into a learner's checkout: it is compiled here.
# A module that does not compile is for the tests to tell.
.venv/compiled: $(SOURCES) | environment
	@$(PYTHON) -m compileall -q --invalidation-mode timestamp labcore || true
	@touch $@

install: environment .venv/compiled
	@setup/link.sh install "$(PREFIX)"

uninstall:
	@setup/link.sh uninstall "$(PREFIX)"

clean:
	@find . -path ./.venv -prune -o -path ./.git -prune -o \
	  \( -name __pycache__ -o -name .ipynb_checkpoints -o -name .pytest_cache -o -name .ruff_cache \) \
	  -type d -prune -exec rm -rf {} +
	@rm -f .venv/compiled

undo:
	@setup/undo.sh "$(PREFIX)"
