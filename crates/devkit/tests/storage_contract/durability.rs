//! What readers see while writers write, and what a stop leaves behind. Of the embedded server alone.

use std::path::Path;
use std::time::Duration;

use devkit::s3::S3Server;
use futures::StreamExt as _;
use storage::{Bucket, ObjectStore, StorageConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::contract::{Contract, Embedded, HOUR, MIB, noise, object_key, options, read};

fn files_under(folder: &Path) -> usize {
    let count = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path) } else { 1 }
    };
    std::fs::read_dir(folder).unwrap().map(count).sum()
}

/// Waits for what happens behind an answer; fails if it does not.
async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn a_reader_keeps_the_object_it_opened() {
    let c = Contract::new().await;
    let Some(Embedded { root, .. }) = &c.embedded else {
        return;
    };
    let key = object_key("k");
    for overwrite in [true, false] {
        let bytes = noise(32 * MIB, 1);
        c.put("k", bytes.clone()).await;
        let object = c.store.get(Bucket::Staging, &key, None).await.unwrap();
        let mut body = object.body;
        let first = body.next().await.unwrap().unwrap();
        if overwrite {
            c.put("k", b"new").await;
            assert_eq!(c.bytes("k").await.unwrap(), b"new");
        } else {
            c.store.delete(Bucket::Staging, &key).await.unwrap();
            assert_eq!(c.bytes("k").await, None);
        }
        assert!(files_under(&root.join("trash")) > 0, "kept for its reader");
        let rest = read(body).await;
        assert!([first.to_vec(), rest].concat() == bytes);
        eventually("its data goes with its last reader", || {
            files_under(&root.join("trash")) == 0
        })
        .await;
    }
}

#[tokio::test]
async fn data_that_is_replaced_deleted_or_unused_is_freed() {
    let c = Contract::new().await;
    let Some(Embedded { root, .. }) = &c.embedded else {
        return;
    };
    c.put("k", b"1").await;
    c.put("k", b"2").await;
    let key = object_key("k");
    let id = c.store.create_multipart(&key).await.unwrap();
    for number in [1, 1, 2] {
        c.part(&key, &id, number, b"x".to_vec()).await;
    }
    let parts = c.store.list_parts(&key, &id).await.unwrap();
    c.store
        .complete_multipart(&key, &id, &parts[..1])
        .await
        .unwrap();
    assert_eq!(files_under(&root.join("data")), 1);
    let id = c.store.create_multipart(&key).await.unwrap();
    c.part(&key, &id, 1, b"x".to_vec()).await;
    c.store.abort_multipart(&key, &id).await.unwrap();
    c.store.delete(Bucket::Staging, &key).await.unwrap();
    eventually("nothing is left", || {
        ["data", "tmp", "trash"]
            .iter()
            .all(|folder| files_under(&root.join(folder)) == 0)
    })
    .await;
}

#[tokio::test]
async fn half_an_upload_is_none() {
    let c = Contract::new().await;
    let Some(Embedded { server, root, .. }) = &c.embedded else {
        return;
    };
    let signed = c
        .store
        .presign_put(&object_key("k"), 3 * MIB as u64, HOUR)
        .await
        .unwrap();
    let path = signed.url.splitn(4, '/').nth(3).unwrap();
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!(
        "PUT /{path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n",
        server.addr(),
        3 * MIB
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&noise(2 * MIB, 1)).await.unwrap();
    eventually("bytes arrive", || files_under(&root.join("tmp")) == 1).await;
    drop(stream);
    eventually("they are thrown away", || {
        files_under(&root.join("tmp")) == 0
    })
    .await;
    assert_eq!(c.bytes("k").await, None);
    assert_eq!(files_under(&root.join("data")), 0);
}

/// As browsers and many clients do it.
#[tokio::test]
async fn a_refusal_reaches_a_client_that_reads_only_after_it_has_sent_all() {
    let c = Contract::new().await;
    let Some(Embedded { server, .. }) = &c.embedded else {
        return;
    };
    let size = 16 * MIB;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let request = format!(
        "PUT /{}/k HTTP/1.1\r\nhost: {}\r\ncontent-length: {size}\r\n\r\n",
        c.staging(),
        server.addr()
    );
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(&noise(size, 1)).await.unwrap();
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 403"));
    }
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let c = Contract::new().await;
    let Some(Embedded {
        server,
        root,
        folder,
    }) = c.embedded
    else {
        return;
    };
    let key = object_key("k");
    c.store
        .put_bytes(Bucket::Origin, &key, "x".into(), "text/plain", None)
        .await
        .unwrap();
    let id = c.store.create_multipart(&object_key("m")).await.unwrap();
    c.s3.upload_part()
        .bucket(&c.config.staging_bucket)
        .key("m")
        .upload_id(&id)
        .part_number(1)
        .body(b"part".to_vec().into())
        .send()
        .await
        .unwrap();
    let second = S3Server::start(options(&root)).await;
    assert!(second.is_err(), "one server per folder");
    server.stop().await;

    for leftover in ["tmp/half", "trash/0199/0"] {
        std::fs::create_dir_all(root.join(leftover).parent().unwrap()).unwrap();
        std::fs::write(root.join(leftover), b"x").unwrap();
    }
    let server = S3Server::start(options(&root)).await.unwrap();
    assert_eq!(
        files_under(&root.join("tmp")) + files_under(&root.join("trash")),
        0
    );
    let endpoint = Some(format!("http://{}", server.addr()));
    let store = ObjectStore::new(&StorageConfig {
        endpoint,
        ..c.config.clone()
    });
    let object = store.get(Bucket::Origin, &key, None).await.unwrap();
    assert_eq!(object.info.content_type.as_deref(), Some("text/plain"));
    assert_eq!(read(object.body).await, b"x");
    let parts = store.list_parts(&object_key("m"), &id).await.unwrap();
    store
        .complete_multipart(&object_key("m"), &id, &parts)
        .await
        .unwrap();
    drop(folder);
}

#[tokio::test]
async fn writers_of_one_key_do_not_mix() {
    let c = Contract::new().await;
    let put = |seed: u64| {
        let put =
            c.s3.put_object()
                .bucket(c.staging())
                .key("k")
                .body(noise(MIB, seed).into());
        async move { put.send().await.unwrap() }
    };
    let reads = async {
        for _ in 0..20 {
            if let Some(bytes) = c.bytes("k").await {
                assert!((0..8).any(|seed| bytes == noise(MIB, seed)));
            }
        }
    };
    futures::join!(futures::future::join_all((0..8).map(put)), reads);
    let bytes = c.bytes("k").await.unwrap();
    assert!((0..8).any(|seed| bytes == noise(MIB, seed)));
}

#[tokio::test]
async fn stopping_waits_for_requests_but_not_for_ever() {
    let c = Contract::new().await;
    let Some(Embedded {
        server,
        root,
        folder,
    }) = c.embedded
    else {
        return;
    };
    let signed = c
        .store
        .presign_put(&object_key("k"), 10, HOUR)
        .await
        .unwrap();
    let path = signed.url.splitn(4, '/').nth(3).unwrap();
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!(
        "PUT /{path} HTTP/1.1\r\nhost: {}\r\ncontent-length: 10\r\n\r\n",
        server.addr()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    eventually("the request runs", || files_under(&root.join("tmp")) == 1).await;
    let finish = async {
        stream.write_all(b"0123456789").await.unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    };
    futures::join!(server.stop(), finish);

    let server = S3Server::start(options(&root)).await.unwrap();
    let addr = server.addr();
    let mut idle = TcpStream::connect(addr).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), server.stop())
        .await
        .unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
    drop(folder);
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = options(folder.path());
    options.listen = taken.local_addr().unwrap();
    let error = S3Server::start(options).await.unwrap_err();
    assert!(
        error.to_string().starts_with("cannot listen on 127.0.0.1"),
        "{error}"
    );
}
