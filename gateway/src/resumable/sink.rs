//! Where the bytes of an upload go: into parts of a multipart upload in the store, and what is less than a part into an
//! object of its own, the tail, until more comes.
//!
//! The tail is an object and no row, because the database should not carry people's files through its log, its replicas
//! and its backups. An offset is confirmed by one statement when everything before it is in the store; that statement
//! changes nothing for a request whose upload another one has taken. No key and no number of a part is used twice, so
//! what a request still writes after that is never part of the file.

use api::ApiState;
use api::http::problem::Problem;
use api::http::trace::TraceParent;
use api::v1::uploads::complete::{self, CompletedUpload};
use api::v1::uploads::declare::impossible;
use bytes::BytesMut;
use futures::TryStreamExt as _;
use media::keys;
use media::uploads::resumable::{self, Advance, Progress, Tail};
use media::uploads::{self, Part, Plan, Upload};
use sqlx::Connection as _;
use storage::Bucket;
use tokio::time::timeout;

use super::confirm::{Confirmed, Confirming, confirm};
use super::held::displaced;
use super::part::{Numbers, PART, STEP, Sending, bounded, send};

/// Bytes of a small file, for which no memory for a whole part is asked for. No piece of a body is larger.
const SMALL: usize = 128 * 1024;

/// The place for the bytes of one request.
pub struct Sink {
    state: ApiState,
    upload: Upload,
    epoch: i64,
    length: Option<u64>,
    /// Confirmed.
    offset: u64,
    /// Bytes in parts, confirmed or stored.
    in_parts: u64,
    /// What lies behind them.
    buffer: BytesMut,
    /// The confirmed bytes at the beginning of the buffer, kept aside.
    tail: Option<Tail>,
    /// Parts that are stored and not confirmed.
    stored: Vec<Part>,
    /// Bytes in them and in all that is confirmed.
    stored_bytes: u64,
    /// Reserved for the next parts.
    numbers: Numbers,
    /// A piece of a file: it is kept, and never completed by itself.
    partial: bool,
    /// Confirm nothing before all of the request is there: its digest may be wrong.
    all_or_nothing: bool,
}

impl Sink {
    /// Goes on where the upload stands.
    pub async fn open(
        state: ApiState,
        upload: Upload,
        progress: Progress,
        all_or_nothing: bool,
    ) -> Result<Self, Problem> {
        let tail_bytes = progress.tail.as_ref().map_or(0, |tail| tail.size_bytes);
        let mut sink = Self {
            partial: progress.is_partial(),
            state,
            upload,
            epoch: progress.epoch,
            length: progress.length_bytes,
            offset: progress.offset_bytes,
            in_parts: progress.offset_bytes.saturating_sub(tail_bytes),
            buffer: BytesMut::new(),
            tail: progress.tail,
            stored: Vec::new(),
            stored_bytes: progress.offset_bytes.saturating_sub(tail_bytes),
            numbers: Numbers::default(),
            all_or_nothing,
        };
        bounded(sink.load_tail()).await?;
        Ok(sink)
    }

    async fn load_tail(&mut self) -> Result<(), Problem> {
        let Some(tail) = &self.tail else {
            return Ok(());
        };
        let opened = self.state.store.get(Bucket::Staging, &tail.key, None);
        let mut object = Box::pin(opened).await?;
        if object.info.size_bytes != tail.size_bytes {
            return Err(Problem::internal(
                "a tail has another size than was confirmed",
            ));
        }
        while let Some(bytes) = object.body.try_next().await? {
            self.push(&bytes);
        }
        Ok(())
    }

    /// Bytes that are confirmed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes of the whole file, once it is known.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether all bytes have come of an upload that is completed then.
    pub fn is_complete(&self) -> bool {
        self.length == Some(self.received()) && !self.partial
    }

    /// Bytes that have come, confirmed or not.
    pub fn received(&self) -> u64 {
        self.in_parts + self.buffer.len() as u64
    }

    /// Bytes in memory, but for those of a part on its way.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether something has come that is not confirmed and can be.
    pub fn has_news(&self) -> bool {
        !self.all_or_nothing && self.received() > self.offset
    }

    /// The next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.buffer.len() + bytes.len();
        if needed > self.buffer.capacity() && needed > SMALL {
            // Once: by doubling it would be copied time and again, and end at twice the size.
            self.buffer
                .reserve((PART + SMALL).max(needed) - self.buffer.len());
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Notes the length of the file, which was unknown.
    pub async fn set_length(&mut self, length: u64) -> Result<(), Problem> {
        let max = self.state.config.limits.max_file_bytes;
        let plan = Plan::resumable(length, max).map_err(impossible)?;
        let set = async {
            let mut connection = media::pool::borrow(&self.state.pool).await?;
            let mut transaction = connection.begin().await?;
            let (owner_id, upload_id) = (&self.upload.owner_id, self.upload.upload_id);
            // Locks are taken in the order of `finish`.
            uploads::lock(&mut transaction, owner_id, upload_id).await?;
            let set = resumable::set_length(&mut transaction, upload_id, self.epoch, &plan).await?;
            transaction.commit().await?;
            Ok::<_, Problem>(set)
        };
        if !bounded(set).await? {
            return Err(displaced());
        }
        self.length = Some(length);
        Ok(())
    }

    /// Takes a part's worth of bytes, or what there is, on its way to the store.
    pub async fn send_part(&mut self) -> Result<Sending, Problem> {
        let left = self
            .length
            .map(|length| length.saturating_sub(self.in_parts));
        let numbers = self
            .numbers
            .next(&self.state, &self.upload, self.epoch, left);
        let number = bounded(numbers).await?;
        let rest = self.buffer.split_off(self.buffer.len().min(PART));
        // The rest in memory of its own, so that the part's is free when it is stored.
        let rest = BytesMut::from(&rest[..]);
        let bytes = std::mem::replace(&mut self.buffer, rest).freeze();
        self.in_parts += bytes.len() as u64;
        Ok(send(&self.state, &self.upload, number, bytes))
    }

    /// The part is in the store, and so is all before it.
    pub fn stored(&mut self, part: Part) {
        self.stored_bytes += part.size_bytes;
        self.stored.push(part);
    }

    /// Confirms the parts that are stored, if there are any that can be, while the next one is sent.
    pub fn confirm_parts(&mut self) -> Option<Confirming> {
        if self.all_or_nothing || self.stored.is_empty() {
            return None;
        }
        let parts = std::mem::take(&mut self.stored);
        Some(Box::pin(self.confirmation(self.stored_bytes, parts, None)))
    }

    /// What lies before an offset is confirmed.
    pub fn confirmed(&mut self, Confirmed { offset, tail }: Confirmed) {
        self.offset = offset;
        self.forget(tail);
    }

    /// Keeps everything that has come aside, and confirms it.
    pub async fn save(&mut self) -> Result<(), Problem> {
        let received = self.received();
        if received == self.offset {
            return Ok(());
        }
        if self.buffer.is_empty() {
            return self.confirm(received, None).await;
        }
        let tail = Tail {
            key: keys::tail(self.upload.upload_id, self.epoch, received),
            size_bytes: self.buffer.len() as u64,
        };
        self.put(&tail).await?;
        self.confirm(received, Some(tail)).await
    }

    /// Writes the buffer as the tail, without a second copy of it in memory.
    async fn put(&mut self, tail: &Tail) -> Result<(), Problem> {
        let bytes = std::mem::take(&mut self.buffer).freeze();
        let body = bytes.clone();
        let (store, kind) = (&self.state.store, "application/octet-stream");
        let put = Box::pin(store.put_bytes(Bucket::Staging, &tail.key, body, kind, None));
        let put = bounded(async { Ok(put.await?) }).await;
        self.buffer = bytes
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        put.map(|_| ())
    }

    async fn confirm(&mut self, offset: u64, tail: Option<Tail>) -> Result<(), Problem> {
        let parts = std::mem::take(&mut self.stored);
        let confirmed = self.confirmation(offset, parts, tail).await?;
        self.confirmed(confirmed);
        Ok(())
    }

    fn confirmation(
        &self,
        offset: u64,
        parts: Vec<Part>,
        tail: Option<Tail>,
    ) -> impl Future<Output = Result<Confirmed, Problem>> + use<> {
        let upload = (self.upload.upload_id, self.epoch);
        confirm(
            self.state.clone(),
            upload,
            parts,
            Confirmed { offset, tail },
        )
    }

    /// The tail before is needed no more. What is not removed now, the upkeep of uploads removes.
    fn forget(&mut self, next: Option<Tail>) {
        let Some(old) = std::mem::replace(&mut self.tail, next) else {
            return;
        };
        let store = self.state.store.clone();
        tokio::spawn(async move {
            let removed = timeout(STEP, store.delete(Bucket::Staging, &old.key)).await;
            if !matches!(removed, Ok(Ok(()))) {
                tracing::debug!(storage.key = %old.key, "a tail is left for the upkeep");
            }
        });
    }

    /// Everything has come: hands the file to its workflow, in one transaction with the last parts.
    pub async fn finish(mut self, trace: &TraceParent) -> Result<CompletedUpload, Problem> {
        if self.length.is_none() {
            self.set_length(self.received()).await?;
        }
        if !self.buffer.is_empty() {
            let part = self.send_part().await?.await?;
            self.stored(part);
        }
        let completed = bounded(self.commit(trace)).await?;
        self.forget(None);
        Ok(completed)
    }

    async fn commit(&self, trace: &TraceParent) -> Result<CompletedUpload, Problem> {
        let (owner_id, upload_id) = (&self.upload.owner_id, self.upload.upload_id);
        let mut connection = media::pool::borrow(&self.state.pool).await?;
        let mut transaction = connection.begin().await?;
        let locked = uploads::lock(&mut transaction, owner_id, upload_id).await?;
        let locked = locked.ok_or_else(|| Problem::not_found("upload"))?;
        let to = Advance {
            offset_bytes: self.in_parts,
            parts: &self.stored,
            tail: None,
        };
        let now = self.state.now();
        if !resumable::advance(&mut transaction, upload_id, self.epoch, to, now).await? {
            return Err(displaced());
        }
        let ended = complete::end(&self.state, &mut transaction, &locked, &[], trace).await?;
        transaction.commit().await?;
        Ok(ended.committed(&locked))
    }
}
