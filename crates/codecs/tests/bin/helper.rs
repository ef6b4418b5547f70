//! A decoder process for the tests: an honest one, and one that a hostile file has taken over.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().unwrap_or_default().to_str() {
        Some("decode") => codecs::child_main(args),
        Some("tool") => sandbox::child::become_tool(args),
        Some("lie") => {
            let image = r#"{"name":"out-0","width":9,"height":9,"size_bytes":9}"#;
            std::fs::write("out-0.webp", "eight").unwrap_or_default();
            println!(r#"{{"done":{{"rendered":[{image}]}}}}"#);
            ExitCode::SUCCESS
        }
        _ => ExitCode::FAILURE,
    }
}
