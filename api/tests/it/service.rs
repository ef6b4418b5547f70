//! A whole service of its own for each test: database, object store, HTTP server.

use std::sync::Arc;

use api::{ApiConfig, ApiState};
use chrono::{DateTime, Utc};
use devkit::s3::{S3Options, S3Server};
use devkit::{TcpProxy, TestCluster, TestDatabase};
use media::OwnerId;
use media::api_keys::{self, ApiKey, Scope};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use settings::Reader;
use sqlx::PgPool;
use storage::{ObjectStore, StorageConfig};
use tempfile::TempDir;
use uuid::Uuid;

/// An origin whose pages may call.
pub const FRIEND: &str = "https://app.example.com";

/// The API only starts runs; nobody works on them here.
struct NeverRun;

impl workflows::Step for NeverRun {
    const NAME: &'static str = "never-run";
    type Context = ();
    type Input = media::files::UploadedFile;
    type Output = ();

    async fn run(
        _: &workflows::Attempt,
        _: Self::Input,
    ) -> Result<workflows::Done<()>, workflows::StepError> {
        unreachable!("no worker in these tests")
    }
}

/// Nor does anybody remove bytes.
struct NeverDiscard;

impl workflows::Step for NeverDiscard {
    const NAME: &'static str = "never-discard";
    type Context = ();
    type Input = media::files::Refused;
    type Output = ();

    async fn run(
        _: &workflows::Attempt,
        _: Self::Input,
    ) -> Result<workflows::Done<()>, workflows::StepError> {
        unreachable!("no worker in these tests")
    }
}

pub struct Service {
    pub base: String,
    pub http: reqwest::Client,
    pub pool: PgPool,
    pub store: ObjectStore,
    _database: TestDatabase,
    /// In front of the object store.
    pub s3: TcpProxy,
    _s3: S3Server,
    _folder: TempDir,
}

impl Service {
    pub async fn start() -> Self {
        Self::start_at(Utc::now).await
    }

    /// With a clock of the test's own.
    pub async fn start_at(clock: fn() -> DateTime<Utc>) -> Self {
        Self::start_as(clock, &[]).await
    }

    /// With settings of the test's own.
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_as(Utc::now, settings).await
    }

    async fn start_as(clock: fn() -> DateTime<Utc>, own: &[(&str, &str)]) -> Self {
        let database = database().await;
        let pool = PgPool::connect(database.url()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let s3 = S3Server::start(s3_options(folder.path())).await.unwrap();
        let proxy = TcpProxy::start(s3.addr()).await.unwrap();
        let mut settings = settings(&format!("http://{}", proxy.address()));
        settings.extend(
            own.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let mut reader = Reader::new(settings);
        let store = ObjectStore::new(&StorageConfig::from_env(&mut reader));
        let config = ApiConfig::from_env(&mut reader);
        reader.finish().unwrap();
        store.ensure_buckets().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = ApiState {
            pool: pool.clone(),
            store: store.clone(),
            starter: workflows::Workflow::named("ingest", 1)
                .step::<NeverRun>()
                .build()
                .starter(),
            discards: workflows::Workflow::named("discard", 1)
                .step::<NeverDiscard>()
                .build()
                .starter(),
            hooks: workflows::admin::Hooks::default(),
            config: Arc::new(config),
            clock,
        };
        tokio::spawn(api::serve(
            listener,
            state,
            poem::Route::new(),
            std::future::pending(),
        ));
        // A connection for each request: the server closes one whose body it refused to read.
        let http = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            base,
            http,
            pool,
            store,
            _database: database,
            s3: proxy,
            _s3: s3,
            _folder: folder,
        }
    }

    /// A new key for an owner.
    pub async fn key(&self, owner: &str, scopes: &[Scope]) -> String {
        let key = ApiKey::generate();
        let owner = OwnerId::new(owner).unwrap();
        let mut connection = self.pool.acquire().await.unwrap();
        api_keys::create(
            &mut connection,
            Uuid::now_v7(),
            &key,
            &owner,
            scopes,
            "test",
            Utc::now(),
        )
        .await
        .unwrap();
        key.reveal().to_owned()
    }

    pub fn request(&self, method: Method, path: &str, key: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(key)
    }

    pub async fn get(&self, path: &str, key: &str) -> (StatusCode, Value) {
        json(self.request(Method::GET, path, key).send().await.unwrap()).await
    }

    /// `null` stands for no body.
    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (StatusCode, Value) {
        let mut request = self.request(Method::POST, path, key);
        if !body.is_null() {
            request = request.json(body);
        }
        json(request.send().await.unwrap()).await
    }

    pub async fn delete(&self, path: &str, key: &str) -> (StatusCode, Value) {
        json(
            self.request(Method::DELETE, path, key)
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Opens an upload of so many bytes.
    pub async fn initiate(&self, key: &str, size_bytes: usize) -> Value {
        let body = serde_json::json!({
            "filename": "harbour.jpg", "content_type": "image/jpeg", "size_bytes": size_bytes,
        });
        let (status, upload) = self.post("/v1/uploads", key, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{upload}");
        upload
    }

    /// Sends bytes as a signed request tells; `signed` has `method`, `url` and `headers`.
    pub async fn send(&self, signed: &Value, bytes: Vec<u8>) -> Response {
        let method = signed["method"].as_str().unwrap().parse().unwrap();
        let mut request = self.http.request(method, signed["url"].as_str().unwrap());
        for (name, value) in signed["headers"].as_object().unwrap() {
            request = request.header(name, value.as_str().unwrap());
        }
        request.body(bytes).send().await.unwrap()
    }

    /// How many runs were started for a file.
    pub async fn runs(&self, file_id: &Value) -> usize {
        let file_id = file_id.as_str().unwrap().parse().unwrap();
        let run = workflows::inspect::latest_run(&self.pool, file_id)
            .await
            .unwrap();
        usize::from(run.is_some())
    }
}

pub async fn json(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let text = response.text().await.unwrap();
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).expect(&text)
    };
    (status, body)
}

async fn database() -> TestDatabase {
    let cluster = TestCluster::shared().await.unwrap();
    let migrate = async |url: String| {
        let pool = PgPool::connect(&url).await?;
        media::MIGRATOR.run(&pool).await?;
        workflows::migrate(&pool).await?;
        pool.close().await;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    cluster.database("api", migrate).await.unwrap()
}

fn settings(s3_endpoint: &str) -> Vec<(String, String)> {
    [
        ("MEDIAMILL_S3_ENDPOINT", s3_endpoint),
        ("MEDIAMILL_S3_ACCESS_KEY_ID", "key"),
        ("MEDIAMILL_S3_SECRET_ACCESS_KEY", "secret"),
        ("MEDIAMILL_CDN_BASE_URL", "https://media.example.com"),
        ("MEDIAMILL_ALLOWED_ORIGINS", FRIEND),
        ("MEDIAMILL_MAX_FILE_BYTES", "1000000000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

fn s3_options(root: &std::path::Path) -> S3Options {
    S3Options {
        root: root.to_owned(),
        listen: ([127, 0, 0, 1], 0).into(),
        access_key_id: "key".into(),
        secret_access_key: "secret".into(),
        cors_origins: vec!["*".into()],
        sync_writes: false,
    }
}
