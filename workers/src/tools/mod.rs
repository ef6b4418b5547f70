//! What the steps work with: database, object store, virus scanner, decoders, local scratch.

pub mod clamd;
mod scratch;

use decoders::{ImageLimits, Launcher};
use media::{
    UploadId, keys,
    limits::Limits,
    storage::{Bucket, ObjectStore, StorageError},
};
use sqlx::PgPool;

pub use scratch::{Scratch, ScratchError, ScratchFile};

use self::clamd::ClamdClient;

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
    /// Base of the public addresses, without a slash at the end.
    pub cdn_base_url: String,
}

impl Tools {
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
