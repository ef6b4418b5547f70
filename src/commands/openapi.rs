//! `mediamill openapi`: writes the contract and the page of errors, which are generated from the code.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context;

#[derive(clap::Args)]
pub struct Args {
    /// Folder to write to
    #[arg(long, default_value = "openapi")]
    out: PathBuf,
    /// Folder to write the page of errors to
    #[arg(long, default_value = "docs")]
    docs: PathBuf,
}

pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let contract = |document| api::openapi::to_text(&document);
    let files = [
        (
            args.out.join("mediamill.openapi.json"),
            contract(api::openapi::document_31()),
        ),
        (
            args.out.join("mediamill.openapi-3.0.json"),
            contract(api::openapi::document_30()),
        ),
        (args.docs.join("errors.md"), api::pages::errors::markdown()),
    ];
    for folder in [&args.out, &args.docs] {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    for (path, text) in files {
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
