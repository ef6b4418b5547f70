//! Puts the crates together: the same for `dev` and for the separate processes of production.

use std::{path::Path, sync::Arc};

use anyhow::{Context, ensure};
use api::{ApiConfig, ApiState};
use codecs::{Decoders, Encoding, ImageLimits, LibreOffice, OutputSpec, RenderPlan};
use gateway::GatewayConfig;
use media::{files::Kept, limits::Limits};
use sandbox::{Launcher, Mode};
use scanner::ClamdClient;
use sqlx::PgPool;
use storage::ObjectStore;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use video::exec::Tools;
use workers::{
    Context as WorkersContext, OfficeAt, WorkersConfig,
    tools::Scratch,
    workflows::{
        discard, ingest, replan,
        upkeep::{self, Round},
    },
};
use workflows::{Engine, EngineConfig, Health, Hints};

use crate::{clock, monitor, signals::Stop};

/// The hidden subcommand by which this program becomes a foreign tool.
pub const TOOL: &str = "tool";

/// What films are worked on with. Fails when a tool is missing or cannot be confined.
async fn tools(scratch: &Scratch, mode: Mode) -> anyhow::Result<Tools> {
    let tools = Tools::new(Launcher::current_program(TOOL).with_mode(mode))
        .context("films cannot be worked on: install ffmpeg (scripts/setup does)")?;
    let folder = scratch.folder()?;
    let versions = tools.versions(folder.path()).await;
    for version in versions.context("ffmpeg cannot be run in the sandbox")? {
        tracing::info!(tool.version = version, "a tool runs in the sandbox");
    }
    Ok(tools)
}

/// The smallest of pictures, a GIF of one pixel.
pub const PICTURE: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// Has a picture made as AVIF, as those of strangers are. Fails where ffmpeg cannot encode it.
pub async fn avif(decoders: &Decoders, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("picture.gif");
    std::fs::write(&path, PICTURE).context("cannot write to the scratch folder")?;
    let output = OutputSpec {
        name: "picture".to_owned(),
        max_width: None,
        quality: 60,
        method: 0,
    };
    let plan = RenderPlan {
        outputs: vec![output],
        encoding: Encoding::Avif,
        ..RenderPlan::default()
    };
    let (picture, limits) = (std::fs::File::open(&path)?, ImageLimits::default());
    let cancel = CancellationToken::new();
    let made = decoders.render_image(picture, &plan, folder, &limits, &cancel);
    made.await.map(drop).context(
        "MEDIAMILL_IMAGE_AVIF asks for AVIF, and this machine cannot make it: ffmpeg must be 5.1 or newer and have \
         the encoder libaom-av1",
    )
}

/// What office documents are opened with, if they are. Fails where it is said where that is, and it is not there.
pub fn office(at: &OfficeAt, mode: Mode) -> anyhow::Result<Option<LibreOffice>> {
    let found = match at {
        OfficeAt::Anywhere => LibreOffice::find(),
        OfficeAt::Off => None,
        OfficeAt::Folder(path) => {
            Some(LibreOffice::at(path).context("MEDIAMILL_LIBREOFFICE leads nowhere")?)
        }
    };
    Ok(found.map(|office| office.with_mode(mode)))
}

/// What the steps work with. Fails when the scanner would find nothing.
pub async fn context(
    pool: PgPool,
    store: ObjectStore,
    limits: Limits,
    config: &WorkersConfig,
) -> anyhow::Result<Arc<WorkersContext>> {
    let clamd = ClamdClient::new(config.clamd.clone());
    clamd.verify_coverage().await.with_context(|| {
        let clamd = &config.clamd;
        format!("the virus scanner at {clamd} (MEDIAMILL_CLAMD) cannot be relied on")
    })?;
    tracing::info!("the virus scanner finds what it should, and says what it cannot look into");
    if config.require_signatures {
        let version = clamd.version().await?;
        ensure!(
            version.signatures.is_some(),
            "the virus scanner ({version}) has no official signatures, and MEDIAMILL_REQUIRE_SIGNATURES asks for them: run freshclam"
        );
    }
    tokio::spawn(monitor::watch_scanner(clamd.clone()));
    let scratch = Scratch::open(&config.scratch_dir, config.scratch_max_bytes)
        .with_context(|| format!("cannot use {} for scratch", config.scratch_dir.display()))?;
    tokio::spawn(scratch.clone().tidy());
    let tools = tools(&scratch, config.sandbox).await?;
    let decoders = Decoders::current_program().with_mode(config.sandbox);
    if config.extras.image_avif {
        avif(&decoders, scratch.folder()?.path()).await?;
        tracing::info!("pictures are made as AVIF, too");
    }
    let office = office(&config.office, config.sandbox)?;
    if let Some(office) = &office {
        tracing::info!(tool.version = office.name(), "office documents are taken");
    } else {
        tracing::info!("office documents are refused: there is no LibreOffice");
    }
    Ok(Arc::new(WorkersContext {
        pool,
        store,
        clamd,
        scan_piece_bytes: config.scan_piece_bytes,
        decoders,
        tools,
        office,
        video_chunk_seconds: config.video_chunk_seconds,
        document_pages: config.document_pages,
        keep_rights: config.keep_rights,
        extras: config.extras,
        scratch,
        limits,
        types: config.types.clone(),
    }))
}

/// Serves the API until asked to stop.
pub async fn serve_api(
    listener: TcpListener,
    pool: PgPool,
    store: ObjectStore,
    config: ApiConfig,
    gateway: &GatewayConfig,
    kept: Kept,
    stop: Stop,
) -> anyhow::Result<()> {
    let config = Arc::new(config);
    let gateway = gateway::routes(gateway, store.clone(), stop.stop.clone());
    let hints = Hints::new(&pool);
    let state = ApiState {
        starter: ingest::workflow(kept).starter().hinting(&hints),
        discards: discard::starter().hinting(&hints),
        hooks: workers::workflows::hooks(kept),
        pool,
        store,
        config,
        clock: clock::now,
    };
    let shutdown = async move { stop.stop.cancelled().await };
    api::serve(listener, state, gateway, shutdown)
        .await
        .context("the API stopped")
}

/// Works on runs until asked to stop. Calls `ready` when the engine has shown that it can.
pub async fn run_workers(
    context: Arc<WorkersContext>,
    config: &WorkersConfig,
    stop: Stop,
    ready: impl FnOnce(Health),
) -> anyhow::Result<()> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let engine = EngineConfig {
        name: format!("{} pid {}", host.trim(), std::process::id()),
        build: env!("CARGO_PKG_VERSION").to_owned(),
        queues: config.queue_slots(context.office.is_some()),
        ..EngineConfig::default()
    };
    let upkeep = upkeep::workflow();
    let engine = Engine::new(&context.pool, engine)
        .register(&ingest::workflow(config.kept).with_context(context.clone()))
        .register(&discard::workflow().with_context(context.clone()))
        .register(&replan::workflow().with_context(context.clone()))
        .register(&upkeep.with_context(context.clone()))
        .schedule(upkeep.name(), upkeep::EVERY, &upkeep.starter(), Round {});
    let health = engine.health();
    let getting_ready = async move {
        health.ready().await;
        ready(health);
        std::future::pending().await
    };
    tokio::select! {
        ended = engine.run(stop.stop, stop.hasten) => ended.context("the workers stopped"),
        never = getting_ready => never,
    }
}
