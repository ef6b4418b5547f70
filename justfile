# `./just RECIPE` runs these; it fetches `just` first where it is missing.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# Builds never ask a database: the queries' shapes are in each crate's `.sqlx`.
export SQLX_OFFLINE := "true"

# The crates that use `query!` and its kin in their library.
crates_with_sql := "workflows crates/media"

[private]
default:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Install what is missing, build, and run everything on this machine: `dev --listen 127.0.0.1:9000`
dev *args: setup
    @[ -d "${CARGO_TARGET_DIR:-target}/debug/deps" ] \
        || echo "The first build compiles everything: about ten minutes on two processors. Later ones take seconds." >&2
    exec cargo run -- dev "$@"

# Check everything, as CI does: lints, then all tests
test: setup-test lint sqlx-check
    cargo test --workspace
    scripts/readme-commands workflows/README.md
    scripts/examples

# Install what building and running needs
setup:
    @scripts/setup

# Install what the tests need besides
setup-test:
    @scripts/setup --test

# What to run before every commit, in about a minute: formatting, clippy, unit tests
check:
    cargo fmt --all
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --quiet --workspace --lib --bins
    cargo test --quiet --workspace --test architecture

# Run the tests whose name contains NAME: `t resuming`, or `t fan_outs --test engine`
t name *args: setup-test
    cargo test --workspace "${@:2}" -- "$1"

# Check the code again whenever a file is saved (needs `cargo install watchexec-cli`)
watch:
    @command -v watchexec >/dev/null || { echo "watchexec is missing: cargo install watchexec-cli" >&2; exit 1; }
    watchexec --exts rs,sql,toml --restart -- cargo check --workspace --all-targets

# Open psql on the database of a running `dev`; arguments go to psql: `psql -c '\dt'`
psql *args:
    @[ -f .mediamill/database-url ] || { echo "start ./just dev first" >&2; exit 1; }
    @psql "$(cat .mediamill/database-url)" "$@"

# Follow the logs of the Postgres and the clamd that `dev` started
logs:
    @ls .mediamill/*/*.log >/dev/null 2>&1 || { echo "start ./just dev first" >&2; exit 1; }
    tail -n 20 -F .mediamill/*/*.log

# Run one of the engine's examples, on a database of its own: `example orders`
example name:
    cargo build --quiet --workspace --bin with_database
    "${CARGO_TARGET_DIR:-target}/debug/with_database" -- cargo run --quiet -p workflows --example {{ name }}

# Format the code
fmt:
    cargo fmt --all

# Formatting, clippy, documentation, dependencies, architecture and packaging
lint: && architecture package-check
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Check licences, duplicate and unused dependencies, their direction, and the size of files
architecture:
    cargo test --quiet --workspace --test architecture

# Check that the engine builds as a crate of its own, also where `DATABASE_URL` leads to other tables
package-check:
    SQLX_OFFLINE=false DATABASE_URL=postgres://nobody@127.0.0.1:1/none \
        cargo package --quiet --package workflows --allow-dirty --offline

# Write each crate's `.sqlx` anew after a change of a query or of the schema
sqlx-prepare:
    @out=$(scripts/sqlx-describe {{ crates_with_sql }}) && for crate in {{ crates_with_sql }}; do \
        rm -rf "$crate/.sqlx"; cp -r "$out/$crate" "$crate/.sqlx"; done; rm -rf "$out"

# Check that each crate's `.sqlx` is what the queries and migrations of today make
sqlx-check:
    @out=$(scripts/sqlx-describe {{ crates_with_sql }}) && for crate in {{ crates_with_sql }}; do \
        diff -r "$out/$crate" "$crate/.sqlx" \
        || { echo "run ./just sqlx-prepare and commit $crate/.sqlx" >&2; exit 1; }; done; rm -rf "$out"

# Write `workflows/schema.sql`, the engine's schema to read, after a change of its migrations
schema:
    WRITE_SCHEMA=1 cargo test --quiet --workspace --test engine schema_page

# Write the API's contract to `openapi/`, and the page of errors to `docs/`
openapi:
    cargo build --quiet --workspace --bin mediamill && "${CARGO_TARGET_DIR:-target}"/debug/mediamill openapi

# Check that both are what the code of today makes
openapi-check: openapi
    @git diff --exit-code -- openapi docs || { echo "run ./just openapi and commit openapi/ and docs/" >&2; exit 1; }

# Run every example of the engine, each with a database of its own
examples:
    @scripts/examples

# Hurt the engine for some minutes and see whether it gets over it: `chaos 600`
chaos seconds="240":
    CHAOS_SECONDS={{ seconds }} FUZZ_SECONDS=35 cargo test --workspace --test chaos -- --nocapture --test-threads=1
    cargo test -p workflows --test engine -- --nocapture --include-ignored freeze_points
    cargo test -p workflows --test model --release -- --nocapture --ignored

# Take each service away for a quarter of an hour under load, and see whether all comes back: `outages 60`
outages seconds="900": setup-test
    OUTAGE_SECONDS={{ seconds }} cargo test --workspace --test e2e outages -- --nocapture --ignored --test-threads=2

# Hold other object stores, too, against what the service rests on, and say which were left out
test-storage:
    scripts/test-storage

# Have parsers of others read the playlists of a film: of one that is made, or those below FOLDER
playlists *args:
    scripts/read-playlists "$@"

# Run one benchmark of `bench/`
bench name *args:
    exec bench/"$@"
