//! The route of a file under the engine's own fault injection: every step twice, every step failed once.
//! A file must come to the end that it would have come to without, and leave the same behind.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use codecs::{Decoders, LibreOffice};
use media::{files::Kept, limits::Limits, recipes::Extras, type_rules::TypeRules};
use sandbox::Launcher;
use scanner::{ClamdClient, MAX_PIECE_BYTES, eicar};
use serde_json::Value;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use video::exec::Tools;
use workers::{
    Context,
    tools::Scratch,
    workflows::{discard, ingest},
};
use workflows::{Engine, EngineConfig, Rehearsal};

use crate::{
    documents::pages,
    films::film,
    fixtures::{large_photo, phone_photo},
    sounds::song,
    stack::{Stack, clamd},
};

/// Steps that are not rehearsed, with the reason. There are none.
const EXEMPT: [&str; 0] = [];
/// Every step that a file may go through.
const STEPS: [&str; 8] = [
    "discard",
    "assemble",
    "scan",
    "probe",
    "promote",
    "render",
    "render_office",
    "publish",
];

/// What a file has come to, and what is left of it.
const LEFT: &str = "SELECT json_build_object(
    'status', f.status, 'mime_type', f.mime_type, 'size_bytes', f.size_bytes,
    'sha256', encode(f.checksum_sha256, 'hex'), 'rejection', f.rejection_code, 'original', f.storage_path,
    'placeholder', json_build_array(encode(f.placeholder_thumbhash, 'hex'), f.placeholder_color),
    'objects', (SELECT count(*) FROM file_objects o WHERE o.file_id = f.file_id),
    'variants', (SELECT json_agg(json_build_array(v.kind, v.page, v.format, v.width, v.height, v.size_bytes)
                                 ORDER BY v.kind, v.page, v.width, v.format)
                 FROM media_variants v WHERE v.file_id = f.file_id),
    'runs', (SELECT json_agg(json_build_array(r.workflow, r.state) ORDER BY r.workflow)
             FROM workflows.runs r WHERE r.subject IN (f.file_id, f.upload_id)))
    FROM media_files f ORDER BY f.created_at";
/// Steps of which an attempt failed because it was rehearsed.
const REHEARSED: &str = "SELECT DISTINCT l.step FROM workflows.attempts a
    JOIN workflows.lanes l USING (lane) WHERE a.error ->> 'message' = 'rehearsed failure'";

async fn context(stack: &Stack) -> Context {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_mediamill"));
    let scratch = Scratch::open(&stack.folder.path().join("scratch"), 1 << 30);
    let office = LibreOffice::find().expect("LibreOffice");
    let launcher = Launcher::new(program.clone(), vec!["tool".into()]);
    Context {
        pool: PgPool::connect(stack.database_url()).await.unwrap(),
        store: stack.store.clone(),
        clamd: ClamdClient::new(clamd().await.parse().unwrap()),
        scan_piece_bytes: MAX_PIECE_BYTES,
        decoders: Decoders::new(program, vec!["decode".into()]),
        tools: Tools::new(launcher.clone()).unwrap(),
        office: Some(office.with_launcher(launcher)),
        video_chunk_seconds: 0,
        document_pages: 2,
        keep_rights: false,
        extras: Extras {
            image_avif: true,
            image_hdr: true,
            video_mp4: Some(720),
        },
        scratch: scratch.unwrap(),
        limits: Limits::default(),
        types: TypeRules::default(),
    }
}

/// A photo, one that is sent in parts, a film, a sound, and one with malware, from upload to their ends.
async fn walk(rehearsal: Rehearsal) -> (Vec<Value>, BTreeSet<String>) {
    let stack = Stack::new().await;
    let (api, context) = (stack.api().await, Arc::new(context(&stack).await));
    let config = EngineConfig {
        queues: ["light", "scan", "render", "office"]
            .map(|queue| (queue.to_owned(), 2))
            .to_vec(),
        sweep: Duration::from_millis(100),
        rehearsal,
        ..EngineConfig::default()
    };
    let engine = Engine::new(&stack.pool, config)
        .register(&ingest::workflow(Kept(Duration::ZERO)).with_context(context.clone()))
        .register(&discard::workflow().with_context(context));
    let stop = CancellationToken::new();
    let engine = tokio::spawn(engine.run(stop.clone(), CancellationToken::new()));
    let film = std::fs::read(film(&stack, "film.mp4", 14).await).unwrap();
    let song = std::fs::read(song(&stack, "song.mp3", 7).await).unwrap();
    for (name, bytes, good) in [
        ("photo.jpg", phone_photo(640, 480), true),
        ("large.jpg", large_photo(3000, 2600), true),
        ("film.mp4", film, true),
        ("song.mp3", song, true),
        ("letter.pdf", pages(2, 0, ""), true),
        ("letter.rtf", br"{\rtf1 A letter}".to_vec(), true),
        ("malware.jpg", eicar(), false),
    ] {
        let (went_well, said) = stack.upload(&api, &stack.file(name, &bytes)).await;
        assert_eq!(went_well, good, "{rehearsal:?} {name}: {said}");
    }
    stack
        .until("SELECT count(*) = 7 FROM media_files WHERE discarded_at IS NOT NULL")
        .await;
    stack
        .until("SELECT NOT EXISTS (SELECT FROM workflows.runs WHERE ended_at IS NULL)")
        .await;
    let left = sqlx::query_scalar(LEFT).fetch_all(&stack.pool).await;
    let rehearsed: Vec<String> = sqlx::query_scalar(REHEARSED)
        .fetch_all(&stack.pool)
        .await
        .unwrap();
    stop.cancel();
    engine.await.unwrap().unwrap();
    (left.unwrap(), rehearsed.into_iter().collect())
}

#[tokio::test]
async fn every_step_may_run_twice_and_may_fail() {
    let expected: BTreeSet<String> = STEPS
        .into_iter()
        .filter(|step| !EXEMPT.contains(step))
        .map(str::to_owned)
        .collect();
    let (plain, none) = walk(Rehearsal::None).await;
    assert_eq!(none, BTreeSet::new());
    let statuses: Vec<_> = plain.iter().map(|file| file["status"].as_str()).collect();
    assert_eq!(
        statuses,
        [
            "READY", "READY", "READY", "READY", "READY", "READY", "REJECTED"
        ]
        .map(Some)
    );
    for rehearsal in [Rehearsal::Twice, Rehearsal::FailedOnce] {
        let (left, rehearsed) = walk(rehearsal).await;
        assert_eq!(left, plain, "{rehearsal:?}");
        assert_eq!(rehearsed, expected, "{rehearsal:?}");
    }
}
