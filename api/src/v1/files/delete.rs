//! Deleting a file, however it stands: by its owner with `DELETE /v1/files/{file_id}`, or by an operator who takes it down.
//! In one transaction: the upload or the run is ended, the file is out of sight, and the removal of every byte is on its
//! way, durably.

use std::time::Duration;

use chrono::{DateTime, Utc};
use media::files::{self, MoveError, Refused};
use media::uploads::{self, Upload, UploadState};
use media::{FileId, OwnerId, Rejection, RejectionCode};
use serde_json::json;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;
use workflows::admin::{Actor, AdminError, Hints, audit, runs};
use workflows::{StartError, Starter, StoreError, inspect};

/// What a step that was just stopped may still take to stop writing.
const STOPPING: Duration = Duration::from_secs(5);

/// A file that was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum NotDeleted {
    /// There is no such file, or it is another owner's.
    #[error("there is no file {0}")]
    NoSuchFile(Uuid),
    /// The run was not cancelled.
    #[error(transparent)]
    Run(#[from] AdminError),
    /// The removal of the bytes was not started.
    #[error("the removal of its bytes could not be started")]
    Discard(#[from] StartError),
    /// The file's status was not changed.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The database says no.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// The engine could not say what run the file has.
    #[error(transparent)]
    Engine(#[from] StoreError),
}

/// Who deletes, and with what.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "a starter has none")]
pub struct Deletion<'a> {
    /// The database.
    pub pool: &'a PgPool,
    /// Starts the removal of the bytes.
    pub discards: &'a Starter<Refused>,
    /// The present.
    pub now: DateTime<Utc>,
    /// Who, and why. Must tell the hooks of the file's workflow.
    pub by: Actor<'a>,
}

impl Deletion<'_> {
    /// Deletes a file of the owner. Saying it twice does no harm.
    pub async fn by_owner(&self, owner_id: &OwnerId, file_id: FileId) -> Result<(), NotDeleted> {
        self.delete(owner_id, file_id, false).await
    }

    /// Takes down anybody's file, which is kept in the audit.
    pub async fn by_operator(&self, file_id: FileId) -> Result<(), NotDeleted> {
        let mut connection = media::pool::borrow(self.pool).await?;
        let file = files::load(&mut connection, file_id).await?;
        drop(connection);
        let file = file.ok_or(NotDeleted::NoSuchFile(file_id.0))?;
        self.delete(&file.owner_id, file_id, true).await
    }

    async fn delete(
        &self,
        owner_id: &OwnerId,
        file_id: FileId,
        audited: bool,
    ) -> Result<(), NotDeleted> {
        let mut connection = media::pool::borrow(self.pool).await?;
        let mut transaction = connection.begin().await?;
        let tx = &mut *transaction;
        let missing = || NotDeleted::NoSuchFile(file_id.0);
        let upload = uploads::lock_of_file(tx, owner_id, file_id).await?;
        let upload = upload.ok_or_else(missing)?;
        let file = files::load(tx, file_id).await?.ok_or_else(missing)?;
        if file.deleted {
            return Ok(());
        }
        let stopped = if let UploadState::Open = upload.state {
            self.abort(tx, &upload).await?;
            Hints::default()
        } else {
            self.cancel(tx, file_id).await?
        };
        self.remove(tx, &upload, &stopped).await?;
        if audited {
            let details = json!({ "was": file.outcome.as_str() });
            audit::record_in(tx, self.by, "file.delete", file_id.0, details).await?;
        }
        transaction.commit().await?;
        drop(connection);
        stopped.send(self.pool).await;
        tracing::info!(media.file_id = %file_id, "file deleted");
        Ok(())
    }

    async fn abort(&self, tx: &mut PgConnection, upload: &Upload) -> Result<(), NotDeleted> {
        uploads::abort(tx, &upload.owner_id, upload.upload_id, self.now).await?;
        let message = "the file was deleted";
        let rejection = Rejection::new(RejectionCode::UploadAborted, message).at("upload");
        Ok(files::mark_rejected(tx, upload.file_id, &rejection).await?)
    }

    /// Ends the file's run, if it has one that has not ended.
    async fn cancel(&self, tx: &mut PgConnection, file_id: FileId) -> Result<Hints, NotDeleted> {
        let Some(run_id) = inspect::live_run(tx, file_id.0).await? else {
            return Ok(Hints::default());
        };
        match runs::cancel_in(tx, run_id, self.by).await {
            // It came to its end just now.
            Err(AdminError::Conflict(_)) => Ok(Hints::default()),
            cancelled => Ok(cancelled?),
        }
    }

    /// Puts the file out of sight, and its bytes on their way out.
    async fn remove(
        &self,
        tx: &mut PgConnection,
        upload: &Upload,
        stopped: &Hints,
    ) -> Result<(), NotDeleted> {
        let after = if *stopped == Hints::default() {
            Duration::ZERO
        } else {
            STOPPING
        };
        files::delete(tx, upload.file_id).await?;
        files::keep(tx, upload.file_id, after).await?;
        let (upload_id, owner) = (upload.upload_id, upload.owner_id.as_str());
        let discards = self.discards.clone().delay(after);
        discards
            .start(tx, upload_id.0, owner, &Refused { upload_id })
            .await?;
        Ok(())
    }
}
