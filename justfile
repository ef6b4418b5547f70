# `./just RECIPE` runs these; it fetches `just` first where it is missing.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# Builds never ask a database: the queries' shapes are in each crate's `.sqlx`.
export SQLX_OFFLINE := "true"

[private]
default:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted

# Install what is missing, build, and run everything on this machine: `dev --listen 127.0.0.1:9000`
dev *args: setup
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
    @scripts/sqlx-describe target/sqlx-described
    @cd target/sqlx-described && for crate in *; do \
        rm -rf "../../$crate/.sqlx"; cp -r "$crate" "../../$crate/.sqlx"; done

# Check that each crate's `.sqlx` is what the queries and migrations of today make
sqlx-check:
    @scripts/sqlx-describe target/sqlx-described
    @cd target/sqlx-described && for crate in *; do diff -r "$crate" "../../$crate/.sqlx" \
        || { echo "run ./just sqlx-prepare and commit $crate/.sqlx" >&2; exit 1; }; done

# Write the API's contract to `openapi/`, and the page of errors to `docs/`
openapi:
    cargo run --quiet -- openapi

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

# Run one benchmark of `bench/`
bench name *args:
    exec bench/"$@"
