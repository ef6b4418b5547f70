# `./just RECIPE` runs these; it fetches `just` first where it is missing.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# Builds never ask a database: the queries' shapes are in `.sqlx`.
export SQLX_OFFLINE := "true"

[private]
default:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Install what is missing, build, and run everything on this machine: `dev --port 9000`
dev *args: setup
    exec cargo run -- dev "$@"

# Check everything, as CI does: lints, then all tests
test: setup-test lint sqlx-check
    cargo test --workspace

# Install what building and running needs
setup:
    @scripts/setup

# Install what the tests need besides
setup-test:
    @scripts/setup --test

# Format the code
fmt:
    cargo fmt --all

# Formatting, clippy, documentation, dependencies and architecture
lint: && architecture
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Check licences, duplicate and unused dependencies, their direction, and the size of files
architecture:
    cargo test --quiet --workspace --test architecture

# Write `.sqlx` anew after a change of a query or of the schema
sqlx-prepare:
    @scripts/sqlx-describe target/sqlx-described
    @rm -rf .sqlx
    @cp -r target/sqlx-described .sqlx

# Check that `.sqlx` is what the queries and migrations of today make
sqlx-check:
    @scripts/sqlx-describe target/sqlx-described
    @mkdir -p .sqlx
    @diff -r target/sqlx-described .sqlx || { echo "run ./just sqlx-prepare and commit .sqlx" >&2; exit 1; }

# Write the API's contract to `openapi/`
openapi:
    cargo run --quiet -- openapi

# Check that `openapi/` is what the code of today makes
openapi-check: openapi
    @git diff --exit-code -- openapi || { echo "run ./just openapi and commit openapi/" >&2; exit 1; }

# Hurt the engine for some minutes and see whether it gets over it: `chaos 600`
chaos seconds="240":
    CHAOS_SECONDS={{ seconds }} cargo test --workspace --test chaos -- --nocapture nothing_is_lost

# Run one benchmark of `bench/`
bench name *args:
    exec bench/"$@"
