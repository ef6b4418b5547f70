//! Uppy as it is published, in a real browser, on a page of another site.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use media::Sha256;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{browser::Browser, fixtures::phone_photo, process::Process, stack::Stack};

/// A release, as npm has it, and the SHA-256 of what is in it.
struct Release {
    version: &'static str,
    sha256: &'static str,
    /// How its S3 plugin calls what speaks Companion's routes.
    endpoint: &'static str,
}

const FIVE: Release = Release {
    version: "5.2.4",
    sha256: "e06d4c76ff37277f64ebb19986b85bb1de50f02b2fcaa84017ca523d6655a10a",
    endpoint: "endpoint",
};
const SIX: Release = Release {
    version: "6.0.1",
    sha256: "87be6ec113538a78d54bd85acdd13d0ae7a2e2ac055b5d87447851b9012b2f11",
    endpoint: "companionEndpoint",
};

impl Release {
    /// Its bundle, fetched once for a machine.
    fn bundle(&self) -> Vec<u8> {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
        let folder = cache.unwrap_or_else(home).join("mediamill");
        let kept = folder.join(format!("uppy-{}.min.mjs", self.version));
        if !kept.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            self.fetch(&kept);
        }
        let bundle = std::fs::read(&kept).unwrap();
        assert_eq!(
            Sha256::of(&bundle).to_hex(),
            self.sha256,
            "{}",
            kept.display()
        );
        bundle
    }

    fn fetch(&self, to: &Path) {
        let folder = tempfile::tempdir().unwrap();
        let package = format!("uppy@{}", self.version);
        let mut npm = Command::new("npm");
        npm.args(["pack", "--silent", "--pack-destination"])
            .args([folder.path().as_os_str(), package.as_ref()]);
        let packed = npm.output().expect("npm (./just setup-test installs it)");
        assert!(packed.status.success(), "{packed:?}");
        let archive = folder.path().join(format!("uppy-{}.tgz", self.version));
        let mut tar = Command::new("tar");
        tar.arg("-xzOf")
            .arg(archive)
            .arg("package/dist/uppy.min.mjs");
        let bundle = tar.output().unwrap().stdout;
        // Renamed into place, so that two tests at once do no harm.
        let new = to.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&new, bundle).unwrap();
        std::fs::rename(new, to).unwrap();
    }
}

/// How a file is sent.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Parts,
    /// In parts, with a reload after the first.
    Reload,
    Form,
}

/// A page that uploads what is chosen, goes on after a reload, and keeps what it was told in `told`.
const PAGE: &str = r#"<!doctype html><meta charset="utf-8"><title>Uppy</title><input type="file" id="file">
<script type="module">
import { Uppy, AwsS3, GoldenRetriever } from './uppy.mjs';
window.told = { parts: 0, errors: [], done: null, restored: 0, saved: false, ready: false };
const uppy = new Uppy().use(AwsS3, { [ENDPOINT]: SERVER, shouldUseMultipart: PARTS }).use(GoldenRetriever);
uppy.on('file-added', (file) => uppy.setFileMeta(file.id, { size: file.size }));
uppy.on('s3-multipart:part-uploaded', () => {
  told.parts += 1;
  if (location.hash === '#pause') uppy.pauseAll();
});
uppy.on('error', (error) => told.errors.push(String(error)));
uppy.on('upload-error', (file, error) => told.errors.push(String(error)));
uppy.on('complete', (result) => { told.done = result.successful.map((file) => file.response?.uploadURL ?? file.uploadURL); });
uppy.on('restored', () => { told.restored += 1; uppy.emit('restore-confirmed'); });
document.querySelector('#file').onchange = (event) => {
  const data = event.target.files[0];
  uppy.addFile({ name: data.name, type: data.type, data });
  uppy.upload();
};
// Whether Golden Retriever has written down which upload it is: it does so a moment later.
const ended = (request) => new Promise((resolve) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => resolve([]);
});
async function saved() {
  const id = uppy.getFiles()[0]?.s3Multipart?.uploadId;
  if (!id) return false;
  let kept = JSON.stringify(localStorage);
  for (const { name } of await indexedDB.databases()) {
    const database = await ended(indexedDB.open(name));
    for (const store of database.objectStoreNames ?? []) {
      kept += JSON.stringify(await ended(database.transaction(store).objectStore(store).getAll()));
    }
    database.close?.();
  }
  return kept.includes(id);
}
setInterval(async () => { told.saved = await saved(); }, 100);
told.ready = true;
</script>"#;

/// Serves the page until the test ends.
fn site(release: &Release, way: Way, server: &str, listener: TcpListener) {
    let page = PAGE
        .replace("PARTS", if way == Way::Form { "false" } else { "true" })
        .replace("ENDPOINT", &format!("'{}'", release.endpoint))
        .replace("SERVER", &format!("'{server}'"));
    let bundle = release.bundle();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 8192];
            let read = stream.read(&mut head).await.unwrap_or(0);
            let (kind, body) = if head[..read].starts_with(b"GET /uppy.mjs") {
                ("text/javascript", bundle.as_slice())
            } else {
                ("text/html", page.as_bytes())
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat()).await;
        }
    });
}

async fn token(stack: &Stack, api: &Process) -> String {
    let allows =
        json!({ "max_files": 2, "max_bytes": 50_000_000, "content_types": ["image/jpeg"] });
    let url = format!("{}/v1/upload-tokens", api.ready);
    let made = Client::new()
        .post(url)
        .bearer_auth(&stack.key)
        .json(&allows);
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    format!("{}{}", api.ready, made["uppy_path"].as_str().unwrap())
}

/// A photo of two parts: cameras put what they like behind the picture. Golden Retriever keeps files of 10 MB at most.
fn photo() -> Vec<u8> {
    let mut photo = phone_photo(640, 480);
    photo.resize(9 << 20, 0);
    photo
}

/// Waits for the end, and holds what arrived against what was sent.
async fn arrives(stack: &Stack, api: &Process, browser: &Browser, sent: &[u8]) {
    browser
        .until("return told.done !== null || told.errors.length > 0")
        .await;
    let told = browser.script("return told").await;
    assert_eq!(told["errors"], json!([]), "{told}");
    let address = told["done"][0]
        .as_str()
        .unwrap_or_else(|| panic!("{told}\n{}", stack.logs()));
    stack
        .until("SELECT bool_and(status = 'READY') FROM media_files")
        .await;
    let id: uuid::Uuid = sqlx::query_scalar("SELECT file_id FROM media_files")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    // Of a form, version 6 tells where the store has it.
    let to_us = format!("{}/v1/files/{id}", api.ready);
    let to_the_store = address.starts_with(&format!("http://{}/", stack.s3_address()));
    assert!(
        to_us.ends_with(address) || to_us == address || to_the_store,
        "{told}"
    );
    let url = to_us;
    let file = Client::new().get(url).bearer_auth(&stack.key);
    let file: Value = file.send().await.unwrap().json().await.unwrap();
    assert_eq!(file["sha256"], Sha256::of(sent).to_hex(), "{file}");
}

async fn sends(release: &Release, way: Way) {
    let stack = Stack::served_by_the_edge().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let api = stack
        .api_with(&[
            ("MEDIAMILL_ALLOWED_ORIGINS", &origin),
            ("MEDIAMILL_PUBLIC_URL", &stack.public_url()),
        ])
        .await;
    let _worker = stack.worker().await;
    site(release, way, &token(&stack, &api).await, listener);
    let (browser, photo) = (Browser::open().await, photo());
    let path = stack.file("at the sea.jpg", &photo);
    let fragment = if way == Way::Reload { "#pause" } else { "" };
    browser.goto(&format!("{origin}/{fragment}")).await;
    browser.until("return window.told?.ready === true").await;
    browser.choose("#file", &path).await;
    if way == Way::Reload {
        browser
            .until("return told.parts > 0 && told.saved || told.errors.length > 0")
            .await;
        browser.goto("about:blank").await;
        browser.goto(&format!("{origin}/")).await;
        browser.until("return window.told?.ready === true").await;
        browser.until("return told.restored > 0").await;
    }
    arrives(&stack, &api, &browser, &photo).await;
    let uploads: i64 = sqlx::query_scalar("SELECT count(*) FROM uploads")
        .fetch_one(&stack.pool)
        .await
        .unwrap();
    assert_eq!(uploads, 1, "the same upload went on");
}

#[tokio::test]
async fn uppy_5_uploads_as_it_is() {
    sends(&FIVE, Way::Parts).await;
}

#[tokio::test]
async fn uppy_6_uploads_as_it_is() {
    sends(&SIX, Way::Parts).await;
}

#[tokio::test]
async fn uppy_6_goes_on_after_a_reload() {
    sends(&SIX, Way::Reload).await;
}

#[tokio::test]
async fn uppy_5_sends_a_form() {
    sends(&FIVE, Way::Form).await;
}

#[tokio::test]
async fn uppy_6_sends_a_form() {
    sends(&SIX, Way::Form).await;
}
