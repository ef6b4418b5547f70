//! `mediamill dev`: everything on this machine, in one process and its children.

mod farewell;
mod key;
pub mod place;
mod services;
mod welcome;

use std::{
    net::{AddrParseError, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use api::ApiConfig;
use gateway::GatewayConfig;
use reqwest::header::HeaderValue;
use sqlx::PgPool;
use storage::ObjectStore;
use tokio::net::TcpListener;
use workers::WorkersConfig;

use self::services::Services;
pub use self::services::storage_of;
use crate::database::DatabaseConfig;
use crate::{
    database,
    monitor::{Monitor, Readiness, Started},
    settings,
    signals::Stop,
    telemetry, wiring,
};

#[derive(clap::Args)]
pub struct Args {
    /// Folder for all data, kept between runs
    #[arg(long, default_value = ".mediamill")]
    data_dir: PathBuf,
    /// Address of API and page, or a port of this machine; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080", value_parser = address)]
    listen: SocketAddr,
    /// Address of /livez, /readyz and /metrics; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0", value_parser = address)]
    metrics_listen: SocketAddr,
    /// Another origin whose pages may call (scheme, host and port); may be given several times
    #[arg(
        long = "allow-origin",
        value_name = "ORIGIN",
        env = "MEDIAMILL_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_parser = api::parse_origin
    )]
    allowed_origins: Vec<HeaderValue>,
    /// API key to accept; by default one is made and kept in the data folder
    #[arg(long, env = "MEDIAMILL_KEY", hide_env_values = true)]
    key: Option<String>,
}

pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    // s3s logs every refused request as an error, even an ordinary 404.
    telemetry::start("warn,workflows=info,s3s=off")?;
    settings::warn_of_unknown();
    let stop = Stop::on_signals()?;
    let listener = TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    let starting = Services::start(&args.data_dir, address.port(), &args.allowed_origins);
    let services = tokio::select! {
        services = starting => services?,
        () = stop.stop.cancelled() => return Ok(ExitCode::SUCCESS),
    };
    let result = Box::pin(serve(&args, listener, &services, stop.clone())).await;
    services.stop().await;
    result.map(|()| ExitCode::SUCCESS)
}

/// Runs API and workers until asked to stop, or until a service they need has gone.
async fn serve(
    args: &Args,
    listener: TcpListener,
    services: &Services,
    stop: Stop,
) -> anyhow::Result<()> {
    let base_url = format!("http://{}", reachable(listener.local_addr()?));
    let pool = database::connect(&services.database_url(), DatabaseConfig::CONNECTIONS).await?;
    database::migrate(&pool).await?;
    let store = ObjectStore::new(&services.storage);
    store
        .ensure_buckets()
        .await
        .context("cannot make the buckets")?;
    let key = key::ensure(&pool, &args.data_dir, args.key.clone()).await?;

    let readiness = Readiness::starting(&pool);
    let metrics = Monitor::serve(args.metrics_listen, pool.clone(), readiness.clone()).await?;
    let settings = settings::dev()?;
    let (limits, kept) = (settings.limits.clone(), settings.kept);
    let workers_config = workers_config(args, services, &settings)?;
    let context = wiring::context(pool.clone(), store.clone(), limits, &workers_config).await?;
    let api_config = api_config(args, &listener, services, settings)?;

    let monitored = store.clone();
    let api = wiring::serve_api(
        listener,
        pool.clone(),
        store,
        api_config,
        &GatewayConfig {
            edge: true,
            max_append_size: None,
        },
        kept,
        stop.clone(),
    );
    let scanner = Some(context.clamd.clone());
    let url_file = place::write(&args.data_dir, &services.database_url())?;
    let ready = |engine| {
        let engine = Some(engine);
        readiness.started(Started {
            engine,
            scanner,
            store: Some(monitored),
        });
        welcome::print(&base_url, &key, metrics, &args.data_dir, services);
    };
    let workers = wiring::run_workers(context, &workers_config, stop.clone(), ready);
    let watch = watch(services, stop.clone());
    let parts = async { tokio::join!(ending(api, &stop), ending(workers, &stop), watch) };
    let (api, workers, watch) = tokio::select! {
        ended = parts => ended,
        never = farewell::tell(&pool, &stop) => match never {},
    };
    close(pool).await;
    drop(url_file);
    watch.and(api).and(workers)
}

/// Runs a part. When it ends, for whatever reason, the other parts are told to stop.
async fn ending(part: impl Future<Output = anyhow::Result<()>>, stop: &Stop) -> anyhow::Result<()> {
    let result = part.await;
    stop.stop.cancel();
    result
}

async fn watch(services: &Services, stop: Stop) -> anyhow::Result<()> {
    let mut interval = tokio::time::interval(Duration::from_secs(2));
    loop {
        tokio::select! {
            () = stop.stop.cancelled() => return Ok(()),
            _ = interval.tick() => {
                if let Err(error) = services.check() {
                    stop.stop.cancel();
                    stop.hasten.cancel();
                    return Err(error.into());
                }
            }
        }
    }
}

async fn close(pool: PgPool) {
    // A connection that was leaked must not keep us; Postgres ends it when it stops.
    let _ = tokio::time::timeout(Duration::from_secs(3), pool.close()).await;
}

/// An address, or a port alone, which is one that only this machine reaches.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text
        .parse()
        .map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
    let address = port.or_else(|_| text.parse());
    address.map_err(|_: AddrParseError| "say an address and a port: 127.0.0.1:8080".to_owned())
}

/// An address that a browser on this machine can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from(([127, 0, 0, 1], address.port()));
    }
    address
}

fn workers_config(
    args: &Args,
    services: &Services,
    settings: &settings::Dev,
) -> anyhow::Result<WorkersConfig> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(WorkersConfig {
        clamd: services.clamd.addr().parse()?,
        scan_piece_bytes: scanner::MAX_PIECE_BYTES,
        scratch_dir: args.data_dir.join("scratch"),
        scratch_max_bytes: 4 << 30,
        render_slots: processors,
        office: settings.office.clone(),
        office_slots: 1,
        video_chunk_seconds: 60,
        document_pages: settings.document_pages,
        keep_rights: settings.keep_rights,
        extras: settings.extras,
        require_signatures: false,
        sandbox: sandbox::Mode::default(),
        kept: settings.kept,
        types: settings.types.clone(),
    })
}

fn api_config(
    args: &Args,
    listener: &TcpListener,
    services: &Services,
    settings: settings::Dev,
) -> anyhow::Result<ApiConfig> {
    let listen = listener.local_addr()?;
    Ok(ApiConfig {
        listen,
        cdn_base_url: format!("http://{}/cdn", reachable(listen)),
        public_url: Some(format!("http://{}", reachable(listen))),
        url_lifetime: settings.url_lifetime,
        upload_lifetime: settings.upload_lifetime,
        deadline: Duration::from_secs(15),
        max_connections: api::DEFAULT_MAX_CONNECTIONS,
        quota: settings.quota,
        requests_per_second: api::DEFAULT_REQUESTS_PER_SECOND,
        wrong_keys_per_minute: api::DEFAULT_WRONG_KEYS_PER_MINUTE,
        limits: settings.limits,
        types: settings.types,
        jwt: settings.jwt,
        allowed_origins: args.allowed_origins.clone(),
        storage_origins: services.storage.endpoint.clone().unwrap_or_default(),
    })
}
