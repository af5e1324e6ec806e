# `make run` and `make test` are the two that matter; the rest are their parts.

CARGO ?= cargo
NPM ?= npm
HAVE_NODE := $(shell command -v $(NPM) 2>/dev/null)

.PHONY: run test fmt lint deny bench durability fuzz web test-rust test-web test-openapi generated screenshots

## Build everything and serve a made-up history on http://127.0.0.1:8080
run: web
	$(CARGO) run -- demo

## Run every check
test: web lint deny test-rust test-web test-openapi

## Format the sources
fmt:
	$(CARGO) fmt --all
ifdef HAVE_NODE
	$(NPM) --prefix web run format
endif

## Check the sources' form
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

## Check the dependencies' licences and sources
deny:
	@if $(CARGO) deny --version >/dev/null 2>&1; \
	then $(CARGO) deny check licenses bans sources; \
	else echo "cargo-deny is not installed: licences are not checked." >&2; test -z "$$CI"; fi

# More at a time than processors: the longest tests wait for time to pass at a server.
test-rust:
	$(CARGO) test --workspace -- --test-threads=3

## Check that the REST routes keep to their description, with schemathesis
test-openapi:
	@if ! python3 -c 'import venv, ensurepip' 2>/dev/null; \
	then echo "There is no Python here, so the REST routes' description is not tested." >&2; test -z "$$CI"; \
	else $(CARGO) build && web/scripts/with-demo.sh target/debug/agent-jobs web/scripts/test-openapi.sh target/schemathesis; fi

## Kill the server 50 times under load, on each database, and look for what was acknowledged
durability:
	AGENT_JOBS_TEST_KILLS=50 $(CARGO) test --test main -- durability::a_killed_server

## Read a million generated files for an import
fuzz:
	AGENT_JOBS_TEST_FILES=64000 $(CARGO) test --release --lib transfer::source_tests

## Print what is fast and what is not, as ratios
bench:
	$(CARGO) bench --bench reading
	$(CARGO) bench --bench statistics
	$(CARGO) bench --bench importing
	$(CARGO) bench --bench reporting
	$(CARGO) bench --bench fanout
	$(CARGO) bench --bench attack

## Rewrite the files that are generated from the sources
generated:
	$(CARGO) run -- schema > schema.graphql
	$(CARGO) run -- reference configuration > docs/configuration.md
	$(CARGO) run -- reference errors > docs/errors.md

ifdef HAVE_NODE
WEB_SOURCES := $(shell find web/src web/*.html web/*.json web/*.ts -type f)

web: web/dist/index.html

web/node_modules/.package-lock.json: web/package-lock.json
	$(NPM) --prefix web ci --no-audit --no-fund

web/dist/index.html: web/node_modules/.package-lock.json schema.graphql $(WEB_SOURCES)
	$(NPM) --prefix web run build

## Take the pictures of the README anew
screenshots: web
	$(CARGO) build
	web/scripts/with-demo.sh target/debug/agent-jobs $(NPM) --prefix web run screenshots

test-web: web
	$(NPM) --prefix web run lint
	$(NPM) --prefix web run lint:schema
	$(NPM) --prefix web run check:examples
	$(NPM) --prefix web run test
	$(CARGO) build
	web/scripts/with-demo.sh target/debug/agent-jobs $(NPM) --prefix web run test:protocol
	web/scripts/with-demo.sh target/debug/agent-jobs $(NPM) --prefix web run test:operations
	$(NPM) --prefix web run test:live
	$(NPM) --prefix web run test:browser
else
web:
	@echo "There is no Node here: the bundled pages are left out."

test-web:
	@echo "There is no Node here, so the bundled pages cannot be tested." >&2
	@test -z "$$CI"
endif
