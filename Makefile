# Everything starts here: `make demo` shows a call, `make test` checks everything.
#
#   make demo [CLIP=video.mp4 | CAMERA=0] [PORT=8080] [ARGS=…]
#   make test | check | setup | clean
#   make audit | fuzz [FUZZ_RUNS=N]
#   make basis CLIPS="a.mp4 b.mp4 …"
#   make hdtf HDTF=lists VIDEOS=folder [OUT=hdtf] [ENROLL="--minutes 20"] [REPORT="--size 512"]

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup demo test check basis hdtf clean

VENV := .venv
BIN := $(VENV)/bin
PORT := 8080
CLIP :=
CAMERA :=
ARGS :=
CLIPS :=
HDTF :=
VIDEOS :=
OUT := hdtf
ENROLL :=
REPORT :=

# The first Python on the path that is new enough.
PYTHON = $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

# System packages come from apt, where there is one and we may use it.
AS_ROOT = $(shell [ "$$(id -u)" = 0 ] || { command -v sudo >/dev/null && echo "sudo -n"; })
apt_get = if command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }; then \
	echo "Installing $(1)." && $(AS_ROOT) apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive $(AS_ROOT) apt-get install -y -qq --no-install-recommends $(1) >/dev/null; \
	else echo "nerfcall needs $(1): install it with your system's package manager." >&2; exit 1; fi

help:
	@sed -n 's/^# \{0,1\}//;1,7p' Makefile

setup: $(VENV)/.ready

# Made anew when the project's requirements change.
$(VENV)/.ready: pyproject.toml
	@[ -n "$(PYTHON)" ] || { echo "nerfcall needs Python 3.11 or newer: none found." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call apt_get,python3-venv); }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages into $(VENV), about a minute."
	@$(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check -e '.[dev]'
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { $(call apt_get,libgl1 libglib2.0-0); }
	@$(BIN)/python -c 'import cv2'
	# Where Python may not write bytecode, every start would compile torch and Warp anew. Some
	# packages hold files for other Pythons, which do not compile.
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib client codec models server || true
	@touch $@

# The default clip comes through npm.
.PHONY: npm browser
npm:
	@command -v npm >/dev/null || { \
	echo "nerfcall fetches its default clip through npm: install npm (Node.js) first." >&2; exit 1; }

browser:
	@command -v chromium >/dev/null || { $(call apt_get,chromium); }

demo: npm setup
	@$(BIN)/nerfcall demo --port $(PORT) $(if $(CLIP),--clip '$(CLIP)') \
	$(if $(CAMERA),--camera '$(CAMERA)') $(ARGS)

check: setup
	@$(BIN)/ruff format --check --quiet . || { echo "Run $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache

	@$(MAKE) --no-print-directory audit

# Known holes in what we depend on. Who knows them is asked over the network, and may be out of
# reach; what is found fails, what cannot be asked is said.
.PHONY: audit
audit: setup
	@out=$$($(BIN)/python -m pip freeze --exclude-editable 2>/dev/null | grep '==' | \
	$(BIN)/pip-audit --requirement /dev/stdin --no-deps --disable-pip --progress-spinner off \
	--vulnerability-service osv 2>&1); status=$$?; \
	if [ $$status -eq 0 ]; then exit 0; \
	elif echo "$$out" | grep -qE 'ConnectionError|NameResolution|Max retries|timed out|ServiceError'; then \
	echo "Dependencies were not audited: the vulnerability service cannot be reached" \
	"($$(echo "$$out" | grep -oE "Failed to resolve '[^']*'|timed out|Max retries exceeded" | head -1))."; \
	else echo "$$out" >&2; exit 1; fi

# Fuzzing guided by coverage, for a night: ten million inputs, spread over all parsers.
.PHONY: fuzz
FUZZ_RUNS := 10000000
FUZZ_TARGETS := packet sealed_packet container thin_payload control_message handshake_message \
	certificate token server_message client_message speaker_header speaker_base
fuzz: setup
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/python -m pip install -qq -e '.[fuzz]'
	@for target in $(FUZZ_TARGETS); do \
	echo "$$target" && $(BIN)/python -m tests.fuzzing.fuzz $$target -max_len=8192 -print_final_stats=1 \
	-verbosity=0 -runs=$$(( $(FUZZ_RUNS) / $(words $(FUZZ_TARGETS)) )) || exit 1; done

# Links for measuring are made in network namespaces and captured.
.PHONY: links
links:
	@command -v ip >/dev/null && command -v tcpdump >/dev/null || { $(call apt_get,iproute2 tcpdump); }

test: npm check browser links
	@$(BIN)/python -m pytest $(ARGS)

# The expression basis is data of the project, learned from clips that are not.
basis: setup
	@[ -n "$(CLIPS)" ] || { echo 'expected clips: make basis CLIPS="a.mp4 b.mp4 …"' >&2; exit 2; }
	@$(BIN)/python -m models.face.learn_basis $(CLIPS) -o models/face/basis.safetensors

# The paper's experiment on its data set; run again, it goes on. Clips that cannot be enrolled
# are left out of the comparison.
hdtf: setup
	@[ -n "$(HDTF)" ] && [ -n "$(VIDEOS)" ] || { \
	echo "expected HDTF's lists and videos: make hdtf HDTF=folder VIDEOS=folder" >&2; exit 2; }
	@$(BIN)/nerfcall hdtf '$(HDTF)' --videos '$(VIDEOS)' --out '$(OUT)' $(ARGS)
	@NERFCALL="$(CURDIR)/$(BIN)/nerfcall" sh '$(OUT)/enroll.sh' $(ENROLL) || [ $$? -eq 1 ]
	@$(BIN)/nerfcall hdtf '$(HDTF)' --videos '$(VIDEOS)' --out '$(OUT)' --enrolled $(ARGS)
	@$(BIN)/nerfcall report '$(OUT)/experiment.toml' --out '$(OUT)/report' --resume $(REPORT)

clean:
	rm -rf $(VENV) artifacts .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
