//! How files end, what is removed of them then, and what several of them share.

use std::time::Duration;

use media::files::objects::{self, Claim};
use media::files::{self, Discard, FileStatus, NotRevived, Outcome, Stopped};
use media::keys;
use media::{FileId, Sha256};
use sqlx::PgConnection;

use super::{database, file_at};

async fn outcome(connection: &mut PgConnection, file_id: FileId) -> Outcome {
    let file = files::load(connection, file_id).await.unwrap();
    file.unwrap().outcome
}

#[tokio::test]
async fn every_end_is_an_outcome_and_a_revival_takes_it_back() {
    let (_database, mut connection) = database().await;
    let conn = &mut connection;
    let file_id = file_at(conn, FileStatus::Processing).await;
    assert_eq!(outcome(conn, file_id).await, Outcome::None);
    for (stopped, expected) in [
        (Stopped::Failed, Outcome::Failed),
        (Stopped::Cancelled, Outcome::Cancelled),
        // What was cancelled does not fail any more.
        (Stopped::Failed, Outcome::Cancelled),
    ] {
        files::mark_stopped(conn, file_id, stopped).await.unwrap();
        assert_eq!(outcome(conn, file_id).await, expected);
    }
    let back = Some(FileStatus::Assembling);
    files::revive(conn, file_id, back).await.unwrap();
    assert_eq!(outcome(conn, file_id).await, Outcome::None);

    let ready = file_at(conn, FileStatus::Ready).await;
    files::mark_stopped(conn, ready, Stopped::Failed)
        .await
        .unwrap();
    assert_eq!(outcome(conn, ready).await, Outcome::Ready);
}

#[tokio::test]
async fn bytes_go_when_their_time_is_over_and_not_if_the_file_lives_again() {
    let (_database, mut connection) = database().await;
    let conn = &mut connection;
    let file_id = file_at(conn, FileStatus::Rejected).await;
    files::keep(conn, file_id, Duration::from_hours(1))
        .await
        .unwrap();
    assert_eq!(files::begin_discard(conn, file_id).await.unwrap(), None);

    let back = Some(FileStatus::Assembling);
    files::keep(conn, file_id, Duration::ZERO).await.unwrap();
    files::revive(conn, file_id, back).await.unwrap();
    assert_eq!(files::begin_discard(conn, file_id).await.unwrap(), None);

    files::mark_stopped(conn, file_id, Stopped::Cancelled)
        .await
        .unwrap();
    files::keep(conn, file_id, Duration::ZERO).await.unwrap();
    let begun = files::begin_discard(conn, file_id).await.unwrap();
    assert_eq!(begun, Some(Discard::Everything));
    let revived = files::revive(conn, file_id, back).await;
    assert!(matches!(revived, Err(NotRevived::Gone(_))), "{revived:?}");
}

#[tokio::test]
async fn of_a_served_file_only_what_is_not_served_goes() {
    let (_database, mut connection) = database().await;
    let conn = &mut connection;
    let file_id = file_at(conn, FileStatus::Ready).await;
    files::keep(conn, file_id, Duration::ZERO).await.unwrap();
    let begun = files::begin_discard(conn, file_id).await.unwrap();
    assert_eq!(begun, Some(Discard::Unserved));
    // Its owner deletes it in this moment: then this was not all.
    files::delete(conn, file_id).await.unwrap();
    files::end_discard(conn, file_id, Discard::Unserved)
        .await
        .unwrap();
    assert_eq!(files::purge(conn, 10).await.unwrap(), 0);
    let begun = files::begin_discard(conn, file_id).await.unwrap();
    assert_eq!(begun, Some(Discard::Everything));
}

#[tokio::test]
async fn what_files_share_goes_with_the_last_and_nobody_relies_on_it_meanwhile() {
    let (_database, mut connection) = database().await;
    let conn = &mut connection;
    let original = keys::original(&Sha256::of(b"x"));
    let mut all = Vec::new();
    for _ in 0..3 {
        all.push(file_at(conn, FileStatus::Validated).await);
    }
    let [first, second, third] = all[..] else {
        panic!("three files")
    };
    for file_id in [first, second] {
        let claim = objects::claim(conn, file_id, &original).await.unwrap();
        assert_eq!(claim, Claim::Claimed);
    }
    assert!(!objects::give_up(conn, first, &original).await.unwrap());
    assert_eq!(objects::list(conn, first).await.unwrap(), []);
    assert!(objects::give_up(conn, second, &original).await.unwrap());
    let claim = objects::claim(conn, third, &original).await.unwrap();
    assert_eq!(claim, Claim::BeingRemoved);
    objects::forget(conn, second, &original).await.unwrap();
    let claim = objects::claim(conn, third, &original).await.unwrap();
    assert_eq!(claim, Claim::Claimed);
    files::mark_stopped(conn, third, Stopped::Cancelled)
        .await
        .unwrap();
    let claim = objects::claim(conn, third, &original).await.unwrap();
    assert_eq!(claim, Claim::Over);
}
