//! The private services of `mediamill dev`: Postgres, an S3 server and clamd.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use anyhow::Context;
use devkit::{
    Clamd, ClamdOptions, Postgres, PostgresOptions,
    s3::{S3Options, S3Server},
};
use reqwest::header::HeaderValue;
use storage::StorageConfig;

const DATABASE: &str = "mediamill";
const ACCESS_KEY_ID: &str = "mediamill";
/// The S3 server's port and secret key, in the data folder.
const PORT_FILE: &str = "s3-port";
const SECRET_FILE: &str = "s3-secret";

/// Running services and how to reach them.
pub struct Services {
    postgres: Postgres,
    s3: S3Server,
    /// The virus scanner.
    pub clamd: Clamd,
    /// How the S3 server is reached.
    pub storage: StorageConfig,
}

impl Services {
    /// Starts all three at once, with their data in `data_dir`. Pages of the API at `api_port` on
    /// this machine, and of the origins allowed besides, may send bytes to the S3 server.
    pub async fn start(
        data_dir: &Path,
        api_port: u16,
        allowed_origins: &[HeaderValue],
    ) -> anyhow::Result<Self> {
        devkit::close_data_folder(data_dir)?;
        let postgres_options = PostgresOptions {
            data_dir: data_dir.join("postgres"),
            fsync: true,
        };
        let (postgres, clamd, s3) = tokio::join!(
            Postgres::start(postgres_options),
            Clamd::start(ClamdOptions::new(data_dir.join("clamd"))),
            start_s3(data_dir, cors_origins(api_port, allowed_origins)),
        );
        let postgres = postgres.context("Postgres did not start")?;
        let clamd = clamd.context("the virus scanner did not start")?;
        let (s3, storage) = s3?;
        postgres.create_database(DATABASE).await?;
        Ok(Self {
            postgres,
            s3,
            clamd,
            storage,
        })
    }

    /// Holds the password.
    pub fn database_url(&self) -> String {
        self.postgres.url(DATABASE)
    }

    /// Where the S3 server listens.
    pub fn s3_address(&self) -> SocketAddr {
        self.s3.addr()
    }

    /// Fails when a service has ended by itself.
    pub fn check(&self) -> Result<(), devkit::Error> {
        self.postgres.check()?;
        self.clamd.check()
    }

    /// Stops all three, cleanly.
    pub async fn stop(mut self) {
        tokio::join!(self.s3.stop(), self.clamd.stop(), self.postgres.stop());
    }
}

/// The server asks for the same port as last time, so that addresses signed before a restart
/// still lead to it.
async fn start_s3(
    data_dir: &Path,
    cors_origins: Vec<String>,
) -> anyhow::Result<(S3Server, StorageConfig)> {
    let secret_access_key = secret(data_dir)?;
    let port_file = data_dir.join(PORT_FILE);
    let last = std::fs::read_to_string(&port_file)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    let options = |port: u16| S3Options {
        root: data_dir.join("s3"),
        listen: SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        access_key_id: ACCESS_KEY_ID.into(),
        secret_access_key: secret_access_key.clone(),
        cors_origins: cors_origins.clone(),
        sync_writes: false,
    };
    let server = match S3Server::start(options(last.unwrap_or(0))).await {
        Err(_) if last.is_some() => S3Server::start(options(0)).await,
        started => started,
    };
    let server = server.context("the S3 server did not start")?;
    std::fs::write(&port_file, server.addr().port().to_string())?;
    let storage = config(server.addr(), secret_access_key);
    Ok((server, storage))
}

fn config(address: SocketAddr, secret_access_key: String) -> StorageConfig {
    StorageConfig {
        endpoint: Some(format!("http://{address}")),
        public_endpoint: None,
        region: "us-east-1".into(),
        access_key_id: ACCESS_KEY_ID.into(),
        secret_access_key,
        path_style: true,
        staging_bucket: "mediamill-staging".into(),
        origin_bucket: "mediamill-origin".into(),
    }
}

/// How the S3 server of the `mediamill dev` that runs in a folder is reached.
pub fn storage_of(data_dir: &Path) -> anyhow::Result<StorageConfig> {
    // Says that none runs, where none does.
    super::place::read(data_dir)?;
    let read = |name| {
        let path = data_dir.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let port: u16 = read(PORT_FILE)?
        .trim()
        .parse()
        .with_context(|| format!("{PORT_FILE} holds no port"))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    Ok(config(address, read(SECRET_FILE)?.trim().to_owned()))
}

/// The page of the API itself, and other sites.
fn cors_origins(api_port: u16, allowed: &[HeaderValue]) -> Vec<String> {
    let own = ["localhost", "127.0.0.1", "[::1]"];
    let own = own.map(|host| format!("http://{host}:{api_port}"));
    let others = allowed.iter().filter_map(|origin| origin.to_str().ok());
    own.into_iter()
        .chain(others.map(ToOwned::to_owned))
        .collect()
}

/// The S3 server's secret key, made once.
fn secret(data_dir: &Path) -> anyhow::Result<String> {
    let made = media::api_keys::ApiKey::generate();
    super::key::kept(&data_dir.join(SECRET_FILE), made.reveal())
}
