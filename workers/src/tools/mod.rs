//! What the steps work with: database, object store, virus scanner, decoders, local scratch.

pub mod clamd;
mod scratch;

use decoders::{ImageLimits, Launcher};
use media::{
    UploadId, keys,
    limits::Limits,
    storage::{Bucket, ObjectStore, StorageConfig, StorageError},
};
use sqlx::PgPool;

pub use scratch::{Scratch, ScratchError, ScratchFile};

use self::clamd::{ClamdAddress, ClamdClient};

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
}

impl Tools {
    /// Tools that reach nothing, for a route of which only the names are asked.
    pub(crate) fn unconnected(pool: PgPool) -> Self {
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
