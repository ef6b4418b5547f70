//! A headless Chromium, driven over the `WebDriver` protocol (W3C Recommendation).

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The key under which the protocol hands out elements (`WebDriver` §12).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser of its own for one test, closed with it.
pub struct Browser {
    http: Client,
    session: String,
    driver: Child,
    profile: TempDir,
}

impl Browser {
    pub async fn open() -> Self {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver (./just setup-test installs it)");
        let profile = tempfile::tempdir().unwrap();
        let mut browser = Self {
            http: Client::new(),
            session: format!("http://127.0.0.1:{port}"),
            driver,
            profile,
        };
        let body = json!({ "capabilities": { "alwaysMatch": browser.capabilities() } });
        for _ in 0..200 {
            if let Ok(opened) = browser.ask(Method::POST, "/session", &body).await {
                let id = opened["sessionId"].as_str().unwrap();
                browser.session = format!("{}/session/{id}", browser.session);
                return browser;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("no browser")
    }

    fn capabilities(&self) -> Value {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        json!({ "browserName": "chrome", "goog:chromeOptions": { "args": [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--window-size=1200,1400", profile,
        ] } })
    }

    /// The answer's value, or what the browser says is wrong.
    async fn ask(&self, method: Method, path: &str, body: &Value) -> Result<Value, String> {
        let request = self
            .http
            .request(method.clone(), format!("{}{path}", self.session));
        let request = if method == Method::POST {
            request.json(body)
        } else {
            request
        };
        let response = request.send().await.map_err(|e| e.to_string())?;
        let well = response.status().is_success();
        let value = response.json::<Value>().await.map_err(|e| e.to_string())?["value"].take();
        if well {
            Ok(value)
        } else {
            Err(value["message"].to_string())
        }
    }

    pub async fn goto(&self, url: &str) {
        self.ask(Method::POST, "/url", &json!({ "url": url }))
            .await
            .unwrap();
    }

    pub async fn address(&self) -> String {
        let url = self.ask(Method::GET, "/url", &Value::Null).await.unwrap();
        url.as_str().unwrap().to_owned()
    }

    /// The first element that matches, as soon as there is one.
    pub async fn find(&self, css: &str) -> Value {
        let body = json!({ "using": "css selector", "value": css });
        for _ in 0..600 {
            if let Ok(element) = self.ask(Method::POST, "/element", &body).await {
                return element;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let page = self.ask(Method::GET, "/source", &Value::Null).await;
        panic!("{css} does not appear in {page:?}")
    }

    pub async fn click(&self, css: &str) {
        let element = self.find(css).await;
        let path = format!("/element/{}/click", element[ELEMENT].as_str().unwrap());
        self.ask(Method::POST, &path, &json!({})).await.unwrap();
    }

    /// What a script returns.
    pub async fn script(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.ask(Method::POST, "/execute/sync", &body)
            .await
            .unwrap()
    }

    /// Waits until a script says yes.
    pub async fn until(&self, script: &str) {
        for _ in 0..600 {
            if self.script(script).await == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let page = self.ask(Method::GET, "/source", &Value::Null).await;
        panic!("waited for {script} in {page:?}")
    }

    pub async fn text(&self, element: &Value) -> String {
        let path = format!("/element/{}/text", element[ELEMENT].as_str().unwrap());
        let text = self.ask(Method::GET, &path, &Value::Null).await.unwrap();
        text.as_str().unwrap().to_owned()
    }

    /// Chooses a file as a person does in the file dialog.
    pub async fn choose(&self, input: &str, file: &Path) {
        let input = self.find(input).await;
        let path = format!("/element/{}/value", input[ELEMENT].as_str().unwrap());
        self.ask(Method::POST, &path, &json!({ "text": file }))
            .await
            .unwrap();
    }

    /// How wide a picture really is: 0 when the frame is there and the picture is not.
    pub async fn loaded_width(&self, image: &Value) -> u64 {
        let script = "const done = arguments[arguments.length - 1], image = arguments[0];
                      const look = () => image.complete ? done(image.naturalWidth) : setTimeout(look, 50);
                      image.loading = 'eager'; look();";
        let body = json!({ "script": script, "args": [image] });
        let width = self
            .ask(Method::POST, "/execute/async", &body)
            .await
            .unwrap();
        width.as_u64().unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver and its browser, which is in the same group.
        let _ = killpg(
            Pid::from_raw(self.driver.id().cast_signed()),
            Signal::SIGKILL,
        );
        let _ = self.driver.wait();
    }
}
