//! The primary dies and its standby takes over, at the same address, as behind a managed database.
//!
//! With synchronous replication nothing that was acknowledged may be missing. With asynchronous
//! replication the last commits are forgotten: starts among them never were, and all else is done
//! again from where the new primary knows it.

use std::{path::Path, time::Duration};

use devkit::{Postgres, PostgresOptions, TcpProxy, proxy::Target};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;
use tokio::time::Instant;
use uuid::Uuid;
use workflows::{Engine, EngineConfig, Workflow};

use crate::world::{Running, World, config, leaving, quick, step};

step!(First "first": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "first", n)));
step!(Slow "slow": u32 => u32, quick(3), |cx, n| {
    tokio::time::sleep(Duration::from_millis(300)).await;
    Ok(leaving(cx, "slow", n))
});
step!(Last "last": u32 => u32, quick(3), |cx, n| Ok(leaving(cx, "last", n)));

fn route() -> Workflow<u32> {
    Workflow::named("failover", 1)
        .step::<First>()
        .step::<Slow>()
        .step::<Last>()
        .build()
}

/// What the clients and workers reach, and what is behind it.
struct Pair {
    primary: Postgres,
    standby: Postgres,
    /// In front of whichever is the primary.
    front: TcpProxy,
    /// Between the two.
    replication: TcpProxy,
    pool: PgPool,
    _folder: TempDir,
}

impl Pair {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data_dir = folder.path().join("primary");
        let options = PostgresOptions {
            data_dir,
            fsync: false,
        };
        let primary = Postgres::start(options).await.expect("a primary");
        primary.create_database("app").await.expect("a database");
        let replication = TcpProxy::to_database(&primary.url("app")).await;
        let replication = replication.expect("a proxy");
        let second = folder.path().join("standby");
        let standby = standby_of(&primary, &second, &replication).await;
        let front = TcpProxy::to_database(&primary.url("app")).await;
        let front = front.expect("a proxy");
        let pool = PgPoolOptions::new()
            .acquire_timeout(Duration::from_secs(5))
            .connect(&front.url(&primary.url("app")))
            .await
            .expect("a pool");
        workflows::migrate(&pool).await.expect("a schema");
        let effects = "CREATE TABLE effects (subject uuid, what text, UNIQUE (subject, what))";
        sqlx::query(effects).execute(&pool).await.expect("a table");
        Self {
            primary,
            standby,
            front,
            replication,
            pool,
            _folder: folder,
        }
    }

    /// Commits wait for the standby.
    async fn synchronous(&self) {
        for statement in [
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ] {
            sqlx::query(statement)
                .execute(&self.pool)
                .await
                .expect("a setting");
        }
        let shown = async || {
            let state = "SELECT sync_state = 'sync' FROM pg_stat_replication";
            let state = sqlx::query_scalar::<_, bool>(state);
            state
                .fetch_optional(&self.pool)
                .await
                .ok()?
                .filter(|sync| *sync)
        };
        until("the standby to be synchronous", shown).await;
    }

    fn engine(&self) -> Running {
        let config = EngineConfig {
            // A lease of an attempt that the new primary does not know of is not waited for.
            lease: Duration::from_secs(10),
            ..config()
        };
        World::run(Engine::new(&self.pool, config).register(&route()))
    }

    /// Starts runs for a while. Returns those of which the commit was acknowledged.
    async fn work(&self, time: Duration) -> Vec<Uuid> {
        let began = Instant::now();
        let mut acknowledged = Vec::new();
        while began.elapsed() < time {
            let subject = Uuid::now_v7();
            let mut tx = self.pool.begin().await.expect("a transaction");
            let starter = route().starter();
            let started = starter.start(&mut tx, subject, "owner", &1).await;
            started.expect("a run");
            if tx.commit().await.is_ok() {
                acknowledged.push(subject);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        acknowledged
    }

    /// The primary is gone; the standby is found at its address.
    async fn fail_over(&mut self) {
        self.front.refuse(true);
        self.primary.stop_immediate().await;
        self.standby.promote().await.expect("a promotion");
        let target = Target::of_database(&self.standby.url("app"));
        self.front.retarget(target.expect("an address"));
        self.front.refuse(false);
    }

    /// Waits for the end of every run that the new primary knows, and looks for what no failover
    /// may leave behind.
    async fn judge(&self) -> Vec<Uuid> {
        let ended = async || {
            let left = "SELECT count(*) FROM workflows.runs WHERE state NOT IN ('succeeded')";
            let left: i64 = sqlx::query_scalar(left).fetch_one(&self.pool).await.ok()?;
            (left == 0).then_some(())
        };
        until("every run to succeed", ended).await;
        for (what, wrong) in [
            (
                "a step that took effect other than once",
                "SELECT count(*) FROM workflows.runs r
                 WHERE (SELECT count(*) FROM effects e WHERE e.subject = r.subject) <> 3",
            ),
            (
                "an effect of a run that never was",
                "SELECT count(*) FROM effects e
                 WHERE NOT EXISTS (SELECT FROM workflows.runs r WHERE r.subject = e.subject)",
            ),
            (
                "a charge",
                "SELECT count(*) FROM workflows.attempts WHERE outcome IN ('error', 'crashed')",
            ),
            ("a dead letter", "SELECT count(*) FROM workflows.dead_letters"),
            (
                "something left over",
                "SELECT (SELECT count(*) FROM workflows.tasks) + (SELECT count(*) FROM workflows.ready)
                      + (SELECT count(*) FROM workflows.leases)",
            ),
        ] {
            let found: i64 = sqlx::query_scalar(wrong).fetch_one(&self.pool).await.expect(what);
            assert_eq!(found, 0, "{what}");
        }
        let runs = sqlx::query_scalar("SELECT subject FROM workflows.runs");
        runs.fetch_all(&self.pool).await.expect("runs")
    }
}

async fn standby_of(primary: &Postgres, folder: &Path, way: &TcpProxy) -> Postgres {
    let standby = primary.standby(folder, way.address()).await;
    standby.expect("a standby")
}

async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    while Instant::now() < deadline {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("waited a minute for {what}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_synchronous_standby_has_all_that_was_acknowledged() {
    let mut pair = Pair::start().await;
    pair.synchronous().await;
    let engines = [pair.engine(), pair.engine()];
    let acknowledged = pair.work(Duration::from_secs(2)).await;
    pair.fail_over().await;
    let known = pair.judge().await;
    let lost: Vec<_> = acknowledged
        .iter()
        .filter(|run| !known.contains(run))
        .collect();
    assert!(lost.is_empty(), "lost of {}: {lost:?}", acknowledged.len());
    assert!(!acknowledged.is_empty());
    for engine in engines {
        assert!(engine.is_running());
        engine.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_standby_that_was_behind_goes_on_from_what_it_has() {
    let mut pair = Pair::start().await;
    let engines = [pair.engine(), pair.engine()];
    let kept = pair.work(Duration::from_secs(1)).await;
    // Nothing reaches the standby any more, and nobody notices.
    pair.replication.partition(true);
    let forgotten = pair.work(Duration::from_secs(1)).await;
    pair.fail_over().await;
    let known = pair.judge().await;
    let gone = |runs: &[Uuid]| runs.iter().filter(|run| !known.contains(run)).count();
    assert!(
        gone(&forgotten) > 0,
        "of {} none was forgotten",
        forgotten.len()
    );
    assert!(
        gone(&kept) < kept.len(),
        "of {} all were forgotten",
        kept.len()
    );
    for engine in engines {
        assert!(engine.is_running());
        engine.stop().await;
    }
}
