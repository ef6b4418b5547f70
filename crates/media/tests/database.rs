//! The domain's SQL against a real database.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]
#![expect(clippy::disallowed_methods, reason = "a test is its own clock")]

#[path = "database/ends.rs"]
mod ends;
#[path = "database/films.rs"]
mod films;

use chrono::Utc;
use devkit::{TestCluster, TestDatabase};
use media::ObjectKey;
use media::files::{self, FileStatus, MoveError};
use media::formats::OutputFormat;
use media::uploads::{self, Declared, Plan, Upload, UploadState};
use media::variants::{self, NewVariant, VariantKind};
use media::{
    Color, FileId, OwnerId, Placeholder, Rejection, RejectionCode, Sha256, UploadId, keys,
};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

async fn database() -> (TestDatabase, PgConnection) {
    let cluster = TestCluster::shared().await.unwrap();
    let migrate = async |url: String| {
        let mut connection = PgConnection::connect(&url).await?;
        media::MIGRATOR.run(&mut connection).await?;
        connection.close().await?;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    };
    let database = cluster.database("media", migrate).await.unwrap();
    let connection = PgConnection::connect(database.url()).await.unwrap();
    (database, connection)
}

#[tokio::test]
async fn an_older_build_leaves_what_a_newer_one_migrated_alone() {
    let (_database, mut connection) = database().await;
    let newer = "INSERT INTO _sqlx_migrations
            (version, description, success, checksum, execution_time)
        VALUES (99990101000000, 'add a mood', true, '\\x00', 1)";
    sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    media::MIGRATOR.run(&mut connection).await.unwrap();
}

async fn pending_file(connection: &mut PgConnection) -> FileId {
    let (now, upload_id) = (Utc::now(), UploadId(Uuid::now_v7()));
    let upload = Upload {
        upload_id,
        file_id: FileId(Uuid::now_v7()),
        owner_id: OwnerId::new("ann").unwrap(),
        declared: Declared {
            filename: "a".into(),
            mime_type: "image/png".into(),
            sha256: Some(Sha256::of(b"")),
            metadata: [("album".to_owned(), "harbour".to_owned())].into(),
        },
        plan: Plan::new(5, 10).unwrap(),
        object_key: keys::staging(upload_id),
        s3_upload_id: None,
        created_at: now,
        expires_at: now,
        state: UploadState::Open,
    };
    uploads::initiate(connection, &upload).await.unwrap();
    upload.file_id
}

async fn go(
    connection: &mut PgConnection,
    file_id: FileId,
    to: FileStatus,
) -> Result<(), MoveError> {
    match to {
        FileStatus::Pending => unreachable!("a file begins there"),
        FileStatus::Assembling => files::mark_assembling(connection, file_id).await,
        FileStatus::Validated => {
            files::mark_validated(connection, file_id, "image/png", &Sha256::of(b"x"), 5).await
        }
        FileStatus::Processing => files::mark_processing(connection, file_id).await,
        FileStatus::Ready => files::mark_ready(connection, file_id, "media/a/b/1/").await,
        FileStatus::Rejected => {
            let rejection = Rejection::new(RejectionCode::Malformed, "unreadable")
                .limit("1 thing")
                .measured("2 things")
                .at("probe");
            files::mark_rejected(connection, file_id, &rejection).await
        }
    }
}

/// The shortest way of a new file to a status.
async fn file_at(connection: &mut PgConnection, status: FileStatus) -> FileId {
    let file_id = pending_file(connection).await;
    let mut way = vec![status];
    while let Some(before) = way.last().and_then(|last| last.comes_from().first()) {
        way.push(*before);
    }
    for next in way.into_iter().rev().skip(1) {
        go(connection, file_id, next).await.unwrap();
    }
    file_id
}

#[tokio::test]
async fn a_file_moves_along_its_route_and_no_other_way_and_repeats_do_no_harm() {
    let (_database, mut connection) = database().await;
    for from in FileStatus::ALL {
        for to in FileStatus::ALL
            .into_iter()
            .filter(|to| *to != FileStatus::Pending)
        {
            let file_id = file_at(&mut connection, from).await;
            let before = files::load(&mut connection, file_id)
                .await
                .unwrap()
                .unwrap();
            let moved = go(&mut connection, file_id, to).await;
            let after = files::load(&mut connection, file_id)
                .await
                .unwrap()
                .unwrap();
            if to.comes_from().contains(&from) {
                assert!(moved.is_ok(), "{from:?} to {to:?}: {moved:?}");
                assert_eq!(after.status, to);
            } else if from == to {
                assert!(moved.is_ok(), "{from:?} again: {moved:?}");
                assert_eq!(after, before, "a repeat changes nothing");
            } else {
                let found =
                    matches!(moved, Err(MoveError::NotAllowed { found: Some(f), .. }) if f == from);
                assert!(found, "{from:?} to {to:?}: {moved:?}");
                assert_eq!(after, before);
            }
        }
    }
}

#[tokio::test]
async fn a_repeat_with_other_facts_is_refused() {
    let (_database, mut connection) = database().await;
    let connection = &mut connection;
    let other = Sha256::of(b"other");
    let validated = file_at(connection, FileStatus::Validated).await;
    assert!(
        files::mark_validated(connection, validated, "image/png", &other, 5)
            .await
            .is_err()
    );
    let ready = file_at(connection, FileStatus::Ready).await;
    assert!(
        files::mark_ready(connection, ready, "media/a/b/2/")
            .await
            .is_err()
    );
    let rejected = file_at(connection, FileStatus::Rejected).await;
    let infected = Rejection::new(RejectionCode::Infected, "a virus").at("scan");
    assert!(
        files::mark_rejected(connection, rejected, &infected)
            .await
            .is_err()
    );
    let unknown = files::mark_assembling(connection, FileId(Uuid::now_v7())).await;
    assert!(matches!(
        unknown,
        Err(MoveError::NotAllowed { found: None, .. })
    ));
}

#[tokio::test]
async fn what_is_recorded_is_read_back() {
    let (_database, mut connection) = database().await;
    let connection = &mut connection;
    let file_id = file_at(connection, FileStatus::Ready).await;
    let variant = |kind, width, name: &str| NewVariant {
        kind,
        format: OutputFormat::Webp,
        width: Some(width),
        height: Some(3),
        page: None,
        placeholder: None,
        bitrate: None,
        storage_path: ObjectKey::new(name).unwrap(),
        size_bytes: 7,
    };
    let thumbnail = variant(VariantKind::Thumbnail, 128, "media/t128");
    let wide = variant(VariantKind::Thumbnail, 640, "media/t640");
    let full = variant(VariantKind::Full, 800, "media/full");
    variants::record(connection, file_id, std::slice::from_ref(&thumbnail))
        .await
        .unwrap();
    for _ in 0..2 {
        let all = [thumbnail.clone(), full.clone(), wide.clone()];
        variants::record(connection, file_id, &all).await.unwrap();
    }
    let found = variants::list(connection, file_id).await.unwrap();
    let paths: Vec<_> = found
        .iter()
        .map(|variant| variant.storage_path.as_str())
        .collect();
    assert_eq!(paths, ["media/full", "media/t640", "media/t128"]);

    let (ann, bob) = (OwnerId::new("ann").unwrap(), OwnerId::new("bob").unwrap());
    let file = files::get(connection, &ann, file_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(file.facts.as_ref().unwrap().sha256, Sha256::of(b"x"));
    assert_eq!(
        file.published.as_ref().unwrap().storage_path,
        "media/a/b/1/"
    );
    assert!(
        files::get(connection, &bob, file_id)
            .await
            .unwrap()
            .is_none()
    );
    let upload = uploads::load(connection, file.upload_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(upload.declared.sha256, Some(Sha256::of(b"")));

    let rejected = file_at(connection, FileStatus::Rejected).await;
    let rejection = files::load(connection, rejected)
        .await
        .unwrap()
        .unwrap()
        .rejection
        .unwrap();
    assert_eq!(rejection.rejection.measured.as_deref(), Some("2 things"));
}

#[tokio::test]
async fn the_latest_placeholder_stands() {
    let (_database, mut connection) = database().await;
    let connection = &mut connection;
    let file_id = file_at(connection, FileStatus::Ready).await;
    let placeholder = Placeholder {
        thumbhash: vec![7; 21],
        color: Color([1, 2, 255]),
    };
    for shown in [None, Some(&placeholder), Some(&placeholder), None] {
        let set = files::set_placeholder(connection, file_id, shown);
        set.await.unwrap();
        let file = files::load(connection, file_id).await.unwrap().unwrap();
        assert_eq!(file.placeholder.as_ref(), shown);
    }
}

#[tokio::test]
async fn of_one_size_what_every_browser_shows_is_the_main_variant() {
    let (_database, mut connection) = database().await;
    let connection = &mut connection;
    let file_id = file_at(connection, FileStatus::Ready).await;
    let full = |format, name: &str| NewVariant {
        kind: VariantKind::Full,
        format,
        width: Some(800),
        height: Some(3),
        page: None,
        placeholder: None,
        bitrate: None,
        storage_path: ObjectKey::new(name).unwrap(),
        size_bytes: 7,
    };
    let all = [
        full(OutputFormat::Avif, "media/1"),
        full(OutputFormat::Webp, "media/2"),
    ];
    variants::record(connection, file_id, &all).await.unwrap();
    let found = variants::list(connection, file_id).await.unwrap();
    let paths: Vec<_> = found.iter().map(|found| &*found.storage_path).collect();
    assert_eq!(paths, ["media/2", "media/1"]);
    let file = files::load(connection, file_id).await.unwrap().unwrap();
    assert_eq!(file.published.unwrap().main_key, "media/2");
}

#[tokio::test]
async fn the_main_page_of_a_document_is_its_first_however_narrow() {
    let (_database, mut connection) = database().await;
    let connection = &mut connection;
    let file_id = file_at(connection, FileStatus::Ready).await;
    let placeholder = |page: u32| Placeholder {
        thumbhash: vec![7; 5],
        color: Color([page.to_le_bytes()[0]; 3]),
    };
    let page = |page: Option<u32>, width, name: &str| NewVariant {
        kind: VariantKind::Page,
        format: OutputFormat::Webp,
        width: Some(width),
        height: Some(3),
        page,
        placeholder: page.map(placeholder),
        bitrate: None,
        storage_path: ObjectKey::new(name).unwrap(),
        size_bytes: 7,
    };
    // The release before says no number of the first page.
    for first in [None, Some(1)] {
        let all = [
            page(Some(3), 640, "media/3"),
            page(first, 12, "media/1"),
            page(Some(2), 640, "media/2"),
        ];
        variants::record(connection, file_id, &all).await.unwrap();
        let found = variants::list(connection, file_id).await.unwrap();
        let paths: Vec<_> = found.iter().map(|found| &*found.storage_path).collect();
        assert_eq!(paths, ["media/1", "media/2", "media/3"]);
        let shown: Vec<_> = found
            .iter()
            .map(|found| found.placeholder.clone())
            .collect();
        let expected = [first, Some(2), Some(3)].map(|page| page.map(placeholder));
        assert_eq!(shown, expected);
        let file = files::load(connection, file_id).await.unwrap().unwrap();
        assert_eq!(file.published.unwrap().main_key, "media/1");
    }
}

#[tokio::test]
async fn every_code_can_be_stored_and_read() {
    let (_database, mut connection) = database().await;
    for code in RejectionCode::ALL {
        let file_id = pending_file(&mut connection).await;
        let rejection = Rejection::new(code, "message").at("step");
        files::mark_rejected(&mut connection, file_id, &rejection)
            .await
            .unwrap();
        let file = files::load(&mut connection, file_id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(file.rejection, Some(rejection));
    }
}
