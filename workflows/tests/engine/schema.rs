//! Older and newer builds on one database.

use std::{error::Error, time::Duration};

use devkit::TestCluster;
use sqlx::PgPool;
use tokio::time::timeout;
use workflows::{MigrateError, SCHEMA_LEVEL, SchemaError, SchemaTooNew, check_schema, migrate};

use crate::world::World;

/// Writes what a newer build's migration leaves behind.
async fn as_a_newer_build(pool: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(pool).await.unwrap();
}

async fn check(pool: &PgPool) -> Result<(), SchemaError> {
    check_schema(&mut pool.acquire().await.unwrap()).await
}

#[tokio::test]
async fn an_older_build_goes_on_with_a_schema_that_has_grown() {
    let world = World::new().await;
    let grow = "ALTER TABLE workflows.runs ADD COLUMN mood text;
        INSERT INTO workflows._sqlx_migrations
            (version, description, success, checksum, execution_time)
        VALUES (99990101000000, 'add a mood', true, '\\x00', 1)";
    as_a_newer_build(&world.pool, grow).await;
    migrate(&world.pool).await.unwrap();
    check(&world.pool).await.unwrap();
}

#[tokio::test]
async fn a_build_that_is_too_old_is_refused_in_a_sentence() {
    let world = World::new().await;
    let shrink = "UPDATE workflows.schema_compatibility SET oldest_build = 1000";
    as_a_newer_build(&world.pool, shrink).await;
    let sentence = format!(
        "the database was migrated by a newer build that this one cannot work with (it needs \
         level 1000, this build has {SCHEMA_LEVEL}): deploy that build or a newer one"
    );
    let refused = migrate(&world.pool).await.unwrap_err();
    assert!(matches!(
        refused,
        MigrateError::TooNew(SchemaTooNew { needed: 1000, .. })
    ));
    assert_eq!(refused.to_string(), sentence);
    let refused = check(&world.pool).await.unwrap_err();
    assert!(matches!(refused, SchemaError::TooNew(_)));
    assert_eq!(refused.to_string(), sentence);
}

#[tokio::test]
async fn a_schema_of_before_the_first_release_is_refused_in_a_sentence() {
    let world = World::new().await;
    let old = "INSERT INTO workflows._sqlx_migrations
            (version, description, success, checksum, execution_time)
        VALUES (20261125000007, 'breaker lanes', true, '\\x00', 1)";
    as_a_newer_build(&world.pool, old).await;
    let sentence = "the database has the engine's schema of a development state before the first release \
        (migration 20261125000007), which cannot be brought up to this build: start with a new database, \
        or drop the schema `workflows` and lose its runs";
    let refused = migrate(&world.pool).await.unwrap_err();
    assert!(
        matches!(refused, MigrateError::Unreleased(_)),
        "{refused:?}"
    );
    assert_eq!(refused.to_string(), sentence);
    let refused = check(&world.pool).await.unwrap_err();
    assert_eq!(refused.to_string(), sentence);
}

#[tokio::test]
async fn a_migration_that_was_changed_afterwards_is_refused_and_holds_up_nobody() {
    let world = World::new().await;
    let change = "UPDATE workflows._sqlx_migrations SET checksum = '\\x00'";
    as_a_newer_build(&world.pool, change).await;
    // More often than the pool has connections: none of them keeps the migrators' lock.
    for _ in 0..12 {
        let migrated = timeout(Duration::from_secs(20), migrate(&world.pool)).await;
        let refused = migrated.expect("the migrators' lock is free").unwrap_err();
        assert!(matches!(refused, MigrateError::Migration(_)), "{refused:?}");
        let source = refused.source().unwrap().to_string();
        assert!(source.contains("has been modified"), "{source}");
    }
}

#[tokio::test]
async fn a_database_that_nobody_migrated_is_refused_in_a_sentence() {
    let cluster = TestCluster::shared().await.unwrap();
    let database = cluster.empty_database().await.unwrap();
    let pool = PgPool::connect(database.url()).await.unwrap();
    let refused = check(&pool).await.unwrap_err();
    assert!(matches!(refused, SchemaError::NotMigrated), "{refused:?}");
    migrate(&pool).await.unwrap();
    check(&pool).await.unwrap();
    let forget = "DELETE FROM workflows._sqlx_migrations
        WHERE version = (SELECT max(version) FROM workflows._sqlx_migrations)";
    as_a_newer_build(&pool, forget).await;
    let refused = check(&pool).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the database's engine schema is older than this build (1 migrations are missing): run \
         workflows::migrate (mediamill migrate) first"
    );
}
