//! Where playlists are written that lead to what other attempts have made.

use bytes::Bytes;
use futures::Stream;
use media::formats::OutputFormat;
use media::recipes::RecipeHash;
use media::{FileId, ObjectKey, Sha256, keys};
use storage::{Bucket, CACHE_FOR_EVER, StorageError};
use workflows::{Attempt, NextOnError, StepError};

use super::Context;
use crate::errors;

/// Where an attempt that publishes writes what leads to the rest.
pub(crate) struct Shelf<'a> {
    cx: &'a Attempt<Context>,
    prefix: ObjectKey,
}

impl<'a> Shelf<'a> {
    /// The attempt's own, for what was made of the content by the recipe.
    pub(crate) async fn new(
        cx: &'a Attempt<Context>,
        sha256: &Sha256,
        recipe: &RecipeHash,
    ) -> Result<Self, StepError> {
        let prefix = keys::media_prefix(sha256, recipe, cx.token);
        cx.context.claim(FileId(cx.subject), &prefix).await?;
        Ok(Self { cx, prefix })
    }

    /// What its keys begin with.
    pub(crate) const fn prefix(&self) -> &ObjectKey {
        &self.prefix
    }

    /// Writes a text; its key and its length in bytes.
    pub(crate) async fn put(
        &self,
        name: &str,
        text: String,
        format: OutputFormat,
    ) -> Result<(ObjectKey, u64), StepError> {
        let key = ObjectKey::new(format!("{}{name}", self.prefix)).or_fail()?;
        let bytes = Bytes::from(text);
        let size_bytes = bytes.len() as u64;
        let store = &self.cx.context.store;
        store
            .put_bytes(
                Bucket::Origin,
                &key,
                bytes,
                format.mime_type(),
                Some(CACHE_FOR_EVER),
            )
            .await
            .map_err(errors::storage)?;
        Ok((key, size_bytes))
    }

    /// Writes what `body` brings, of `size_bytes` in all; its key.
    pub(crate) async fn put_stream(
        &self,
        name: &str,
        body: impl Stream<Item = Result<Bytes, StorageError>>,
        size_bytes: u64,
        format: OutputFormat,
    ) -> Result<ObjectKey, StepError> {
        let key = ObjectKey::new(format!("{}{name}", self.prefix)).or_fail()?;
        let target = (Bucket::Origin, &key);
        let (store, media_type) = (&self.cx.context.store, format.mime_type());
        let sent = store.put_stream(target, body, size_bytes, media_type, Some(CACHE_FOR_EVER));
        // Its state is large, and the attempts that never stream would carry it, too.
        Box::pin(sent).await.map_err(errors::storage)?;
        Ok(key)
    }
}
