//! Sending a file through again that was refused, cancelled or failed by mistake. For operators: over HTTP and from the
//! command line.

use media::FileId;
use media::files::{self, FileStatus, NotRevived};
use serde_json::json;
use sqlx::{Connection as _, PgPool};
use uuid::Uuid;
use workflows::admin::{Actor, AdminError, audit, runs};
use workflows::{StoreError, inspect};

/// A file that cannot be sent through again.
#[derive(Debug, thiserror::Error)]
pub enum NotRetried {
    /// There is no such file.
    #[error("there is no file {0}")]
    NoSuchFile(Uuid),
    /// The file is in a state from which it cannot be sent through again.
    #[error("{0}")]
    Conflict(String),
    /// The engine or the database says no.
    #[error(transparent)]
    Admin(#[from] AdminError),
}

impl From<StoreError> for NotRetried {
    fn from(error: StoreError) -> Self {
        Self::Admin(error.into())
    }
}

impl From<sqlx::Error> for NotRetried {
    fn from(error: sqlx::Error) -> Self {
        Self::Admin(error.into())
    }
}

/// Starts the file's run again from its first step. Returns the run. `by` must tell the hooks of the file's workflow,
/// which have the last word.
pub async fn retry(pool: &PgPool, file_id: FileId, by: Actor<'_>) -> Result<Uuid, NotRetried> {
    let run = inspect::latest_run(pool, file_id.0).await?;
    let mut connection = media::pool::borrow(pool).await?;
    let file = files::load(&mut connection, file_id).await?;
    let file = file.ok_or(NotRetried::NoSuchFile(file_id.0))?;
    let conflict = |why: &str| Err(NotRetried::Conflict(why.to_owned()));
    if file.deleted {
        return conflict("the file was deleted");
    }
    match file.status {
        FileStatus::Ready => return conflict("the file is READY"),
        FileStatus::Pending => return conflict("the file's upload is not complete"),
        // Whether its run has ended, the engine knows.
        _ => {}
    }
    let Some(run) = run else {
        return conflict(
            "the file has no run that could start again: its upload was never completed, or long ago",
        );
    };
    let mut transaction = connection.begin().await?;
    let hints = runs::restart_in(&mut transaction, run.run_id, None, by).await;
    let hints = hints.map_err(in_our_words)?;
    let details = json!({ "run": run.run_id, "was": file.outcome.as_str() });
    audit::record_in(&mut transaction, by, "file.retry", file_id.0, details).await?;
    transaction.commit().await?;
    drop(connection);
    hints.send(pool).await;
    Ok(run.run_id.0)
}

/// A hook that refuses has a reason that people should read.
pub fn in_our_words(error: AdminError) -> NotRetried {
    match error {
        AdminError::Hook(error) => match error.downcast::<NotRevived>() {
            Ok(why) if !matches!(*why, NotRevived::Database(_)) => {
                NotRetried::Conflict(why.to_string())
            }
            Ok(why) => NotRetried::Admin(AdminError::Hook(why)),
            Err(error) => NotRetried::Admin(AdminError::Hook(error)),
        },
        other => other.into(),
    }
}
