# The commands of the project. `make` alone lists them; what stands after ## is what it says of each.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run test check format fuzz simulate cluster chaos bench bench-load bench-threads bench-streams bench-tools bench-history bench-usage bench-metrics bench-models bench-budgets bench-race soak wfformat docs dashboards lock clean

bin := .venv/bin
uv := $(bin)/uv --quiet
python := $(bin)/python

# Commands from the system that tests need and no wheel brings: names that tools/system_packages.sh knows.
system_packages := prometheus

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: .venv/installed-dev ## create .venv and install everything locked, nothing else

run: .venv/installed-main ## start the service, run the support triage example live, leave the service up
	@$(bin)/weft demo

# Three on two cores: those that kill processes mostly wait. They stand together, and whoever is done takes over half of what waits.
# With byte code: else each of a thousand processes compiles all that it imports.
test: .venv/installed-dev node_modules/.package-lock.json ## everything that continuous integration does
	@tools/system_packages.sh $(system_packages)
	@$(MAKE) --no-print-directory check
	PYTHONDONTWRITEBYTECODE= $(python) -m pytest -n 3 --dist worksteal

check: .venv/installed-dev ## formatting, lint, types, import contracts
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports

format: .venv/installed-dev ## format the code and mend what lint can mend
	$(bin)/ruff format .
	$(bin)/ruff check --fix .

fuzz: .venv/installed-dev ## both oracles, 100,000 cases each (CASES=... for another number)
	WEFT_FUZZ=$(or $(CASES),100000) $(python) -m pytest -n 2 -m fuzz --timeout 0

simulate: .venv/installed-dev ## simulated afternoons of faults (SEEDS=10000; SEED=7 plays one again)
	$(python) -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),10000))

cluster: .venv/installed-dev ## PostgreSQL, Redis, two APIs and four workers from the test wheels, until Ctrl-C
	$(python) -m tests.integration.faults.cluster

chaos: .venv/installed-dev ## every fault in full; writes the matrix of docs/reliability.md (ONLY=name for one)
	$(python) -m tests.integration.faults.campaign $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES))

bench: .venv/installed-dev ## the benchmarks: ours and the peers, interleaved
	$(python) -m benchmarks

bench-load: .venv/installed-dev ## the benchmarks under load: many runs, several processes, long threads, a large journal
	$(python) -m benchmarks.survive

bench-threads: .venv/installed-dev ## how long a look back into a thread of 10,000 rows takes, and an answer to a parked run
	$(python) -m benchmarks.threads
	$(python) -m benchmarks.answering

bench-streams: .venv/installed-dev ## how fast streams are, and what readers that never read cost the others
	$(python) -m benchmarks.streams

bench-tools: .venv/installed-dev ## what a tool costs: a call through the gate, a decision, an MCP call, an import of 10,000 operations
	$(python) -m benchmarks.tools

bench-usage: .venv/installed-dev ## how long a question about a million calls takes, and what keeping their sums costs
	$(python) -m benchmarks.usage

bench-history: .venv/installed-dev ## how long a question to a history of 100,000 records takes, and what a record costs
	$(python) -m benchmarks.history

bench-metrics: .venv/installed-dev ## how large /metrics is and how long it takes: 200 workflows of 2 models, and 100,000 ids at every label
	$(python) -m benchmarks.metrics

bench-budgets: .venv/installed-dev ## what budgets cost a durable step: a hundred runs at once, with none, one and three of them
	$(python) -m benchmarks.budgets

bench-race: .venv/installed-dev ## the race for a budget: 1,000 calls at once of 40 runs on 4 workers, left alone and under kill -9
	$(python) -m benchmarks.budget_race

bench-models: .venv/installed-dev ## what a token costs on its way from a provider to a reader
	$(python) -m benchmarks.relay
	$(python) -m benchmarks.relay_profile

soak: .venv/installed-dev ## a conversation of TURNS=10000 turns on one thread: memory and time per turn stay as they are
	$(python) -m benchmarks.soak $(if $(TURNS),--turns $(TURNS))

wfformat: .venv/installed-dev ## run the WfCommons workflows of DIR=... and check order and makespan
	@test -d "$(DIR)" || { echo "name the folder with the workflows: make wfformat DIR=..." >&2; exit 2; }
	$(python) -m benchmarks.wfformat "$(DIR)"

docs: .venv/installed-dev ## write again what the docs take from the code: reference, schema, pictures
	$(python) -m tools.graph_schema
	$(python) -m tools.reference
	$(python) -m tools.pictures

dashboards: .venv/installed-dev ## write Grafana's dashboards again from tools/grafana
	$(python) -m tools.dashboards

lock: .venv/installed-dev ## lock requirements/*.in again (UPGRADE=1 moves every version)
	tools/lock.sh $(if $(UPGRADE),--upgrade)
	tools/node.sh npm install --package-lock-only --ignore-scripts

clean: ## remove what these commands made: environment, caches, builds; never data in .weft
	rm -rf .venv node_modules build dist src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/uv: requirements/uv.txt
	@echo "creating .venv"
	@tools/create_venv.sh
	@touch $@

# What `make run` needs is a part of what the tests need, in the same versions: either satisfies it.
.venv/installed-main: .venv/uv requirements/main.txt pyproject.toml
	@echo "installing what Weft runs on"
	@$(uv) pip install --python $(python) --require-hashes --requirement requirements/main.txt
	@$(uv) pip install --python $(python) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-dev: .venv/uv requirements/dev.txt pyproject.toml
	@echo "installing what Weft and its tests run on"
	@$(uv) pip sync --python $(python) --require-hashes requirements/dev.txt
	@$(uv) pip install --python $(python) --no-deps --no-build-isolation --editable .
	@touch .venv/installed-main $@

node_modules/.package-lock.json: .venv/installed-dev package-lock.json .npmrc
	@tools/node.sh npm ci --silent --ignore-scripts
	@touch $@
