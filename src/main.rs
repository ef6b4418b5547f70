//! The `mediamill` command.
fn main() {}
