//! The launcher of the tests: becomes a confined tool, as the service does.

fn main() -> std::process::ExitCode {
    video::exec::child::main(std::env::args_os())
}
