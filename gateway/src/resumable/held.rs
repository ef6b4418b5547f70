//! The uploads that requests of this process are at. A later request, here or in another process, ends the earlier one:
//! here at once, elsewhere when that process looks at the database, which it does twice a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use api::http::problem::{Code, Problem};
use media::uploads::{Upload, resumable};
use media::{OwnerId, UploadId};
use poem::http::{HeaderValue, header};
use sqlx::PgPool;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Requests that send bytes through this process at a time, each of which may hold 16 MiB, and those of one owner.
const MOST: usize = 64;
const MOST_OF_AN_OWNER: usize = 32;

/// Time between two looks at the database, and how long one may take.
const LOOK: Duration = Duration::from_millis(400);

/// All of them. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Held(Arc<Mutex<Uploads>>);

#[derive(Debug, Default)]
struct Uploads {
    by_id: HashMap<UploadId, Holder>,
    watched: bool,
}

#[derive(Debug)]
struct Holder {
    owner_id: OwnerId,
    epoch: i64,
    lost: CancellationToken,
}

/// A request's hold on an upload, until it is dropped.
#[derive(Debug)]
pub struct Hold {
    held: Held,
    upload_id: UploadId,
    epoch: i64,
    lost: CancellationToken,
}

impl Held {
    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request has taken the upload: those with an earlier epoch are at an end.
    pub fn taken(&self, upload_id: UploadId, epoch: i64) {
        if let Some(holder) = self.uploads().by_id.get(&upload_id)
            && holder.epoch < epoch
        {
            holder.lost.cancel();
        }
    }

    /// Holds an upload that was taken, to send bytes. Refused when too many do already.
    pub fn hold(&self, pool: &PgPool, upload: &Upload, epoch: i64) -> Result<Hold, Problem> {
        self.taken(upload.upload_id, epoch);
        let mut uploads = self.uploads();
        uploads
            .by_id
            .retain(|_, holder| !holder.lost.is_cancelled());
        if uploads
            .by_id
            .get(&upload.upload_id)
            .is_some_and(|holder| holder.epoch > epoch)
        {
            return Err(displaced());
        }
        let of_owner = uploads
            .by_id
            .values()
            .filter(|h| h.owner_id == upload.owner_id)
            .count();
        if uploads.by_id.len() >= MOST || of_owner >= MOST_OF_AN_OWNER {
            return Err(crowded());
        }
        let lost = CancellationToken::new();
        let holder = Holder {
            owner_id: upload.owner_id.clone(),
            epoch,
            lost: lost.clone(),
        };
        uploads.by_id.insert(upload.upload_id, holder);
        if !std::mem::replace(&mut uploads.watched, true) {
            tokio::spawn(self.clone().watch(pool.clone()));
        }
        drop(uploads);
        Ok(Hold {
            held: self.clone(),
            upload_id: upload.upload_id,
            epoch,
            lost,
        })
    }

    /// Looks at the database as long as anything is held.
    async fn watch(self, pool: PgPool) {
        loop {
            sleep(LOOK).await;
            let Some(held) = self.snapshot() else {
                return;
            };
            match timeout(LOOK * 10, lost(&pool, &held)).await {
                Ok(Ok(lost)) => {
                    for (upload_id, epoch) in lost {
                        self.taken(upload_id, epoch + 1);
                    }
                }
                Ok(Err(error)) => tracing::warn!(%error, "cannot see who has taken an upload"),
                Err(late) => tracing::warn!(error = %late, "cannot see who has taken an upload"),
            }
        }
    }

    /// What is held; `None`, and nobody watches any more, if that is nothing.
    fn snapshot(&self) -> Option<Vec<(UploadId, i64)>> {
        let mut uploads = self.uploads();
        let held: Vec<_> = uploads
            .by_id
            .iter()
            .map(|(id, holder)| (*id, holder.epoch))
            .collect();
        uploads.watched = !held.is_empty();
        uploads.watched.then_some(held)
    }
}

async fn lost(
    pool: &PgPool,
    held: &[(UploadId, i64)],
) -> Result<Vec<(UploadId, i64)>, sqlx::Error> {
    let mut connection = media::pool::borrow(pool).await?;
    let lost = resumable::lost(&mut connection, held).await?;
    let held = held.iter().copied();
    Ok(held.filter(|(id, _)| lost.contains(id)).collect())
}

impl Hold {
    /// Ends when another request has taken the upload, or it is over.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut uploads = self.held.uploads();
        if uploads
            .by_id
            .get(&self.upload_id)
            .is_some_and(|holder| holder.epoch == self.epoch)
        {
            uploads.by_id.remove(&self.upload_id);
        }
    }
}

/// Another request has taken the upload.
pub fn displaced() -> Problem {
    Problem::new(Code::UploadDisplaced, "ask for the offset before you go on")
}

fn crowded() -> Problem {
    // Not a 429, which clients of tus take for the end.
    let detail = "too many uploads pass through this process at the moment";
    Problem::new(Code::Unavailable, detail)
        .header(header::RETRY_AFTER, HeaderValue::from_static("2"))
}
