//! Keys of every shape are names, never paths.

use storage::Bucket;

use crate::contract::{Contract, object_key};

fn shapes() -> Vec<String> {
    let mut shapes: Vec<String> = [
        "p",
        "p/q",
        "p/",
        "p//q",
        "/p",
        "p/q/",
        "a b",
        "a+b",
        "a%20b",
        "ü/日本/🎬.mp4",
        "..",
        "../../etc/passwd",
        "./x",
        "a/../b",
        ".",
        "quote'\"<>&amp;",
        "semi;colon=1&x=2",
        "star*?[x]",
        "back\\slash",
        "#hash",
        "tail ",
        "~",
        "@:$,()!",
    ]
    .map(str::to_owned)
    .into();
    shapes.push("k".repeat(1024));
    shapes.push("ü".repeat(512));
    shapes.push(format!("{}/x", "s".repeat(300)));
    shapes
}

#[tokio::test]
async fn every_legal_key_is_its_own_object() {
    let c = Contract::new().await;
    let shapes = shapes();
    for key in &shapes {
        c.store
            .put_bytes(
                Bucket::Staging,
                &object_key(key),
                key.clone().into(),
                "text/plain",
                None,
            )
            .await
            .unwrap_or_else(|error| panic!("{key:?}: {error:?}"));
    }
    for key in &shapes {
        assert_eq!(
            c.bytes(key).await.as_deref(),
            Some(key.as_bytes()),
            "{key:?}"
        );
    }
    let list =
        c.s3.list_objects_v2()
            .bucket(c.staging())
            .send()
            .await
            .unwrap();
    let listed: Vec<String> = list
        .contents()
        .iter()
        .map(|o| o.key.clone().unwrap())
        .collect();
    let mut sorted = shapes.clone();
    sorted.sort();
    assert_eq!(listed, sorted);
    for key in &shapes {
        c.store
            .delete(Bucket::Staging, &object_key(key))
            .await
            .unwrap();
    }
    let list =
        c.s3.list_objects_v2()
            .bucket(c.staging())
            .send()
            .await
            .unwrap();
    assert_eq!(list.contents().len(), 0);
}

#[tokio::test]
async fn every_legal_key_can_be_signed() {
    let c = Contract::new().await;
    for key in shapes() {
        let signed = c
            .store
            .presign_put(&object_key(&key), 1, crate::contract::HOUR)
            .await
            .unwrap();
        // A WHATWG URL resolves dot segments, in browsers as in this client; such keys are for servers alone.
        if key.split('/').any(|segment| matches!(segment, "." | "..")) {
            continue;
        }
        assert_eq!(
            c.send(&signed, b"x".to_vec()).await.status(),
            200,
            "{key:?}"
        );
        assert_eq!(c.bytes(&key).await.unwrap(), b"x", "{key:?}");
    }
}

#[tokio::test]
async fn longer_keys_are_refused() {
    let c = Contract::new().await;
    let put =
        c.s3.put_object()
            .bucket(c.staging())
            .key("k".repeat(1025))
            .body(b"x".to_vec().into());
    assert_eq!(crate::contract::code(put.send().await), "KeyTooLongError");
}
