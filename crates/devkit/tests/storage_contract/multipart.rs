//! Multipart uploads: what the store believes, what it refuses, and what survives a refusal.

use storage::{Bucket, Part, StorageError};

use crate::contract::{Contract, MIB, code, noise, object_key};

const PART: usize = 5 * MIB;

#[tokio::test]
async fn parts_sent_in_any_order_join_in_order() {
    let c = Contract::new().await;
    let key = object_key("video.mp4");
    let id = c.store.create_multipart(&key).await.unwrap();
    // Gaps in the numbers are allowed.
    for (number, size) in [(7, 1000), (1, PART), (3, PART + 1)] {
        c.part(&key, &id, number, noise(size, number.into())).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    assert_eq!(
        parts.iter().map(|part| part.number).collect::<Vec<_>>(),
        [1, 3, 7]
    );
    assert_eq!(parts[1].size_bytes, PART as u64 + 1);
    let info = c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    let expected = [noise(PART, 1), noise(PART + 1, 3), noise(1000, 7)].concat();
    assert_eq!(info.size_bytes, expected.len() as u64);
    assert!(info.etag.trim_matches('"').ends_with("-3"), "{}", info.etag);
    assert!(c.bytes("video.mp4").await.unwrap() == expected);
}

#[tokio::test]
async fn the_etag_is_the_md5_of_the_md5s() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    c.part(&key, &id, 1, b"hello".to_vec()).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    assert_eq!(parts[0].etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    let info = c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    // md5(5d41402abc4b2a76b9719d911017c592 as bytes)
    assert_eq!(info.etag, "\"62109206880d38a4010a98e11243924a-1\"");
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    let first = c.part(&key, &id, 1, b"first".to_vec()).await;
    c.part(&key, &id, 1, b"second".to_vec()).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    assert_eq!(parts.len(), 1);
    let stale = [Part {
        etag: first,
        ..parts[0].clone()
    }];
    let refused = c.store.complete_multipart(&key, &id, &stale).await;
    assert!(
        matches!(refused, Err(StorageError::InvalidPart)),
        "{refused:?}"
    );
    c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    assert_eq!(c.bytes("k").await.unwrap(), b"second");
}

#[tokio::test]
async fn a_refused_completion_leaves_the_upload_as_it_was() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    for number in [1, 2] {
        c.part(&key, &id, number, noise(PART, 1)).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    let mut wrong = parts.clone();
    wrong[1].etag = "\"00000000000000000000000000000000\"".to_owned();
    let refused = c.store.complete_multipart(&key, &id, &wrong).await;
    assert!(
        matches!(refused, Err(StorageError::InvalidPart)),
        "{refused:?}"
    );
    let missing = [
        parts[0].clone(),
        Part {
            number: 9,
            ..parts[1].clone()
        },
    ];
    let refused = c.store.complete_multipart(&key, &id, &missing).await;
    assert!(
        matches!(refused, Err(StorageError::InvalidPart)),
        "{refused:?}"
    );
    let reversed = [parts[1].clone(), parts[0].clone()];
    let refused = c.store.complete_multipart(&key, &id, &reversed).await;
    assert!(
        matches!(&refused, Err(StorageError::Refused { code, .. }) if code == "InvalidPartOrder"),
        "{refused:?}"
    );
    assert_eq!(c.bytes("k").await, None);
    assert_eq!(c.store.list_parts(&key, &id).await.unwrap(), parts);
    c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    assert_eq!(c.bytes("k").await.unwrap().len(), 2 * PART);
}

#[tokio::test]
async fn a_small_part_is_refused_unless_it_is_the_last() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    c.part(&key, &id, 1, noise(PART - 1, 1)).await;
    c.part(&key, &id, 2, noise(10, 2)).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    let refused = c.store.complete_multipart(&key, &id, &parts).await;
    assert!(
        matches!(refused, Err(StorageError::EntityTooSmall)),
        "{refused:?}"
    );
    c.part(&key, &id, 1, noise(PART, 1)).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    c.store.complete_multipart(&key, &id, &parts).await.unwrap();
}

#[tokio::test]
async fn parts_that_are_not_named_stay_out() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    for number in [1, 2] {
        c.part(&key, &id, number, noise(100, number.into())).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    c.store
        .complete_multipart(&key, &id, &parts[1..])
        .await
        .unwrap();
    assert_eq!(c.bytes("k").await.unwrap(), noise(100, 2));
}

#[tokio::test]
async fn completing_twice_is_harmless() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    c.part(&key, &id, 1, b"x".to_vec()).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    let first = c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    match c.store.complete_multipart(&key, &id, &parts).await {
        Ok(second) => assert_eq!(second, first),
        Err(StorageError::NoSuchUpload) => {}
        Err(other) => panic!("{other:?}"),
    }
    assert_eq!(c.bytes("k").await.unwrap(), b"x");
}

#[tokio::test]
async fn completing_many_times_at_once_makes_one_object() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    c.part(&key, &id, 1, b"x".to_vec()).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    let completions = (0..8).map(|_| c.store.complete_multipart(&key, &id, &parts));
    let answers = futures::future::join_all(completions).await;
    assert!(answers.iter().any(Result::is_ok));
    for answer in answers {
        assert!(
            matches!(answer, Ok(_) | Err(StorageError::NoSuchUpload)),
            "{answer:?}"
        );
    }
    assert_eq!(c.bytes("k").await.unwrap(), b"x");
}

#[tokio::test]
async fn a_part_url_dies_with_its_upload() {
    let c = Contract::new().await;
    for complete in [true, false] {
        let key = object_key(if complete { "completed" } else { "aborted" });
        let id = c.store.create_multipart(&key).await.unwrap();
        c.part(&key, &id, 1, b"x".to_vec()).await;
        let hour = crate::contract::HOUR;
        let late = c.store.presign_part(&key, &id, 1, 1, hour).await.unwrap();
        let large = c
            .store
            .presign_part(&key, &id, 2, 8 * MIB as u64, hour)
            .await
            .unwrap();
        let parts = c.store.list_parts(&key, &id).await.unwrap();
        if complete {
            c.store.complete_multipart(&key, &id, &parts).await.unwrap();
        } else {
            c.store.abort_multipart(&key, &id).await.unwrap();
        }
        let answer = c.send(&late, b"y".to_vec()).await;
        assert_eq!(answer.status(), 404);
        assert!(answer.text().await.unwrap().contains("NoSuchUpload"));
        // The answer arrives although the body was not wanted.
        assert_eq!(c.send(&large, noise(8 * MIB, 1)).await.status(), 404);
        let gone = c.store.list_parts(&key, &id).await;
        assert!(matches!(gone, Err(StorageError::NoSuchUpload)), "{gone:?}");
        let expected = complete.then(|| b"x".to_vec());
        assert_eq!(c.bytes(key.as_str()).await, expected);
        c.store.abort_multipart(&key, &id).await.unwrap();
        assert_eq!(
            c.bytes(key.as_str()).await,
            expected,
            "a late abort changes nothing"
        );
    }
}

#[tokio::test]
async fn an_upload_id_belongs_to_its_key() {
    let c = Contract::new().await;
    let id = c.store.create_multipart(&object_key("mine")).await.unwrap();
    c.part(&object_key("mine"), &id, 1, b"x".to_vec()).await;
    for id in [
        id.as_str(),
        "../../../etc",
        "00000000000000000000000000000000",
    ] {
        let answer = c.store.list_parts(&object_key("yours"), id).await;
        assert!(
            matches!(answer, Err(StorageError::NoSuchUpload)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn parts_are_listed_sorted_and_in_pages() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    for number in [10, 2, 1, 11, 3] {
        c.part(&key, &id, number, vec![0; number.into()]).await;
    }
    let list = || {
        c.s3.list_parts()
            .bucket(c.staging())
            .key("k")
            .upload_id(&id)
            .max_parts(2)
    };
    let mut seen = Vec::new();
    let mut marker = None;
    for pages in 1.. {
        let page = list().set_part_number_marker(marker).send().await.unwrap();
        seen.extend(
            page.parts()
                .iter()
                .map(|part| (part.part_number.unwrap(), part.size.unwrap())),
        );
        if page.is_truncated != Some(true) {
            assert_eq!(pages, 3);
            break;
        }
        assert_eq!(page.parts().len(), 2);
        marker = page.next_part_number_marker;
    }
    assert_eq!(seen, [(1, 1), (2, 2), (3, 3), (10, 10), (11, 11)]);
}

#[tokio::test]
async fn more_parts_than_a_page_holds_are_all_found() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    for number in 1..=1003 {
        c.part(&key, &id, number, b"x".to_vec()).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    assert!(parts.iter().map(|part| part.number).eq(1..=1003));
}

#[tokio::test]
async fn open_uploads_are_listed_until_they_end() {
    let c = Contract::new().await;
    let mut ids = Vec::new();
    for key in ["b", "a", "dir/c", "a"] {
        ids.push((
            key,
            c.store.create_multipart(&object_key(key)).await.unwrap(),
        ));
    }
    let list = || c.s3.list_multipart_uploads().bucket(c.staging());
    let mut seen = Vec::new();
    let (mut key, mut id) = (None, None);
    loop {
        let page = list()
            .max_uploads(1)
            .set_key_marker(key)
            .set_upload_id_marker(id);
        let page = page.send().await.unwrap();
        seen.extend(
            page.uploads()
                .iter()
                .map(|upload| upload.key.clone().unwrap()),
        );
        (key, id) = (page.next_key_marker, page.next_upload_id_marker);
        if page.is_truncated != Some(true) {
            break;
        }
    }
    assert_eq!(seen, ["a", "a", "b", "dir/c"]);
    let under = list().prefix("dir/").send().await.unwrap();
    assert_eq!(under.uploads().len(), 1);
    for (key, id) in ids {
        c.store
            .abort_multipart(&object_key(key), &id)
            .await
            .unwrap();
    }
    assert_eq!(list().send().await.unwrap().uploads().len(), 0);
}

#[tokio::test]
async fn headers_of_a_multipart_object_are_kept() {
    let c = Contract::new().await;
    let create = c.s3.create_multipart_upload().bucket(c.staging()).key("k");
    let create = create
        .content_type("video/mp4")
        .cache_control("no-store")
        .metadata("owner", "42");
    let id = create.send().await.unwrap().upload_id.unwrap();
    let key = object_key("k");
    c.part(&key, &id, 1, b"x".to_vec()).await;
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    c.store.complete_multipart(&key, &id, &parts).await.unwrap();
    let head =
        c.s3.head_object()
            .bucket(c.staging())
            .key("k")
            .send()
            .await
            .unwrap();
    assert_eq!(head.content_type(), Some("video/mp4"));
    assert_eq!(head.cache_control(), Some("no-store"));
    assert_eq!(head.metadata().unwrap()["owner"], "42");
}

#[tokio::test]
async fn an_upload_without_parts_is_not_completed() {
    let c = Contract::new().await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    assert!(c.store.complete_multipart(&key, &id, &[]).await.is_err());
    assert_eq!(c.store.head(Bucket::Staging, &key).await.unwrap(), None);
}

#[tokio::test]
async fn part_numbers_have_limits() {
    let c = Contract::new().await;
    let id = c.store.create_multipart(&object_key("k")).await.unwrap();
    for number in [0, 10_001] {
        let part =
            c.s3.upload_part()
                .bucket(c.staging())
                .key("k")
                .upload_id(&id);
        let answer = part
            .part_number(number)
            .body(b"x".to_vec().into())
            .send()
            .await;
        assert_eq!(code(answer), "InvalidArgument");
    }
}
