//! What the steps work with: database, object store, virus scanner, decoders, local scratch.

pub mod scratch;
mod served;
mod shelf;
mod workplace;

use std::{fs::File, path::Path, sync::Arc, time::Duration};

use codecs::{Decoders, LibreOffice};
use media::{
    FileId, UploadId,
    files::{
        self,
        objects::{self, Claim},
    },
    keys,
    limits::Limits,
    pool::Borrowed,
    recipes::Extras,
    type_rules::TypeRules,
    uploads::{self, Upload},
};
use sqlx::PgPool;
use storage::{Bucket, ObjectKey, ObjectStore, StorageError};
use tempfile::TempDir;
use video::exec::Tools;
use workflows::{NextOnError, StepError};

pub use scratch::{Partial, Reader, Scratch, ScratchError, ScratchFile};
pub(crate) use served::{checked, resolve};
pub(crate) use shelf::Shelf;
pub(crate) use workplace::Workplace;

use crate::{errors, kinds::Source};
use scanner::ClamdClient;

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

#[derive(Debug, thiserror::Error)]
#[error("{0} is not in the origin bucket as it was stored")]
struct Differs(String);

/// Everything a step may touch, made once per process.
pub struct Context {
    /// The domain's database.
    pub pool: PgPool,
    /// Staging and origin.
    pub store: ObjectStore,
    /// The virus scanner.
    pub clamd: ClamdClient,
    /// Most bytes that it is given at once.
    pub scan_piece_bytes: u64,
    /// Decode in confined processes.
    pub decoders: Decoders,
    /// ffmpeg and ffprobe, confined.
    pub tools: Tools,
    /// LibreOffice, confined, where there is one.
    pub office: Option<LibreOffice>,
    /// About how long the encoding of a piece of a film takes, in seconds of one processor.
    pub video_chunk_seconds: u32,
    /// Of how many pages of a document pictures are made, counted from the first.
    pub document_pages: u32,
    /// Whether pictures say whose they are, as the file does.
    pub keep_rights: bool,
    /// What is made beside what is always made.
    pub extras: Extras,
    /// Local copies.
    pub scratch: Scratch,
    /// What is too much.
    pub limits: Limits,
    /// Which types are taken.
    pub types: TypeRules,
}

impl Context {
    /// A connection for a moment.
    pub(crate) async fn connection(&self) -> Result<Borrowed, StepError> {
        let borrowed = media::pool::borrow(&self.pool).await;
        borrowed.map_err(errors::database)
    }

    /// The file that a run is about.
    pub(crate) async fn file(&self, file_id: FileId) -> Result<files::File, StepError> {
        let mut connection = self.connection().await?;
        let file = files::load(&mut connection, file_id).await;
        file.map_err(errors::database)?
            .ok_or(Missing("file"))
            .or_fail()
    }

    /// What was found in the bytes of a file, which is on record once it was probed.
    pub(crate) async fn found(&self, file_id: FileId) -> Result<files::Facts, StepError> {
        let facts = self.file(file_id).await?.facts;
        facts.ok_or(Missing("content")).or_fail()
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
        let tails = keys::tails(upload_id);
        self.store.delete_below(Bucket::Staging, &tails).await
    }

    /// A local copy of bytes, opened for reading.
    pub(crate) async fn open(&self, source: &Source) -> Result<File, StepError> {
        let Source {
            bucket,
            key,
            sha256,
        } = source;
        let file = self.scratch.fetch(&self.store, *bucket, key, sha256).await;
        file.map_err(errors::scratch)
    }

    /// A local copy of bytes under a name of its own, in a folder of the scratch folder.
    pub(crate) async fn link(&self, source: &Source, to: &Path) -> Result<(), StepError> {
        let Source {
            bucket,
            key,
            sha256,
        } = source;
        let link = self.scratch.link(&self.store, *bucket, key, sha256, to);
        link.await.map_err(errors::scratch)
    }

    /// The same of an original of which no more is copied than is read; `None` where all of it is here.
    pub(crate) async fn part(
        &self,
        source: &Source,
        to: &Path,
    ) -> Result<Option<Arc<Partial>>, StepError> {
        let Source {
            bucket,
            key,
            sha256,
        } = source;
        let part = self.scratch.part(&self.store, *bucket, key, sha256, to);
        part.await.map_err(errors::scratch)
    }

    /// Fails unless the object is in the origin bucket with so many bytes.
    pub(crate) async fn in_place(&self, key: &ObjectKey, size_bytes: u64) -> Result<(), StepError> {
        let object = self.store.head(Bucket::Origin, key).await;
        match object.map_err(errors::storage)? {
            Some(object) if object.size_bytes == size_bytes => Ok(()),
            Some(_) => Err(Differs(key.to_string())).or_fail(),
            None => Err(errors::absent(key)),
        }
    }

    /// An empty folder, deleted when dropped.
    pub(crate) fn folder(&self) -> Result<TempDir, StepError> {
        let folder = self.scratch.folder();
        folder.map_err(|error| errors::machine("cannot make a scratch folder", error))
    }
}
