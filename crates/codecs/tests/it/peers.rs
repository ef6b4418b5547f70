//! Programs of others that give a second opinion. `scripts/setup --test` installs them.

use std::process::Command;

/// A program, to be given its arguments.
#[expect(
    clippy::disallowed_methods,
    reason = "it reads files that this test made, and nothing of a stranger's"
)]
pub fn program(name: &str) -> Command {
    Command::new(name)
}
