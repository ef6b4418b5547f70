//! `mediamill keys`: API keys for production, where no command makes one by itself.

use std::process::ExitCode;

use anyhow::Context;
use chrono::Utc;
use clap::Subcommand;
use media::{
    OwnerId,
    api_keys::{self, ApiKey, Scope},
};
use uuid::Uuid;

use crate::{database, settings};

#[derive(Subcommand)]
pub enum Command {
    /// Make a key and print it, once: only its hash is stored
    Create {
        /// Whose files it reaches
        #[arg(long)]
        owner: OwnerId,
        /// What it allows: uploads:write, files:read, admin
        #[arg(long = "scope", required = true)]
        scopes: Vec<Scope>,
        /// For people
        #[arg(long, default_value = "")]
        name: String,
    },
    /// End a key for good
    Revoke {
        /// The id that was printed beside the key
        id: Uuid,
    },
}

pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let pool = database::connect(&settings::database()?.url).await?;
    let mut connection = pool.acquire().await?;
    match command {
        Command::Create {
            owner,
            scopes,
            name,
        } => {
            let (id, key) = (Uuid::now_v7(), ApiKey::generate());
            api_keys::create(
                &mut connection,
                id,
                &key,
                &owner,
                &scopes,
                &name,
                Utc::now(),
            )
            .await
            .context("cannot store the key")?;
            eprintln!("key {id} of {owner}");
            println!("{}", key.reveal());
        }
        Command::Revoke { id } => {
            if !api_keys::revoke(&mut connection, id, Utc::now()).await? {
                eprintln!("mediamill: there is no living key {id}");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
