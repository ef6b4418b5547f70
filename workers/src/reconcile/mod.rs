//! Compares the buckets with the database, both ways: what READY files need and is not there, and what is there and
//! nobody needs. It only reports; [`remove`] removes one of the latter, when somebody has decided so.

mod remove;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use media::{
    UploadId,
    files::reconcile::{self, Expected},
    keys,
};
use sqlx::PgPool;
use storage::{Bucket, ListedObject, ObjectKey, ObjectStore, OpenUpload, StorageError, check};

pub use self::remove::remove;

/// Objects that one request lists, and rows that one statement reads.
const BATCH: i32 = 1000;
/// Objects that are looked for at once.
const AT_ONCE: usize = 16;

/// Something that is in one of the two and not in the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// A READY file needs it, and the origin bucket does not have it.
    Missing(Expected),
    /// It is of the kind that we store, and no file has a claim on it.
    Unclaimed(Bucket, ListedObject),
    /// A multipart upload whose session is over, or unknown.
    Forgotten(OpenUpload),
    /// It is of no kind that we store. It is somebody else's.
    Foreign(Bucket, ObjectKey),
}

/// What a comparison looked at.
#[derive(Debug, Default, Clone, Copy)]
pub struct Looked {
    /// Objects of both buckets.
    pub objects: u64,
    /// Objects that files need.
    pub expected: u64,
}

/// What is compared.
#[derive(Debug)]
pub struct Compared<'a> {
    pub pool: &'a PgPool,
    pub store: &'a ObjectStore,
    /// Nothing younger is reported: it may be on its way into the database.
    pub before: DateTime<Utc>,
}

impl Compared<'_> {
    /// Compares everything, a page at a time, and tells every difference as it is found.
    ///
    /// # Errors
    /// Those of the database, of the store and of `tell`; what was told before stands.
    pub async fn run<E>(
        &self,
        mut tell: impl AsyncFnMut(Difference) -> Result<(), E>,
    ) -> Result<Looked, E>
    where
        E: From<sqlx::Error> + From<StorageError>,
    {
        let expected = self.missing(&mut tell).await?;
        let mut objects = 0;
        for bucket in [Bucket::Origin, Bucket::Staging] {
            objects += self.unclaimed(bucket, &mut tell).await?;
        }
        self.forgotten(&mut tell).await?;
        Ok(Looked { objects, expected })
    }

    async fn missing<E>(
        &self,
        tell: &mut impl AsyncFnMut(Difference) -> Result<(), E>,
    ) -> Result<u64, E>
    where
        E: From<sqlx::Error> + From<StorageError>,
    {
        let (mut looked, mut last) = (0, None);
        loop {
            let mut connection = media::pool::borrow(self.pool).await?;
            let page = reconcile::expected(&mut connection, last.as_ref(), BATCH.into()).await?;
            drop(connection);
            let Some(end) = page.last() else {
                return Ok(looked);
            };
            last = Some(end.clone());
            looked += page.len() as u64;
            let absent = stream::iter(page)
                .map(async |expected| {
                    Ok::<_, StorageError>((self.is_there(&expected.key).await?, expected))
                })
                .buffered(AT_ONCE)
                .try_filter(|(there, _)| std::future::ready(!there));
            let absent: Vec<_> = absent.try_collect().await?;
            for (_, expected) in absent {
                tell(Difference::Missing(expected)).await?;
            }
        }
    }

    async fn is_there(&self, key: &ObjectKey) -> Result<bool, StorageError> {
        if key.as_str().ends_with('/') {
            let below = self.store.list(Bucket::Origin, Some(key), None, 1).await?;
            return Ok(!below.is_empty());
        }
        Ok(self.store.head(Bucket::Origin, key).await?.is_some())
    }

    async fn unclaimed<E>(
        &self,
        bucket: Bucket,
        tell: &mut impl AsyncFnMut(Difference) -> Result<(), E>,
    ) -> Result<u64, E>
    where
        E: From<sqlx::Error> + From<StorageError>,
    {
        let (mut looked, mut last) = (0, None);
        loop {
            let page = self.store.list(bucket, None, last.as_ref(), BATCH).await?;
            let Some(end) = page.last() else {
                return Ok(looked);
            };
            last = Some(end.key.clone());
            looked += page.len() as u64;
            let old = page
                .into_iter()
                .filter(|object| object.modified_at < self.before);
            let (ours, foreign): (Vec<_>, Vec<_>) =
                old.partition(|object| is_ours(bucket, &object.key));
            for object in foreign {
                tell(Difference::Foreign(bucket, object.key)).await?;
            }
            let needless = self.needless(bucket, &ours).await?;
            for object in ours {
                if needless.contains(object.key.as_str()) {
                    tell(Difference::Unclaimed(bucket, object)).await?;
                }
            }
        }
    }

    /// Which of these objects nobody needs.
    async fn needless(
        &self,
        bucket: Bucket,
        objects: &[ListedObject],
    ) -> Result<HashSet<String>, sqlx::Error> {
        let text = |object: &ListedObject| object.key.as_str().to_owned();
        // What checks left is nobody's, and says so.
        let (checks, files): (Vec<_>, Vec<_>) = objects
            .iter()
            .partition(|object| is_of_a_check(&object.key));
        let checks = checks.into_iter().map(text);
        let mut connection = media::pool::borrow(self.pool).await?;
        let needless = match bucket {
            Bucket::Origin => {
                let listed: Vec<_> = files.iter().map(|object| text(object)).collect();
                let prefixes = files
                    .iter()
                    .map(|object| claimed_by(&object.key).to_owned());
                let prefixes: Vec<_> = prefixes.collect();
                reconcile::unclaimed(&mut connection, &listed, &prefixes).await?
            }
            Bucket::Staging => {
                let of = files
                    .iter()
                    .filter_map(|object| Some((keys::upload_of(&object.key)?, text(object))));
                let mut by_upload: BTreeMap<UploadId, Vec<String>> = BTreeMap::new();
                for (upload, key) in of {
                    by_upload.entry(upload).or_default().push(key);
                }
                let uploads: Vec<_> = by_upload.keys().copied().collect();
                let needless = reconcile::without_staging(&mut connection, &uploads).await?;
                let keys = needless
                    .iter()
                    .filter_map(|upload| by_upload.remove(upload));
                keys.flatten().collect()
            }
        };
        Ok(needless.into_iter().chain(checks).collect())
    }

    async fn forgotten<E>(
        &self,
        tell: &mut impl AsyncFnMut(Difference) -> Result<(), E>,
    ) -> Result<(), E>
    where
        E: From<sqlx::Error> + From<StorageError>,
    {
        let uploads = self.store.open_uploads(None).await?;
        let old = uploads
            .into_iter()
            .filter(|upload| upload.begun_at < self.before);
        for upload in old {
            let id = keys::upload_of(&upload.key);
            let Some(id) = id.filter(|_| is_ours(Bucket::Staging, &upload.key)) else {
                if is_of_a_check(&upload.key) {
                    tell(Difference::Forgotten(upload)).await?;
                } else {
                    tell(Difference::Foreign(Bucket::Staging, upload.key)).await?;
                }
                continue;
            };
            let mut connection = media::pool::borrow(self.pool).await?;
            let over = reconcile::without_staging(&mut connection, &[id]).await?;
            drop(connection);
            if !over.is_empty() {
                tell(Difference::Forgotten(upload)).await?;
            }
        }
        Ok(())
    }
}

/// Below which prefix a file would have claimed an object; itself, where it is claimed by itself.
fn claimed_by(key: &ObjectKey) -> &str {
    keys::claimed_prefix(key).unwrap_or(key.as_str())
}

fn is_of_a_check(key: &ObjectKey) -> bool {
    let ours = [check::PREFIX, keys::START_UP_PROBES];
    ours.iter().any(|prefix| key.as_str().starts_with(prefix))
}

fn is_ours(bucket: Bucket, key: &ObjectKey) -> bool {
    is_of_a_check(key)
        || match bucket {
            Bucket::Origin => keys::is_of_a_file(key),
            Bucket::Staging => keys::upload_of(key).is_some() || *key == keys::health_probe(),
        }
}
