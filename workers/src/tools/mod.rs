//! What the steps work with: database, object store, virus scanner, decoders, local scratch.

pub mod clamd;
mod scratch;

use std::time::Duration;

use decoders::{ImageLimits, Launcher};
use media::{
    FileId, UploadId,
    files::{
        self, File,
        objects::{self, Claim},
    },
    keys,
    limits::Limits,
    pool::Borrowed,
    storage::{Bucket, ObjectKey, ObjectStore, StorageError},
    uploads::{self, Upload},
};
use sqlx::PgPool;
use workflows::{NextOnError, StepError};

pub use scratch::{Scratch, ScratchError, ScratchFile};

use self::clamd::ClamdClient;
use crate::errors;

/// Time to remove an object that another file had in common with this one.
const REMOVAL: Duration = Duration::from_secs(10);

/// Why nothing may be made now.
#[derive(Debug, thiserror::Error)]
enum Unclaimed {
    #[error("{0} is just being removed, with the last file that needed it")]
    BeingRemoved(String),
    #[error("the file has come to its end meanwhile")]
    Over,
}

/// What a run is about is not on record.
#[derive(Debug, thiserror::Error)]
#[error("the {0} of this run does not exist")]
pub(crate) struct Missing(pub &'static str);

/// Everything a step may touch, made once per process.
pub struct Context {
    /// The domain's database.
    pub pool: PgPool,
    /// Staging and origin.
    pub store: ObjectStore,
    /// The virus scanner.
    pub clamd: ClamdClient,
    /// Starts confined decoder processes.
    pub decoders: Launcher,
    /// Local copies.
    pub scratch: Scratch,
    /// What is too much.
    pub limits: Limits,
}

impl Context {
    /// A connection for a moment.
    pub(crate) async fn connection(&self) -> Result<Borrowed, StepError> {
        let borrowed = media::pool::borrow(&self.pool).await;
        borrowed.map_err(errors::database)
    }

    /// The file that a run is about.
    pub(crate) async fn file(&self, file_id: FileId) -> Result<File, StepError> {
        let mut connection = self.connection().await?;
        let file = files::load(&mut connection, file_id).await;
        file.map_err(errors::database)?
            .ok_or(Missing("file"))
            .or_fail()
    }

    /// The upload by which a file came.
    pub(crate) async fn upload(&self, upload_id: UploadId) -> Result<Upload, StepError> {
        let mut connection = self.connection().await?;
        let upload = uploads::load(&mut connection, upload_id).await;
        upload
            .map_err(errors::database)?
            .ok_or(Missing("upload session"))
            .or_fail()
    }

    /// Puts down that an object is about to be made of a file, or all that is below a key.
    pub(crate) async fn claim(&self, file_id: FileId, key: &ObjectKey) -> Result<(), StepError> {
        let mut connection = self.connection().await?;
        let claim = objects::claim(&mut connection, file_id, key).await;
        match claim.map_err(errors::database)? {
            Claim::Claimed => Ok(()),
            Claim::BeingRemoved => Err(StepError::Retry {
                source: Box::new(Unclaimed::BeingRemoved(key.to_string())),
                after: Some(REMOVAL),
            }),
            Claim::Over => Err(Unclaimed::Over).or_fail(),
        }
    }

    /// Deletes what the client sent. Doing it again does no harm.
    pub async fn clear_staging(&self, upload_id: UploadId) -> Result<(), StorageError> {
        for key in [keys::staging(upload_id), keys::frozen(upload_id)] {
            self.store.delete(Bucket::Staging, &key).await?;
        }
        Ok(())
    }

    /// The domain's limits, as the decoders know them.
    pub fn image_limits(&self) -> ImageLimits {
        ImageLimits {
            max_input_bytes: self.limits.max_file_bytes,
            max_width: self.limits.max_image_side,
            max_height: self.limits.max_image_side,
            max_pixels: self.limits.max_image_pixels,
            max_frames: self.limits.max_image_frames,
            ..ImageLimits::default()
        }
    }
}
