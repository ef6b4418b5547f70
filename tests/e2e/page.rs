//! The page at `/`, in a real browser.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    fixtures::{phone_photo, zip},
    stack::Stack,
};

/// A browser of its own for one test, closed with it.
struct Browser {
    client: Client,
    driver: std::process::Child,
    _profile: TempDir,
}

impl Browser {
    async fn open() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver (./just setup-test installs it)");
        let profile = tempfile::tempdir().unwrap();
        let args = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1200,1400",
        ];
        let mut args: Vec<_> = args.map(str::to_owned).to_vec();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({ "goog:chromeOptions": { "args": args } });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(options.as_object().unwrap().clone());
        let address = format!("http://127.0.0.1:{port}");
        let mut tries = 0;
        let client = loop {
            match builder.connect(&address).await {
                Ok(client) => break client,
                Err(error) if tries == 100 => panic!("no browser: {error}"),
                Err(_) => tries += 1,
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        Self {
            client,
            driver,
            _profile: profile,
        }
    }

    async fn find(&self, css: &str) -> Element {
        let wait = self.client.wait().at_most(Duration::from_mins(1));
        let found = wait.for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => {
                let page = self.client.source().await.unwrap_or_default();
                panic!("{css}: {error}\n{page}")
            }
        }
    }

    /// How wide a picture really is: 0 when the frame is there and the picture is not.
    async fn loaded_width(&self, image: &Element) -> u64 {
        let script = "const done = arguments[arguments.length - 1], image = arguments[0];
                      const look = () => image.complete ? done(image.naturalWidth) : setTimeout(look, 50);
                      image.loading = 'eager'; look();";
        let arguments = vec![serde_json::to_value(image).unwrap()];
        let width = self.client.execute_async(script, arguments).await.unwrap();
        width.as_u64().unwrap()
    }

    async fn choose(&self, file: &std::path::Path) {
        let input = self.find("[data-testid=file-input]").await;
        input.send_keys(file.to_str().unwrap()).await.unwrap();
    }

    /// Leaves a picture of the page where `MEDIAMILL_SCREENSHOTS` says, for people to look at.
    async fn screenshot(&self, name: &str) {
        if let Some(folder) = std::env::var_os("MEDIAMILL_SCREENSHOTS") {
            let picture = self.client.screenshot().await.unwrap();
            std::fs::write(std::path::Path::new(&folder).join(name), picture).unwrap();
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[tokio::test]
async fn a_chosen_file_is_sent_and_its_variants_are_shown() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let browser = Browser::open().await;
    let address = format!("{}/#key={}", api.ready, stack.key);
    browser.client.goto(&address).await.unwrap();
    browser
        .choose(&stack.file("at the sea.jpg", &phone_photo(1600, 1200)))
        .await;

    browser
        .find("[data-testid=file-card][data-status=READY]")
        .await;
    for step in [
        "assemble",
        "scan",
        "validate",
        "promote",
        "transcode",
        "finalize",
    ] {
        let done = format!("[data-testid=step][data-name={step}][data-state=done]");
        browser.find(&done).await;
    }
    let shown = browser.find("[data-testid=variant]").await;
    assert!(
        browser.loaded_width(&shown).await > 0,
        "the picture itself, not only its frame"
    );
    browser.screenshot("ready.png").await;
    let address = browser.client.current_url().await.unwrap();
    assert_eq!(
        address.fragment(),
        None,
        "the key does not stay in the address bar"
    );

    browser.choose(&stack.file("holiday.jpg", &zip())).await;
    let refused = "[data-testid=file-card][data-status=REJECTED] [data-testid=rejection-code]";
    let code = browser.find(refused).await.text().await.unwrap();
    assert!(code.contains("unsupported_type"), "{code}");
    browser.screenshot("rejected.png").await;
    browser.client.clone().close().await.unwrap();
}
