# `make demo` and `make test` are all a new user needs; both set up what is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup wheel demo test check test-rp2040 sweep campaign parts parts-page field fuzz fuzz-page lint sbom licences audit reproducible bench bench-fleet bench-attack depot-pictures screens map clean lock

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# What a user installs: pipx install dist/*.whl
wheel: setup
	$(BIN)/python -m hatchling build -t wheel -d dist

demo: setup
	$(BIN)/bmsrescue twin demo

# Three on two cores: while one waits for a browser, a daemon or an interpreter, another one works.
WORKERS ?= 3
test: setup
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The quick set for work in progress (tests/README.md): these files, and these broken units on MicroPython.
QUICK := docs engine link rescuelink protocol_doc client card image cli/test_sentences_stay.py cli/test_story.py \
	agent_low/test_low_families.py agent_low/test_low_chip_tables.py twin_chip/test_silicon_values.py
UNITS_ON_MICROPYTHON := [half-on] or [no-supply] or [open-swdio]
check: setup
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(addprefix tests/unit/,$(QUICK))
	$(BIN)/python -m pytest -q tests/agent/test_twin_scenarios.py -k "$(UNITS_ON_MICROPYTHON)"

# Cuts eight cures at every journalled step, at 200 seeded instants each and 20 of them twice: some 2150 cuts, 45 minutes
# on two cores that have nothing else to do.
sweep: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/sweep/run.py

# Recoveries with one fault each, drawn by seeds from FIRST on, at any access to the hardware; writes docs/campaign.md of
# all that is in its log (build/campaign.jsonl). A recovery takes one to two seconds of processor time.
JOBS ?= 2
campaign: COUNT := $(if $(filter command line,$(origin COUNT)),$(COUNT),100)
campaign: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/sweep/campaign.py --count $(COUNT) --first $(FIRST) --jobs $(JOBS)

# Any wiring on any broken unit (docs/parts.md): CASES of them in a seeded order, from where the page's rows end, or FIRST.
CASES ?= 500
FIRST ?= 0
parts: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/sweep/parts.py --cases $(CASES) \
		$(if $(filter command line,$(origin FIRST)),--first $(FIRST))

parts-page: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/sweep/parts.py --bare

# Units that a generator makes from seeds, judged by what was put into them (docs/field.md).
UNITS ?= 300
FIRST ?= 0
FIELD_LOG ?=
field: setup
	$(BIN)/bmsrescue twin field --units $(UNITS) --first $(FIRST) --write docs/field.md $(if $(FIELD_LOG),--log $(FIELD_LOG))

# Damaged firmware files, jobs and cards from seeds, held against other readers (docs/files.md). FUZZ="--first 20000".
COUNT ?= 10000
# TARGET=jobs SECONDS=60: bytes guided by coverage at one door (frames messages words jobs manifests images records cards
# unit-bus api, or all), where atheris is installed; by chance elsewhere. `make fuzz-page` adds the runs up.
TARGET ?=
SECONDS ?= 60
fuzz: setup
	$(BIN)/python $(if $(TARGET),tests/fuzzing/guided.py $(TARGET) --seconds $(SECONDS),tests/fuzzing/run.py --count $(COUNT) $(FUZZ))

fuzz-page: setup
	$(BIN)/python tests/fuzzing/summary.py

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The agent on real MicroPython firmware for the Pico, in an emulator: BMSRESCUE_UF2 names the firmware, or `bmsrescue twin
# firmware` has downloaded it. PICO="half-on" for a part of the tests, by words in their names (docs/rp2040.md).
test-rp2040: setup
	-$(BIN)/python -m bmsrescue.twin.rp2040.compile_emulator
	BMSRESCUE_REQUIRE_UF2=1 $(BIN)/python -m pytest -v -rA --durations=0 tests/rp2040 $(if $(PICO),-k "$(PICO)")

bench: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/run.py $(BENCH)
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/smallest_cure_bench.py
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/link_bench.py $(BENCH)
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/pico_bench.py $(BENCH)

# Mass recovery's figures: FLEET="import pages kills daemon stations" for a part of them.
bench-fleet: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/fleet_bench.py $(FLEET)

# 2,000 log-in attempts a minute and 1,000 half-open connections, with an operator at the wall (docs/security.md).
bench-attack: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/attack_bench.py

# The pictures of docs/depot.md, from virtual stations in Chromium.
depot-pictures: setup
	PYTHONPATH=tests/support:tests $(BIN)/python tests/benchmarks/depot_pictures.py

# The pictures of docs/face.md and README.md: every screen of the dongle, drawn by the agent, and the demo in a terminal.
screens: setup
	$(BIN)/python -m bmsrescue.twin.face.sheets docs/pictures
	$(BIN)/python -m bmsrescue.cli.twin.readme_pictures docs/pictures

# The pictures of docs/architecture.md: our modules and their arrows, from the code.
map: setup
	PYTHONPATH=tests/support $(BIN)/python tests/support/module_map.py

# What is installed, for programs that look for known holes: build/sbom.json (CycloneDX). The tools have a place of their own.
sbom: setup
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/pip install --quiet --disable-pip-version-check cyclonedx-bom==7.5.0
	build/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o build/sbom.json $(BIN)/python

# Known holes in what is pinned; asks the Python advisory database over the network. Red where that could not be asked.
audit: setup
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

# docs/licences.md: what comes to a user, under which licence.
licences: setup
	PYTHONPATH=tests/support $(BIN)/python tests/support/licences_page.py

# The wheel, built twice: the same bytes.
reproducible: setup
	$(BIN)/python -m hatchling build -t wheel -d build/once
	$(BIN)/python -m hatchling build -t wheel -d build/again
	cmp build/once/*.whl build/again/*.whl && sha256sum build/once/*.whl

# Writes requirements.lock anew from pyproject.toml: run it when a dependency changes.
lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet pip-tools
	build/lock/bin/pip-compile --quiet --extra dev --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
