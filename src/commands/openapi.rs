//! `mediamill openapi`: writes the contract, which is generated from the code.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;

#[derive(clap::Args)]
pub struct Args {
    /// Folder to write to
    #[arg(long, default_value = "openapi")]
    out: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    std::fs::create_dir_all(&args.out)?;
    let documents = [
        ("mediamill.openapi.json", api::openapi::document_31()),
        ("mediamill.openapi-3.0.json", api::openapi::document_30()),
    ];
    for (name, document) in documents {
        let path = args.out.join(name);
        std::fs::write(&path, api::openapi::to_text(&document))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
