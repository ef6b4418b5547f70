//! Many uploads at once over a network that cuts, delays and refuses, wherever bytes go: between clients and the API,
//! clients and the store, the service and the store.

use std::{collections::BTreeSet, fs, time::Duration};

use devkit::{
    TcpProxy,
    proxy::{Fault, Target},
};
use futures::{StreamExt as _, stream};
use media::Sha256;
use reqwest::{Client, StatusCode, header::HeaderMap};
use tokio::time::{Instant, sleep};

use crate::{fixtures::phone_photo, process::mediamill, stack::Stack};

/// Uploads in all: as many by signed addresses as through the API.
const UPLOADS: usize = 50;
/// From this connection on the network is well, so that there is an end.
const WELL_AFTER: usize = 250;
/// For everything, on a slow machine.
const LIMIT: Duration = Duration::from_mins(5);

/// Of four connections one has a fault, of each kind in turn.
async fn faulty(target: impl Into<Target>, kind: usize) -> TcpProxy {
    let proxy = TcpProxy::start(target).await.unwrap();
    proxy.befall(move |number| {
        if number % 4 != 3 || number > WELL_AFTER {
            return None;
        }
        let spread = number as u64 * 7919 % 400_000;
        Some(match (number / 4 + kind) % 4 {
            0 => Fault::CutRequest(spread),
            1 => Fault::CutAnswer,
            2 => Fault::Unavailable,
            _ => Fault::Late(Duration::from_millis(spread / 1000)),
        })
    });
    proxy
}

/// A photo of so many bytes at least, unlike all others: padded with comments, which are no part of the picture.
fn padded(number: usize, bytes: usize) -> Vec<u8> {
    const COMMENT: u16 = 60_000;
    let plain = phone_photo(32, 32);
    let (start, rest) = plain.split_at(2);
    let mut photo = start.to_vec();
    while photo.len() < bytes {
        photo.extend([0xff, 0xfe]);
        photo.extend((COMMENT + 2).to_be_bytes());
        let numbers = (photo.len()..).flat_map(|at| (at * 31 + number).to_be_bytes());
        photo.extend(numbers.take(COMMENT.into()));
    }
    photo.extend(rest);
    photo
}

/// A client of tus that begins anew with every request, and gives up when the test does.
async fn by_tus(base: &str, key: &str, bytes: &[u8]) {
    let http = Client::builder().pool_max_idle_per_host(0).build().unwrap();
    let deadline = Instant::now() + LIMIT;
    let ask = async |method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>| {
        let method = method.parse().unwrap();
        let mut request = http.request(method, url).bearer_auth(key).body(body);
        request = request.header("tus-resumable", "1.0.0");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.timeout(Duration::from_secs(20)).send().await.ok()?;
        Some((answer.status(), answer.headers().clone()))
    };
    let number = |headers: &HeaderMap, name: &str| {
        let value = headers.get(name)?.to_str().ok()?;
        value.parse::<usize>().ok()
    };
    let length = bytes.len().to_string();
    let url = loop {
        let headers = [("upload-length", &*length)];
        let endpoint = format!("{base}/v1/resumable");
        if let Some((StatusCode::CREATED, headers)) = ask("POST", &endpoint, &headers, vec![]).await
        {
            let location = headers["location"].to_str().unwrap();
            break format!("{base}{}", &location[location.find("/v1/").unwrap()..]);
        }
        assert!(Instant::now() < deadline, "no upload was created");
        sleep(Duration::from_millis(200)).await;
    };
    loop {
        if let Some((status, headers)) = ask("HEAD", &url, &[], vec![]).await
            && status.is_success()
        {
            let offset = number(&headers, "upload-offset").unwrap();
            if offset == bytes.len() {
                return;
            }
            let at = offset.to_string();
            let headers = [
                ("upload-offset", &*at),
                ("content-type", "application/offset+octet-stream"),
            ];
            ask("PATCH", &url, &headers, bytes[offset..].to_vec()).await;
        }
        assert!(Instant::now() < deadline, "{url} did not arrive");
        sleep(Duration::from_millis(200)).await;
    }
}

/// Sends a folder again and again, until the command says that all is sent.
async fn by_command(stack: &Stack, base: &str, folder: &std::path::Path) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut command = mediamill(&["upload", "--api", base]);
        let output = command
            .arg(folder)
            .env("MEDIAMILL_KEY", &stack.key)
            .env("XDG_STATE_HOME", stack.folder.path().join("state"))
            .output()
            .await
            .unwrap();
        if output.status.success() {
            return;
        }
        let told = String::from_utf8_lossy(&output.stderr);
        // Some file could not be reached for longer than the command tries.
        assert_eq!(output.status.code(), Some(6), "{told}");
        assert!(Instant::now() < deadline, "not all was sent\n{told}");
    }
}

#[tokio::test]
async fn every_upload_comes_through_a_faulty_network_as_it_was_sent() {
    let stack = Stack::new().await;
    let inside = faulty(stack.s3_address(), 0).await;
    let outside = faulty(stack.s3_address(), 1).await;
    let inside = format!("http://{}", inside.address());
    let public = format!("http://{}", outside.address());
    let settings = [
        ("MEDIAMILL_S3_ENDPOINT", &*inside),
        ("MEDIAMILL_S3_PUBLIC_ENDPOINT", &*public),
    ];
    let api = stack.api_with(&settings).await;
    let _worker = stack.worker_with(&settings[..1]).await;
    let address = api.ready.trim_start_matches("http://").to_owned();
    let front = faulty(Target::Tcp(address), 2).await;
    let base = format!("http://{}", front.address());

    // Of some bytes, in one part, in several.
    let photos: Vec<_> = (0..UPLOADS)
        .map(|number| padded(number, [0, 1_500_000, 9_000_000][number % 3]))
        .collect();
    let folder = stack.folder.path().join("photos");
    fs::create_dir(&folder).unwrap();
    let (signed, through) = photos.split_at(UPLOADS / 2);
    for (number, photo) in signed.iter().enumerate() {
        fs::write(folder.join(format!("{number}.jpg")), photo).unwrap();
    }
    let through = stream::iter(through)
        .map(|photo| by_tus(&base, &stack.key, photo))
        .buffer_unordered(8)
        .collect::<()>();
    tokio::join!(through, by_command(&stack, &base, &folder));

    let ready = format!("SELECT count(*) >= {UPLOADS} FROM media_files WHERE status = 'READY'");
    stack.until_within(LIMIT, &ready).await;
    let kept: Vec<String> = sqlx::query_scalar(
        "SELECT encode(checksum_sha256, 'hex') FROM media_files WHERE status = 'READY'",
    )
    .fetch_all(&stack.pool)
    .await
    .unwrap();
    let expected: BTreeSet<_> = photos.iter().map(|it| Sha256::of(it).to_hex()).collect();
    assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), expected);
}
