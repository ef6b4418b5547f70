//! `mediamill files`: what operators do with files.

use std::process::ExitCode;

use anyhow::Context;
use api::v1::{
    admin::{ToJSON, view::RunEntryView},
    files::{
        delete::Deletion,
        get::{self, FileDetail},
        retry,
    },
};
use clap::Subcommand;
use media::{FileId, files};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;
use workers::workflows::discard;
use workflows::{Hints, admin::runs};

use super::admin::{self, Because, Output};
use crate::{
    clock,
    output::{harmless, out},
    settings,
};

#[derive(Subcommand)]
pub enum Command {
    /// Show a file as its owner sees it. Addresses begin with `MEDIAMILL_CDN_BASE_URL`, where that is set
    Show {
        /// The file
        id: Uuid,
        #[command(flatten)]
        output: Output,
    },
    /// Send a file through again that was refused, cancelled or failed by mistake, as long as its bytes are kept
    Retry {
        /// The file
        id: Uuid,
        #[command(flatten)]
        because: Because,
        #[command(flatten)]
        output: Output,
    },
    /// Take a file down, as if its owner had deleted it: variants and original are removed from storage
    Delete {
        /// The file
        id: Uuid,
        #[command(flatten)]
        because: Because,
    },
}

pub async fn run(pool: &PgPool, command: Command) -> anyhow::Result<ExitCode> {
    let hooks = admin::hooks()?;
    match command {
        Command::Show { id, output } => show(pool, FileId(id), &output).await,
        Command::Retry {
            id,
            because,
            output,
        } => {
            let by = because.by().telling(&hooks);
            let run_id = retry::retry(pool, FileId(id), by).await?;
            if output.json {
                return admin::json(&RunEntryView::from(runs::get(pool, run_id.into()).await?));
            }
            admin::done(format_args!(
                "file {id} is on its way again, by run {run_id}"
            ))
        }
        Command::Delete { id, because } => {
            let deletion = Deletion {
                pool,
                discards: &discard::starter().hinting(&Hints::new(pool)),
                now: clock::now(),
                by: because.by().telling(&hooks),
            };
            deletion.by_operator(FileId(id)).await?;
            admin::done(format_args!("file {id} is gone, and its bytes go soon"))
        }
    }
}

async fn show(pool: &PgPool, id: FileId, output: &Output) -> anyhow::Result<ExitCode> {
    let base = settings::cdn_base_url()?.unwrap_or_default();
    let mut connection = media::pool::borrow(pool).await?;
    let file = files::load(&mut connection, id).await?;
    let file = file.with_context(|| format!("there is no file {id}"))?;
    let owner = file.owner_id.clone();
    let detail: anyhow::Result<FileDetail> = get::detail(pool, connection, file, &base, true).await;
    let detail = detail?;
    if output.json {
        return admin::json(&detail);
    }
    let detail = detail.to_json().unwrap_or_default();
    let text = |value: &Value| match value {
        Value::String(text) => harmless(text),
        Value::Null => String::new(),
        value => value.to_string(),
    };
    out!("file         {id}")?;
    out!("owner        {}", harmless(owner.as_str()))?;
    for (name, pointer) in [
        ("name", "/filename"),
        ("type", "/content_type"),
        ("bytes", "/size_bytes"),
        ("status", "/status"),
        ("outcome", "/outcome"),
        ("rejection", "/rejection/code"),
        ("message", "/rejection/message"),
        ("placeholder", "/placeholder/color"),
        ("thumbhash", "/placeholder/thumbhash"),
        ("run", "/run/run_id"),
    ] {
        if let Some(value) = detail.pointer(pointer) {
            out!("{name:<13}{}", text(value))?;
        }
    }
    for warning in detail["warnings"].as_array().into_iter().flatten() {
        out!("warning      {}", text(warning))?;
    }
    let variants = detail["variants"].as_array().into_iter().flatten();
    for variant in variants {
        let [kind, page, width, height, url] =
            ["kind", "page", "width", "height", "url"].map(|name| text(&variant[name]));
        let size = format!("{width}x{height}");
        let size = if size == "x" { "" } else { &size };
        out!("{:<13}{size:<11} {url}", format!("{kind} {page}"))?;
    }
    Ok(ExitCode::SUCCESS)
}
