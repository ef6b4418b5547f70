//! A whole service of its own for each test: database, object store, and two API servers over both, which know nothing
//! of each other, as two processes do not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{ApiConfig, ApiState};
use chrono::Utc;
use devkit::s3::{S3Options, S3Server};
use devkit::{TcpProxy, TestCluster, TestDatabase};
use gateway::GatewayConfig;
use media::api_keys::{self, ApiKey, Scope};
use media::uploads::{self, Part};
use media::{OwnerId, Sha256, UploadId};
use settings::Reader;
use sqlx::PgPool;
use storage::{Bucket, ObjectStore, StorageConfig};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::client::{Answer, Client};

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
    /// Speaks to the first server.
    pub one: Client,
    /// Speaks to the second server.
    pub two: Client,
    pub pool: PgPool,
    pub store: ObjectStore,
    /// In front of the object store.
    pub s3: TcpProxy,
    _database: TestDatabase,
    _s3: S3Server,
    _folder: TempDir,
}

impl Service {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With settings of the test's own.
    pub async fn start_with(own: &[(&str, &str)]) -> Self {
        let cluster = TestCluster::shared().await.unwrap();
        let database = cluster.database("gateway", migrate).await.unwrap();
        let pool = PgPool::connect(database.url()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let s3 = S3Server::start(S3Options {
            root: folder.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            access_key_id: "key".into(),
            secret_access_key: "secret".into(),
            cors_origins: vec!["*".into()],
            sync_writes: false,
        });
        let s3 = s3.await.unwrap();
        let proxy = TcpProxy::start(s3.addr()).await.unwrap();
        let endpoint = format!("http://{}", proxy.address());
        let mut settings = vec![
            ("MEDIAMILL_S3_ENDPOINT", &*endpoint),
            ("MEDIAMILL_S3_ACCESS_KEY_ID", "key"),
            ("MEDIAMILL_S3_SECRET_ACCESS_KEY", "secret"),
            ("MEDIAMILL_CDN_BASE_URL", "https://media.example.com"),
            ("MEDIAMILL_ALLOWED_ORIGINS", "https://app.example.com"),
        ];
        settings.extend(own);
        let settings = settings
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        let mut reader = Reader::new(settings);
        let store = ObjectStore::new(&StorageConfig::from_env(&mut reader));
        let (config, gateway) = (
            ApiConfig::from_env(&mut reader),
            GatewayConfig::from_env(&mut reader),
        );
        reader.finish().unwrap();
        store.ensure_buckets().await.unwrap();
        let state = state(&pool, &store, config);
        let key = key(&pool, "a", &[Scope::UploadsWrite, Scope::FilesRead]).await;
        let one = serve(state.clone(), &gateway).await;
        let two = serve(state, &gateway).await;
        Self {
            one: Client::new(one, &key),
            two: Client::new(two, &key),
            pool,
            store,
            s3: proxy,
            _database: database,
            _s3: s3,
            _folder: folder,
        }
    }

    /// The same server, asked with a key of another owner or with other scopes.
    pub async fn stranger(&self, owner: &str, scopes: &[Scope]) -> Client {
        self.one.with_key(&key(&self.pool, owner, scopes).await)
    }

    /// What the store holds of a completed upload, joined as the first step of its run joins it.
    pub async fn joined(&self, path: &str) -> Vec<u8> {
        let id = UploadId(path.rsplit('/').next().unwrap().parse().unwrap());
        let mut connection = self.pool.acquire().await.unwrap();
        let upload = uploads::load(&mut connection, id).await.unwrap().unwrap();
        let parts = uploads::confirmed_parts(&mut connection, id).await.unwrap();
        let (key, s3_id) = (&upload.object_key, upload.s3_upload_id.unwrap());
        let object = self
            .store
            .complete_multipart(key, &s3_id, &parts)
            .await
            .unwrap();
        assert_eq!(object.size_bytes, upload.plan.size_bytes);
        assert_eq!(
            object.size_bytes,
            parts.iter().map(|part: &Part| part.size_bytes).sum::<u64>()
        );
        let mut object = self.store.get(Bucket::Staging, key, None).await.unwrap();
        let mut bytes = Vec::new();
        while let Some(chunk) = futures::TryStreamExt::try_next(&mut object.body)
            .await
            .unwrap()
        {
            bytes.extend_from_slice(&chunk);
        }
        bytes
    }

    /// Waits until so many bytes of an upload are confirmed, without asking a server, which would end its request.
    pub async fn kept(&self, path: &str, bytes: usize) {
        let what = format!("offset_bytes = {bytes}");
        self.until(path, &what).await;
    }

    /// Waits until a part of an upload is on its way to the store.
    pub async fn sends_a_part(&self, path: &str) {
        self.until(path, "next_part_number > 1").await;
    }

    async fn until(&self, path: &str, what: &str) {
        let id = path.rsplit('/').next().unwrap();
        let sql = format!("SELECT {what} FROM resumable_uploads WHERE upload_id = '{id}'");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let asked = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.clone()));
            if asked.fetch_one(&self.pool).await.unwrap() {
                return;
            }
            assert!(Instant::now() < deadline, "waited for {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The number that a statement finds.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    /// How many runs there are for the file that an answer names.
    pub async fn has_run(&self, answer: &Answer) -> bool {
        let file_id = answer.header("x-file-id").parse().unwrap();
        let run = workflows::inspect::latest_run(&self.pool, file_id).await;
        run.unwrap().is_some()
    }
}

/// Bytes that repeat nowhere, so that no two parts are alike.
pub fn bytes(count: usize) -> Vec<u8> {
    let blocks = (0..count.div_ceil(32)).flat_map(|n| *Sha256::of(&n.to_le_bytes()).as_bytes());
    blocks.take(count).collect()
}

async fn migrate(url: String) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let pool = PgPool::connect(&url).await?;
    media::MIGRATOR.run(&pool).await?;
    workflows::migrate(&pool).await?;
    pool.close().await;
    Ok(())
}

async fn key(pool: &PgPool, owner: &str, scopes: &[Scope]) -> String {
    let (key, id, owner) = (
        ApiKey::generate(),
        Uuid::now_v7(),
        OwnerId::new(owner).unwrap(),
    );
    let mut connection = pool.acquire().await.unwrap();
    let created = api_keys::create(
        &mut connection,
        id,
        &key,
        &owner,
        scopes,
        "test",
        Utc::now(),
    );
    created.await.unwrap();
    key.reveal().to_owned()
}

fn state(pool: &PgPool, store: &ObjectStore, config: ApiConfig) -> ApiState {
    let ingest = workflows::Workflow::named("ingest", 1).step::<NeverRun>();
    let discard = workflows::Workflow::named("discard", 1).step::<NeverDiscard>();
    ApiState {
        pool: pool.clone(),
        store: store.clone(),
        starter: ingest.build().starter(),
        discards: discard.build().starter(),
        hooks: workflows::admin::Hooks::default(),
        config: Arc::new(config),
        clock: Utc::now,
    }
}

async fn serve(state: ApiState, gateway: &GatewayConfig) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = gateway::routes(gateway, state.store.clone(), CancellationToken::new());
    tokio::spawn(api::serve(listener, state, routes, std::future::pending()));
    address
}
