//! What the steps work with: database, object store, virus scanner, decoders, local scratch.

mod scratch;

use std::time::Duration;

use codecs::{ImageLimits, Launcher};
use media::{
    FileId, UploadId,
    files::{
        Kept,
        objects::{self, Claim},
    },
    keys,
    limits::Limits,
    pool::Borrowed,
};
use sqlx::PgPool;
use storage::{Bucket, ObjectKey, ObjectStore, StorageConfig, StorageError};
use workflows::{NextOnError, StepError};

pub use scratch::{Scratch, ScratchError, ScratchFile};

use crate::errors;
use scanner::{ClamdAddress, ClamdClient};

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

/// Everything a step may touch, made once per process.
pub struct Tools {
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
    /// For how long what was refused is kept.
    pub kept: Kept,
}

impl Tools {
    /// Tools that reach nothing, for a route of which only the names are asked.
    pub(crate) fn unconnected(pool: PgPool, kept: Kept) -> Self {
        let nowhere = StorageConfig {
            endpoint: Some("http://localhost:0".to_owned()),
            public_endpoint: None,
            region: String::new(),
            access_key_id: String::new(),
            secret_access_key: String::new(),
            path_style: true,
            staging_bucket: String::new(),
            origin_bucket: String::new(),
        };
        Self {
            pool,
            store: ObjectStore::new(&nowhere),
            clamd: ClamdClient::new(ClamdAddress::Unix("/dev/null".into())),
            decoders: Launcher::current_program(),
            scratch: Scratch::nowhere(),
            limits: Limits::default(),
            kept,
        }
    }

    /// A connection for a moment.
    pub(crate) async fn connection(&self) -> Result<Borrowed, StepError> {
        let borrowed = media::pool::borrow(&self.pool).await;
        borrowed.map_err(errors::database)
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
