//! What a write sets for its session or its transaction stays with it.

use std::time::Duration;

use futures::FutureExt;
use sqlx::{Connection, PgConnection};
use workflows::{Attempt, BoxError, Done, Engine, Record, Step, StepError, StepSettings, Workflow};

use crate::{
    declared::Declared,
    evidence::{AT_ONCE, OTHER, innocent},
    world::{World, config, quick, step},
};

const RUNS: i64 = 200;

/// What a write finds of others in its session.
const FOUND: &str = "INSERT INTO found SELECT concat_ws(', ',
        nullif(current_setting('app.tenant', true), ''), nullif(current_setting('app.plain', true), ''),
        to_regclass('pg_temp.scratch')::text, (SELECT setting FROM pg_settings
            WHERE name = 'work_mem' AND setting = '65'),
        (SELECT 'a lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
            AND classid = 4711))";
/// What it leaves there.
const LEAVES: [&str; 5] = [
    "SELECT set_config('app.tenant', $1, true)",
    "SELECT set_config('app.plain', $1, false)",
    "CREATE TEMP TABLE scratch AS SELECT $1::text AS owner",
    "SELECT set_config('work_mem', '65kB', false), $1::text",
    "SELECT pg_try_advisory_lock(4711, hashtext($1))",
];

async fn look_and_leave(tx: &mut PgConnection, tenant: String) -> Result<(), BoxError> {
    sqlx::query(FOUND).execute(&mut *tx).await?;
    for sql in LEAVES {
        sqlx::query(sql).bind(&tenant).execute(&mut *tx).await?;
    }
    Ok(())
}

struct Looks(String);

impl Record for Looks {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        look_and_leave(tx, self.0.clone()).await
    }
}

step!(Tenant "tenant": String => (), quick(2), |_cx, tenant| {
    Ok(Done::new(()).recording(Looks(tenant)))
});

/// Row-level security goes by such settings: who sees another's acts as him.
#[tokio::test]
async fn what_a_write_sets_is_not_there_in_the_next() {
    let world = World::new().await;
    world.execute("CREATE TABLE found (what text)").await;
    let route = Workflow::named("tenants", 1).step::<Tenant>().build();
    let engine = World::run(Engine::new(&world.pool, config()).register(&route));
    for n in 0..RUNS {
        let tenant = ["red", "blue"][usize::try_from(n % 2).unwrap()];
        world
            .start_for(tenant, &route.starter(), &tenant.to_owned())
            .await;
    }
    world
        .succeed("tenants", RUNS, Duration::from_secs(30))
        .await;
    let found = "SELECT what, count(*) FROM found GROUP BY 1";
    let found: Vec<(String, i64)> = sqlx::query_as(found).fetch_all(&world.pool).await.unwrap();
    assert_eq!(found, [(String::new(), RUNS)], "nothing of another");
    engine.stop().await;
}

step!(Locker "locker": u32 => u32, quick(1), |_cx, n| {
    Ok(Done::new(n).recording(Locks))
});

struct Locks;

impl Record for Locks {
    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        sqlx::query("SELECT pg_advisory_lock(42)")
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// The program that uses the same lock would wait for it for ever.
#[tokio::test]
async fn a_lock_of_the_session_ends_with_the_write_that_took_it() {
    let world = World::new().await;
    let route = Workflow::named("locker", 1).step::<Locker>().build();
    let engine = world.engine(&route);
    world.start(&route, &1).await;
    world.succeed("locker", 1, AT_ONCE * 3).await;
    let mut stranger = PgConnection::connect(world.url()).await.unwrap();
    let free = async || {
        let taking = sqlx::query_scalar("SELECT pg_try_advisory_lock(42)");
        taking
            .fetch_one(&mut stranger)
            .await
            .unwrap_or(false)
            .then_some(())
    };
    world.within(AT_ONCE, "the lock to be free", free).await;
    engine.stop().await;
}

/// A write that runs a statement first, which changes how the rest of the transaction is seen.
struct Changed;

impl Step for Changed {
    const NAME: &'static str = "changed";
    type Context = (Declared, &'static str);
    type Input = u32;
    type Output = u32;

    fn settings() -> StepSettings {
        quick(2)
    }

    async fn run(cx: &Attempt<Self::Context>, n: u32) -> Result<Done<u32>, StepError> {
        let (declared, sql) = *cx.context;
        let sql = if cx.attempt == 1 { sql } else { "SELECT 1" };
        Ok(declared.recording(Done::new(n), move |tx| write_and(sql, tx).boxed()))
    }
}

async fn write_and(sql: &'static str, tx: &mut PgConnection) -> Result<(), BoxError> {
    sqlx::query("INSERT INTO found VALUES ('written')")
        .execute(&mut *tx)
        .await?;
    sqlx::raw_sql(sql).execute(tx).await?;
    Ok(())
}

/// The run succeeds with these attempts, and others go on meanwhile and afterwards.
async fn changes(declared: Declared, sql: &'static str, attempts: &[&str]) {
    let world = World::new().await;
    world
        .execute(
            "CREATE TABLE found (what text);
             DO $$ BEGIN CREATE ROLE engine_test_tenant;
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
             GRANT INSERT ON found TO engine_test_tenant",
        )
        .await;
    let route = Workflow::named("changed", 1)
        .step::<Changed>()
        .build()
        .with_context((declared, sql));
    let engine = Engine::new(&world.pool, config());
    let engine = World::run(engine.register(&route).register(&innocent()));
    world.start_for(OTHER, &route.starter(), &1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.others_go_on().await;
    world.succeed("changed", 1, Duration::from_secs(5)).await;
    assert_eq!(world.attempts_of("changed").await, *attempts);
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM found")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(written, 1, "rows of the attempt that counts");
    world.assert_innocents_untouched().await;
    engine.stop().await;
}

#[tokio::test]
async fn a_write_may_act_as_another_role() {
    changes(
        Declared::Any,
        "SET LOCAL ROLE engine_test_tenant",
        &["done"],
    )
    .await;
}

#[tokio::test]
async fn even_when_it_forgets_to_come_back() {
    changes(Declared::Any, "SET ROLE engine_test_tenant", &["done"]).await;
}

#[tokio::test]
async fn or_has_promised_that_it_sets_nothing() {
    changes(
        Declared::OwnRows,
        "SET LOCAL ROLE engine_test_tenant",
        &["done"],
    )
    .await;
}

#[tokio::test]
async fn a_write_that_rolls_back_the_transaction_is_an_error_of_its_attempt() {
    changes(Declared::Any, "ROLLBACK", &["error", "done"]).await;
}

#[tokio::test]
async fn so_is_one_that_does_it_in_a_shared_transaction() {
    changes(Declared::OwnRows, "ROLLBACK", &["error", "done"]).await;
}
