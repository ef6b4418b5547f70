use std::os::unix::fs::FileExt;

use bytes::Bytes;
use devkit::s3::{S3Options, S3Server};
use media::Sha256;
use sandbox::fill::Fill;
use settings::Reader as Settings;
use storage::{Bucket, ObjectKey, ObjectStore, StorageConfig};
use tempfile::TempDir;

use super::{BLOCK_BYTES, Reader, missing};
use crate::tools::scratch::{Scratch, ScratchError};

#[test]
fn who_reads_on_gets_more_at_once_and_who_jumps_does_not() {
    let mut here = vec![false; 100];
    let mut requests = Vec::new();
    for block in 0..40 {
        let read = block * BLOCK_BYTES..block * BLOCK_BYTES + 1;
        while let Some(blocks) = missing(&here, &read) {
            here[blocks.clone()].fill(true);
            requests.push(blocks);
        }
    }
    assert_eq!(requests, [0..1, 1..2, 2..4, 4..8, 8..16, 16..32, 32..48]);
    let jump = 90 * BLOCK_BYTES - 1..90 * BLOCK_BYTES + 1;
    assert_eq!(missing(&here, &jump), Some(89..91));
    // No further than to what is here, nor than the end.
    here[90] = true;
    assert_eq!(missing(&here, &jump), Some(89..90));
    here[95..99].fill(true);
    let end = 99 * BLOCK_BYTES..99 * BLOCK_BYTES + 7;
    assert_eq!(missing(&here, &end), Some(99..100));
    here[99] = true;
    assert_eq!(missing(&here, &end), None);
    assert_eq!(missing(&here, &(7..7)), None);
}

/// An object of five megabytes and some bytes in a store, whose bytes tell where they stand.
struct Stored {
    s3: S3Server,
    store: ObjectStore,
    key: ObjectKey,
    bytes: Vec<u8>,
    folder: TempDir,
}

async fn stored() -> Stored {
    let folder = tempfile::tempdir().unwrap();
    let s3 = S3Server::start(S3Options {
        root: folder.path().join("s3"),
        listen: ([127, 0, 0, 1], 0).into(),
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        cors_origins: Vec::new(),
        sync_writes: false,
    });
    let s3 = s3.await.unwrap();
    let settings = [
        ("MEDIAMILL_S3_ENDPOINT", format!("http://{}", s3.addr())),
        ("MEDIAMILL_S3_ACCESS_KEY_ID", "key".into()),
        ("MEDIAMILL_S3_SECRET_ACCESS_KEY", "secret".into()),
    ];
    let mut reader = Settings::new(settings.map(|(name, value)| (name.to_owned(), value)));
    let store = ObjectStore::new(&StorageConfig::from_env(&mut reader));
    reader.finish().unwrap();
    store.ensure_buckets().await.unwrap();
    let key = ObjectKey::new("originals/film").unwrap();
    let bytes: Vec<u8> = (0..(5 << 20) + 77_u32)
        .map(|at| (at % 251) as u8 + 1)
        .collect();
    let body = Bytes::from(bytes.clone());
    let put = store.put_bytes(Bucket::Origin, &key, body, "video/mp4", None);
    put.await.unwrap();
    Stored {
        s3,
        store,
        key,
        bytes,
        folder,
    }
}

#[tokio::test]
async fn what_is_asked_for_is_here_afterwards_and_the_rest_is_not() {
    let stored = stored().await;
    let scratch = Scratch::open(&stored.folder.path().join("scratch"), 1 << 30).unwrap();
    let (sha256, link) = (Sha256::of(b"a film"), stored.folder.path().join("original"));
    let part = || scratch.part(&stored.store, Bucket::Origin, &stored.key, &sha256, &link);
    let partial = part().await.unwrap().unwrap();
    let reader = Reader::new(partial.clone());
    let size = stored.bytes.len() as u64;
    let file = std::fs::File::open(&link).unwrap();
    assert_eq!(file.metadata().unwrap().len(), size);
    for range in [3_000_000..3_000_100, size - 5..size, 200_000..1_400_000] {
        reader.fill(range.clone()).await.unwrap();
        let mut found = vec![0; usize::try_from(range.end - range.start).unwrap()];
        file.read_exact_at(&mut found, range.start).unwrap();
        let at = usize::try_from(range.start).unwrap();
        assert!(found == stored.bytes[at..at + found.len()], "{range:?}");
    }
    let here = partial.bytes_here();
    assert!(here < 3 << 20, "{here} bytes are here");

    // Another task of this process finds what is here, also when the store is away.
    stored.s3.stop().await;
    std::fs::remove_file(&link).unwrap();
    let again = Reader::new(part().await.unwrap().unwrap());
    again.fill(3_000_000..3_000_100).await.unwrap();
    assert!(again.failure().is_none());
    again.fill(4_000_000..4_000_001).await.unwrap_err();
    let failure = again.failure();
    assert!(
        matches!(failure, Some(ScratchError::Storage(_))),
        "{failure:?}"
    );
    // Whose it was is told once, and to nobody else.
    assert!(again.failure().is_none() && reader.failure().is_none());

    drop((partial, reader, again));
    scratch.evict(&sha256).unwrap();
    std::fs::remove_file(&link).unwrap();
    let left = std::fs::read_dir(stored.folder.path().join("scratch")).unwrap();
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn parts_of_another_object_are_not_mixed() {
    let stored = stored().await;
    let scratch = Scratch::open(&stored.folder.path().join("scratch"), 1 << 30).unwrap();
    let (sha256, link) = (Sha256::of(b"a film"), stored.folder.path().join("original"));
    let part = scratch.part(&stored.store, Bucket::Origin, &stored.key, &sha256, &link);
    let reader = Reader::new(part.await.unwrap().unwrap());
    reader.fill(0..10).await.unwrap();
    let other = Bytes::from(vec![7; stored.bytes.len()]);
    let put = stored
        .store
        .put_bytes(Bucket::Origin, &stored.key, other, "video/mp4", None);
    put.await.unwrap();
    reader.fill(3_000_000..3_000_010).await.unwrap_err();
    let failure = reader.failure();
    assert!(
        matches!(failure, Some(ScratchError::Corrupt)),
        "{failure:?}"
    );
}
