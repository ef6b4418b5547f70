//! Through a connection pooler: `PgBouncer`, as it is.

use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use devkit::TcpProxy;
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio_util::sync::CancellationToken;
use workflows::{Engine, EngineError, Workflow};

use crate::world::{World, config, leaving, quick, step};

step!(Pooled "pooled": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "pooled", n)));

/// A running `PgBouncer` before one database. Dropped, it is killed.
struct Bouncer {
    process: Child,
    url: String,
    _proxy: TcpProxy,
    _folder: tempfile::TempDir,
}

impl Bouncer {
    async fn before(world: &World, mode: &str) -> Self {
        let proxy = TcpProxy::to_database(world.url()).await.unwrap();
        let server: PgConnectOptions = world.url().parse().unwrap();
        let database = server.get_database().unwrap();
        let user = server.get_username();
        let password = world.url().split(':').nth(2).unwrap();
        let password = password.split('@').next().unwrap();
        let listen = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listen.local_addr().unwrap().port();
        drop(listen);
        let server = proxy.address();
        // As the how-tos say, or nothing that sets a parameter would be let in.
        let text = format!(
            "[databases]\n\
             {database} = host={} port={} user={user} password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {mode}\nignore_startup_parameters = extra_float_digits,options\n",
            server.ip(),
            server.port(),
        );
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgbouncer.ini");
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new("pgbouncer");
        command.env(
            "PATH",
            format!("{}:/usr/sbin", std::env::var("PATH").unwrap()),
        );
        if nix::unistd::Uid::effective().is_root() {
            // It refuses to run as root.
            let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
            std::os::unix::fs::chown(folder.path(), Some(nobody.uid.as_raw()), None).unwrap();
            std::os::unix::fs::chown(&file, Some(nobody.uid.as_raw()), None).unwrap();
            command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        }
        command
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self {
            process: command.spawn().expect("pgbouncer is installed"),
            url: format!("postgres://{user}@127.0.0.1:{port}/{database}"),
            _proxy: proxy,
            _folder: folder,
        }
    }

    async fn pool(&self, world: &World) -> PgPool {
        world
            .until("pgbouncer to answer", async || {
                PgPool::connect(&self.url).await.ok()
            })
            .await
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn in_session_mode_everything_works() {
    let world = World::new().await;
    let bouncer = Bouncer::before(&world, "session").await;
    let pool = bouncer.pool(&world).await;
    let route = Workflow::named("pooled", 1).step::<Pooled>().build();
    let engine = World::run(Engine::new(&pool, config()).register(&route));
    let mut subjects = Vec::new();
    for n in 0..20 {
        subjects.push(world.start(&route, &n).await);
    }
    for subject in subjects {
        world.reaches(subject, "succeeded").await;
    }
    // The pooler drops startup parameters in silence: the limits are there all the same.
    let limits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let present: i64 = sqlx::query_scalar(limits)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(
        present >= 3,
        "{present} sessions show the worker's presence"
    );
    engine.stop().await;
}

#[tokio::test]
async fn transaction_mode_is_refused_with_a_sentence() {
    let world = World::new().await;
    let bouncer = Bouncer::before(&world, "transaction").await;
    let pool = bouncer.pool(&world).await;
    let route = Workflow::named("pooled", 1).step::<Pooled>().build();
    let never = CancellationToken::new;
    let engine = Engine::new(&pool, config()).register(&route);
    let running = tokio::time::timeout(Duration::from_secs(20), engine.run(never(), never()));
    let refused = running.await.expect("an answer in time").unwrap_err();
    assert!(
        matches!(refused, EngineError::Misconfigured(_)),
        "{refused:?}"
    );
    let text = refused.to_string();
    assert!(text.contains("pooler in transaction mode"), "{text}");
}
