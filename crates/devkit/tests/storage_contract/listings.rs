//! Listings, bulk deletion and buckets.

use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};

use crate::contract::{Contract, code};

const KEYS: [&str; 8] = [
    "a",
    "dir",
    "dir/1",
    "dir/2",
    "dir/sub/3",
    "dir2/4",
    "x y",
    "z",
];

async fn filled() -> Contract {
    let c = Contract::new().await;
    for key in KEYS {
        c.put(key, key.as_bytes()).await;
    }
    c
}

fn keys(objects: &[aws_sdk_s3::types::Object]) -> Vec<&str> {
    objects.iter().map(|object| object.key().unwrap()).collect()
}

fn prefixes(prefixes: &[aws_sdk_s3::types::CommonPrefix]) -> Vec<&str> {
    prefixes
        .iter()
        .map(|prefix| prefix.prefix().unwrap())
        .collect()
}

#[tokio::test]
async fn objects_are_listed_with_their_facts() {
    let c = filled().await;
    let list =
        c.s3.list_objects_v2()
            .bucket(c.staging())
            .send()
            .await
            .unwrap();
    assert_eq!(keys(list.contents()), KEYS);
    assert_eq!(list.key_count(), Some(8));
    let object = &list.contents()[2];
    assert_eq!(object.size(), Some(5));
    assert_eq!(object.e_tag().unwrap(), c.put("dir/1", b"dir/1").await);
    assert!(object.last_modified().is_some());
}

#[tokio::test]
async fn prefix_and_delimiter_fold() {
    let c = filled().await;
    let list = || c.s3.list_objects_v2().bucket(c.staging());
    let top = list().delimiter("/").send().await.unwrap();
    assert_eq!(keys(top.contents()), ["a", "dir", "x y", "z"]);
    assert_eq!(prefixes(top.common_prefixes()), ["dir/", "dir2/"]);
    let dir = list().delimiter("/").prefix("dir/").send().await.unwrap();
    assert_eq!(keys(dir.contents()), ["dir/1", "dir/2"]);
    assert_eq!(prefixes(dir.common_prefixes()), ["dir/sub/"]);
    let half = list().prefix("dir").send().await.unwrap();
    assert_eq!(keys(half.contents()).len(), 5);
    let none = list().prefix("nothing").send().await.unwrap();
    assert_eq!(none.contents().len(), 0);
    let after = list().start_after("dir/2").send().await.unwrap();
    assert_eq!(keys(after.contents()), ["dir/sub/3", "dir2/4", "x y", "z"]);
}

#[tokio::test]
async fn pages_of_any_size_add_up() {
    let c = filled().await;
    for size in 1..=9 {
        let mut seen = Vec::new();
        let mut token = None;
        loop {
            let list =
                c.s3.list_objects_v2()
                    .bucket(c.staging())
                    .delimiter("/")
                    .max_keys(size);
            let page = list.set_continuation_token(token).send().await.unwrap();
            let mut entries = [keys(page.contents()), prefixes(page.common_prefixes())].concat();
            assert!(entries.len() <= usize::try_from(size).unwrap());
            entries.sort_unstable();
            seen.extend(entries.into_iter().map(str::to_owned));
            if page.is_truncated() != Some(true) {
                break;
            }
            token = page.next_continuation_token;
        }
        assert_eq!(
            seen,
            ["a", "dir", "dir/", "dir2/", "x y", "z"],
            "{size} at a time"
        );
    }
}

#[tokio::test]
async fn the_first_listing_api_pages_by_marker() {
    let c = filled().await;
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let list =
            c.s3.list_objects()
                .bucket(c.staging())
                .delimiter("/")
                .max_keys(1);
        let page = list.set_marker(marker).send().await.unwrap();
        seen.extend(keys(page.contents()).into_iter().map(str::to_owned));
        seen.extend(
            prefixes(page.common_prefixes())
                .into_iter()
                .map(str::to_owned),
        );
        if page.is_truncated() != Some(true) {
            break;
        }
        marker = page.next_marker;
    }
    assert_eq!(seen, ["a", "dir", "dir/", "dir2/", "x y", "z"]);
}

#[tokio::test]
async fn listings_follow_writes_and_deletions() {
    let c = filled().await;
    let list = async || {
        let list =
            c.s3.list_objects_v2()
                .bucket(c.staging())
                .prefix("dir/")
                .send()
                .await
                .unwrap();
        keys(list.contents()).join(" ")
    };
    assert_eq!(list().await, "dir/1 dir/2 dir/sub/3");
    c.put("dir/0", b"").await;
    c.s3.delete_object()
        .bucket(c.staging())
        .key("dir/1")
        .send()
        .await
        .unwrap();
    assert_eq!(list().await, "dir/0 dir/2 dir/sub/3");
}

#[tokio::test]
async fn keys_are_url_encoded_on_request() {
    let c = filled().await;
    let list = c.s3.list_objects_v2().bucket(c.staging()).prefix("x");
    let list = list.encoding_type(EncodingType::Url).send().await.unwrap();
    let key = keys(list.contents())[0];
    assert!(matches!(key, "x%20y" | "x+y"), "{key}");
}

#[tokio::test]
async fn many_are_deleted_at_once() {
    let c = filled().await;
    let named = |key: &&str| ObjectIdentifier::builder().key(*key).build().unwrap();
    let delete = |keys: &[&str]| {
        let delete = Delete::builder().set_objects(Some(keys.iter().map(named).collect()));
        c.s3.delete_objects()
            .bucket(c.staging())
            .delete(delete.build().unwrap())
            .send()
    };
    let deleted = delete(&["a", "dir/1", "was never there"]).await.unwrap();
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (3, 0));
    let rest =
        c.s3.list_objects_v2()
            .bucket(c.staging())
            .send()
            .await
            .unwrap();
    assert_eq!(
        keys(rest.contents()),
        ["dir", "dir/2", "dir/sub/3", "dir2/4", "x y", "z"]
    );
}

#[tokio::test]
async fn buckets_come_and_go() {
    let c = Contract::new().await;
    let bucket = format!("{}-2", c.staging());
    let missing = c.s3.head_bucket().bucket(&bucket).send().await.unwrap_err();
    assert!(missing.into_service_error().is_not_found());
    c.s3.create_bucket().bucket(&bucket).send().await.unwrap();
    c.s3.head_bucket().bucket(&bucket).send().await.unwrap();
    c.store.ensure_buckets().await.unwrap();
    let list = c.s3.list_buckets().send().await.unwrap();
    assert!(
        list.buckets()
            .iter()
            .any(|listed| listed.name() == Some(&bucket))
    );
    let put =
        c.s3.put_object()
            .bucket(&bucket)
            .key("k")
            .body(b"x".to_vec().into());
    put.send().await.unwrap();
    assert_eq!(
        code(c.s3.delete_bucket().bucket(&bucket).send().await),
        "BucketNotEmpty"
    );
    c.s3.delete_object()
        .bucket(&bucket)
        .key("k")
        .send()
        .await
        .unwrap();
    c.s3.delete_bucket().bucket(&bucket).send().await.unwrap();
    assert!(c.s3.head_bucket().bucket(&bucket).send().await.is_err());
    assert_eq!(
        code(c.s3.list_objects_v2().bucket(&bucket).send().await),
        "NoSuchBucket"
    );
}
