//! Runs a command with `DATABASE_URL` set to a new database, made by SQL files, that goes with it:
//!
//! ```sh
//! cargo run -p devkit --bin with_database -- migrations workflows/migrations -- psql
//! ```
//!
//! The files of all folders are applied in the order of their names. `just sqlx-prepare` uses this.

#![expect(
    clippy::disallowed_methods,
    reason = "runs the command that it is given"
)]

use std::{error::Error, fs, path::PathBuf, process::Command, process::ExitCode};

use devkit::TestCluster;
use sqlx::{Connection, PgConnection};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut parts = arguments.splitn(2, |argument| argument == "--");
    let (Some(folders), Some([program, rest @ ..])) = (parts.next(), parts.next()) else {
        return Err("usage: with_database [FOLDER...] -- COMMAND [ARGUMENT...]".into());
    };

    let database = TestCluster::shared().await?.empty_database().await?;
    let mut connection = PgConnection::connect(database.url()).await?;
    for file in sql_files(folders)? {
        let sql = fs::read_to_string(&file)?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .map_err(|error| format!("{}: {error}", file.display()))?;
    }
    connection.close().await?;

    let status = Command::new(program)
        .args(rest)
        .env("DATABASE_URL", database.url())
        .status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

fn sql_files(folders: &[String]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
        for entry in entries {
            files.push(entry?.path());
        }
    }
    files.retain(|file| file.extension().is_some_and(|kind| kind == "sql"));
    files.sort_by_key(|file| file.file_name().map(ToOwned::to_owned));
    Ok(files)
}
