//! Removes what nobody needs, one thing at a time.

use std::time::Duration;

use media::{UploadId, files::reconcile, keys};
use sqlx::{Connection, PgPool};
use storage::{Bucket, ListedObject, ObjectStore, StorageError};

use super::{Difference, claimed_by, is_of_a_check};

/// Time to delete one object: files that want to claim it wait for so long.
const PATIENCE: Duration = Duration::from_secs(5);

/// Removes it, unless somebody has begun to need it meanwhile. Returns whether it did. What is missing and what is not
/// ours cannot be removed.
///
/// # Errors
/// Those of the database and of the store. The object may be gone all the same.
pub async fn remove<E>(pool: &PgPool, store: &ObjectStore, what: &Difference) -> Result<bool, E>
where
    E: From<sqlx::Error> + From<StorageError>,
{
    match what {
        Difference::Missing(_) | Difference::Foreign(..) => Ok(false),
        Difference::Unclaimed(Bucket::Origin, object) => unclaimed(pool, store, object).await,
        Difference::Unclaimed(Bucket::Staging, object) => {
            let needless = match keys::upload_of(&object.key) {
                Some(upload) => without_staging(pool, upload).await?,
                None => is_of_a_check(&object.key),
            };
            if needless {
                store.delete(Bucket::Staging, &object.key).await?;
            }
            Ok(needless)
        }
        Difference::Forgotten(upload) => {
            store
                .abort_multipart(&upload.key, &upload.upload_id)
                .await?;
            Ok(true)
        }
    }
}

async fn without_staging(pool: &PgPool, upload: UploadId) -> Result<bool, sqlx::Error> {
    let mut connection = media::pool::borrow(pool).await?;
    let needless = reconcile::without_staging(&mut connection, &[upload]).await?;
    Ok(!needless.is_empty())
}

/// A file that claims the object from now on waits, and then makes it anew.
async fn unclaimed<E>(pool: &PgPool, store: &ObjectStore, object: &ListedObject) -> Result<bool, E>
where
    E: From<sqlx::Error> + From<StorageError>,
{
    let mut connection = media::pool::borrow(pool).await?;
    let mut transaction = connection.begin().await?;
    let (key, prefix) = (object.key.as_str(), claimed_by(&object.key));
    let held = reconcile::hold_unclaimed(&mut transaction, key, prefix).await?;
    if held {
        let deleted = tokio::time::timeout(PATIENCE, store.delete(Bucket::Origin, &object.key));
        let deleted = deleted.await.unwrap_or_else(|_| {
            Err(StorageError::Unavailable {
                operation: "DeleteObject",
                source: "no answer in time".into(),
            })
        });
        deleted?;
    }
    transaction.commit().await?;
    Ok(held)
}
