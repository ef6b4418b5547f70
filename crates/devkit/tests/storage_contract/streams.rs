//! Bytes that are made while they are sent become one object, or none.

use bytes::Bytes;
use futures::Stream;
use storage::{Bucket, StorageError};

use crate::contract::{Contract, MIB, noise, object_key};

/// `bytes` in pieces of a size that fits into no part.
fn pieces(bytes: &[u8]) -> impl Stream<Item = Result<Bytes, StorageError>> {
    let pieces: Vec<_> = bytes.chunks(300_007).map(Bytes::copy_from_slice).collect();
    futures::stream::iter(pieces.into_iter().map(Ok))
}

#[tokio::test]
async fn what_is_streamed_becomes_one_object_of_any_size() {
    let c = Contract::new().await;
    for size in [
        0,
        1,
        8 * MIB - 1,
        8 * MIB,
        8 * MIB + 1,
        16 * MIB,
        17 * MIB + 5,
    ] {
        let bytes = noise(size, size as u64);
        let key = object_key(&format!("streamed-{size}"));
        let target = (Bucket::Origin, &key);
        c.store
            .put_stream(
                target,
                pieces(&bytes),
                size as u64,
                "video/mp4",
                Some("max-age=1"),
            )
            .await
            .unwrap();
        let there = c.store.get(Bucket::Origin, &key, None).await.unwrap();
        assert_eq!(
            there.info.content_type.as_deref(),
            Some("video/mp4"),
            "{size}"
        );
        let there = futures::TryStreamExt::try_collect::<Vec<_>>(there.body)
            .await
            .unwrap();
        assert!(there.concat() == bytes, "{size}");
    }
}

#[tokio::test]
async fn a_stream_that_fails_or_has_another_length_leaves_nothing() {
    let c = Contract::new().await;
    let bytes = noise(17 * MIB, 3);
    let key = object_key("streamed");
    let target = (Bucket::Origin, &key);
    for size in [1, 17 * MIB as u64 - 1, 17 * MIB as u64 + 1, 1 << 40] {
        let refused = c
            .store
            .put_stream(target, pieces(&bytes), size, "video/mp4", None)
            .await;
        let words = refused.unwrap_err().to_string();
        assert!(words.contains("PutObject"), "{words}");
    }
    let broken = futures::stream::iter([
        Ok(Bytes::from(bytes.clone())),
        Err(StorageError::LocalFile(std::io::Error::other("gone"))),
    ]);
    let refused = c
        .store
        .put_stream(target, broken, 20 * MIB as u64, "video/mp4", None)
        .await;
    assert!(
        matches!(refused, Err(StorageError::LocalFile(_))),
        "{refused:?}"
    );
    assert!(c.store.head(Bucket::Origin, &key).await.unwrap().is_none());
    let open =
        c.s3.list_multipart_uploads()
            .bucket(c.origin())
            .send()
            .await
            .unwrap();
    assert!(open.uploads().is_empty(), "{open:?}");
}
