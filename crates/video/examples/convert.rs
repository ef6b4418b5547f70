//! Tries one film.

use std::path::PathBuf;
use video::exec::{ToolLimits, Tools};
use video::probe::{VideoLimits, probe};

fn main() -> std::process::ExitCode {
    let mut args = std::env::args_os().skip(1);
    let first = args.next().unwrap_or_default();
    if first == "tool" {
        return video::exec::child::main(args);
    }
    let folder = PathBuf::from(args.next().unwrap_or_default());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let tools = Tools::new("/proc/self/exe".into(), vec!["tool".into()]).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let found = probe(
            &tools,
            &PathBuf::from(first),
            &folder,
            &VideoLimits::default(),
            &ToolLimits::default(),
        )
        .await;
        println!("{found:?}");
    });
    std::process::ExitCode::SUCCESS
}
