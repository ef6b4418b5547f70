//! A second server that follows the first, and takes over.

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use super::{Postgres, SIGNALS, USER};
use crate::{Error, children::ChildProcess, folder::Folder};

/// The copy of a database of tests takes a second.
const COPY_PATIENCE: Duration = Duration::from_mins(2);

impl Postgres {
    /// Starts a standby in `data_dir`, a folder without a cluster. It reaches this server at `primary`
    /// (for example a [`TcpProxy`](crate::TcpProxy), as the server itself has no port), and has the same
    /// password.
    pub async fn standby(&self, data_dir: &Path, primary: SocketAddr) -> Result<Self, Error> {
        let folder = Folder::open(data_dir)?;
        let data = folder.private("data")?;
        folder.write_private("password", &self.password)?;
        let password_file =
            folder.write_private("pgpass", &format!("*:*:*:*:{}", self.password))?;
        // The way is ours, and a proxy may read along. The standby keeps to all of it too.
        let way = format!(
            "host={} port={} user={USER} passfile={} sslmode=disable gssencmode=disable",
            primary.ip(),
            primary.port(),
            password_file.display(),
        );
        let mut backup = Command::new(self.binaries.path("pg_basebackup"));
        backup
            .args([
                "--wal-method=stream",
                "--checkpoint=fast",
                "--no-sync",
                "--no-password",
            ])
            // Leaves the settings by which the copy is a standby.
            .arg("--write-recovery-conf")
            .arg(format!("--pgdata={}", data.display()))
            .arg(format!("--dbname={way}"));
        ChildProcess::start(&folder, backup, "basebackup.log", SIGNALS)?
            .succeed(COPY_PATIENCE)
            .await?;
        let mut standby = Self {
            process: None,
            binaries: super::Binaries::find(&data)?,
            folder,
            data,
            password: self.password.clone(),
            fsync: self.fsync,
        };
        standby.launch().await?;
        Ok(standby)
    }

    /// Makes a standby the primary. Returns when it takes writes.
    pub async fn promote(&self) -> Result<(), Error> {
        let mut admin = self.admin().await?;
        let promoted: bool = sqlx::query_scalar("SELECT pg_promote(true, 60)")
            .fetch_one(&mut admin)
            .await
            .map_err(|source| Error::Database {
                action: "promote the standby",
                source,
            })?;
        if promoted {
            Ok(())
        } else {
            Err(Error::NotReady {
                program: "the promoted standby".to_owned(),
                within: Duration::from_mins(1),
                log: self.folder.path().join("postgres.log"),
            })
        }
    }
}
