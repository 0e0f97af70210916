# Everything a newcomer, a reviewer or the CI runs. `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
LOCKED ?= --locked
TARGET := $(or $(CARGO_TARGET_DIR),target)
BIN := $(TARGET)/debug
INTEROP := tests/interop
# The sizes that one validator is filled up to, in records.
GROWTH ?= 1000,10000,100000,1000000
FACES_TESTS := tests/faces
FACES := wallet counter console explorer
PAGES := $(FACES:%=ui/%/dist/index.html)

.PHONY: help setup ui build test test-ui test-rust test-interop test-faces simulate screenshots demo up down bench bench-ledger growth-plot lint fmt deny clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: ## Install the system packages that are missing (Rust and Node must be there)
	@tests/scripts/setup.sh

ui: $(PAGES) ## Build the pages of wallet, counter, console and explorer

ui/node_modules/.package-lock.json: ui/package-lock.json
	npm ci --prefix ui --no-audit --no-fund
	@touch $@

# One rule for all: npm builds a page only when its sources or the shared ones changed.
$(PAGES): ui/%/dist/index.html: ui/node_modules/.package-lock.json ui/vite.face.ts $(shell find ui -name node_modules -prune -o -name dist -prune -o -type f -path '*/src/*' -print) $(wildcard ui/*/index.html ui/*/public/*)
	npm run build --prefix ui -w $*
	@touch $@

test-ui: ui ## Check and test the pages' code
	npm run check --prefix ui
	npm test --prefix ui

build: setup ui ## Build all programs (dev profile; the demo, the stack and the tests use the same ones)
	$(CARGO) build $(LOCKED) --workspace

test: test-ui test-rust test-interop test-faces ## Run all tests

test-rust: build
	tests/scripts/test-rust.sh $(LOCKED)

test-interop: build $(INTEROP)/node_modules/.package-lock.json ## Run the foreign clients against our services
	JUMIN_BIN_DIR="$(abspath $(BIN))" npm --prefix $(INTEROP) test

test-faces: build $(FACES_TESTS)/node_modules/.package-lock.json ## Use the wallet's window and the pages as people do
	JUMIN_BIN_DIR="$(abspath $(BIN))" npm --prefix $(FACES_TESTS) test

# `make test` runs a few seeds of the same.
simulate: ui ## Run the ledger's nodes through SEEDS=2000 simulated disasters, FROM=0 on; a failing seed repeats to the bit
	JUMIN_SIMULATE_FROM=$(or $(FROM),0) JUMIN_SIMULATE_SEEDS=$(or $(SEEDS),2000) \
	  $(CARGO) test $(LOCKED) --workspace --lib -- simulation::tests::every_seed_keeps_the_rules --nocapture

screenshots: build $(FACES_TESTS)/node_modules/.package-lock.json ## Draw every screen into docs/images/
	JUMIN_BIN_DIR="$(abspath $(BIN))" npm --prefix $(FACES_TESTS) run screenshots

$(INTEROP)/node_modules/.package-lock.json $(FACES_TESTS)/node_modules/.package-lock.json: %/node_modules/.package-lock.json: %/package-lock.json
	npm ci --prefix $* --no-audit --no-fund
	@touch $@

demo: build $(FACES_TESTS)/node_modules/.package-lock.json ## Play the whole story with real processes; pictures and verdicts go to target/demo/
	$(BIN)/jumin-demo demo --faces $(FACES_TESTS)/demo.mjs

up: build ## Start the same stack to play with (TLS=1 for HTTPS); addresses go to target/up/env
	$(BIN)/jumin-demo up $(if $(filter 1,$(TLS)),--tls)

down: ## End what `make up` started
	@if [ -x $(BIN)/jumin-demo ]; then $(BIN)/jumin-demo down; else echo "nothing was built, so nothing runs"; fi

bench: setup ui $(INTEROP)/node_modules/.package-lock.json $(FACES_TESTS)/node_modules/.package-lock.json ## Measure against the bounds; the table also goes to target/bench.json
	$(CARGO) build $(LOCKED) --release -p jumin-registry-node -p jumin-issuer -p jumin-counter -p jumin-wallet-core -p jumin-wallet -p jumin-tests
	$(CARGO) build $(LOCKED) --release --manifest-path bench/peers/Cargo.toml --target-dir $(TARGET)/peers
	etcd=$$(tests/scripts/etcd.sh $(TARGET)/peers/etcd); $(TARGET)/release/jumin-bench --growth $(GROWTH) $${etcd:+--etcd "$$etcd"} \
	  --peers $(TARGET)/peers/release/jumin-bench-peers --node-peer $(INTEROP)/bench.mjs --faces $(FACES_TESTS)/bench.mjs

bench-ledger: setup ui ## Measure the ledger only, and draw docs/ledger-growth.svg (GROWTH=1000,10000 for less)
	$(CARGO) build $(LOCKED) --release -p jumin-registry-node -p jumin-tests --bin jumin-registry-node --bin jumin-bench
	etcd=$$(tests/scripts/etcd.sh $(TARGET)/peers/etcd); $(TARGET)/release/jumin-bench --only ledger --growth $(GROWTH) \
	  $${etcd:+--etcd "$$etcd"} --growth-plot docs/ledger-growth.svg --out target/bench-ledger.json

growth-plot: ui ## Draw docs/ledger-growth.svg from the last measurement, target/growth.json
	$(CARGO) build $(LOCKED) --release -p jumin-tests --bin jumin-bench
	$(TARGET)/release/jumin-bench --only growth --redraw --growth-plot docs/ledger-growth.svg --out target/bench-growth.json

lint: setup ## Check formatting and lints
	$(CARGO) fmt --all --check
	tests/scripts/one-build.sh
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings

fmt: ## Format the Rust code
	$(CARGO) fmt --all

deny: ## Check licences, bans and advisories of the dependencies
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check

clean: down ## Remove what was built
	$(CARGO) clean
	rm -rf target/demo target/up $(INTEROP)/node_modules $(FACES_TESTS)/node_modules ui/node_modules $(FACES:%=ui/%/dist)
