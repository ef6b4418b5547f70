//! What would be made of a film that nobody has sent.

use media::api_keys::Scope;
use media::{FileId, plans};
use serde_json::{Value, json};
use video::plan::{Plan, PlanSettings};
use video::probe::{Ratio, Rotation, Sketch, VideoProbe};

use crate::service::Service;

async fn plan(service: &Service, key: &str, video: Value) -> (u16, Value) {
    let body = json!({ "video": video });
    let (status, answer) = service.post("/v1/plans", key, &body).await;
    (status.as_u16(), answer)
}

fn sizes(plan: &Value) -> Vec<(u64, u64)> {
    let renditions = plan["renditions"].as_array().unwrap().iter();
    let side = |rendition: &Value, name| rendition[name].as_u64().unwrap();
    renditions
        .map(|rendition| (side(rendition, "width"), side(rendition, "height")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_what_would_be_made_of_a_film() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::FilesRead]).await;
    let film = json!({ "width": 1920, "height": 1080, "duration_seconds": 600, "frame_rate": "30000/1001",
        "audio_languages": ["eng", "deu", ""], "subtitle_languages": ["fra"] });
    let (status, made) = plan(&service, &key, film).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(sizes(&made), [(640, 360), (1280, 720), (1920, 1080)]);
    assert_eq!(
        (&made["frame_rate"], &made["segments"]),
        (&json!("30000/1001"), &json!(100))
    );
    let languages: Vec<_> = made["audio"]
        .as_array()
        .unwrap()
        .iter()
        .map(|track| &track["language"])
        .collect();
    assert_eq!(languages, [&json!("eng"), &json!("deu"), &Value::Null]);
    assert!(made["chunks"].as_u64() > Some(1) && made["tasks"].as_u64() > made["chunks"].as_u64());

    // By the shorter side of what is shown, and never enlarged.
    for (film, expected) in [
        (
            json!({ "width": 1920, "height": 1080, "duration_seconds": 8, "rotation_degrees": 90 }),
            vec![(360, 640), (720, 1280), (1080, 1920)],
        ),
        (
            json!({ "width": 854, "height": 480, "duration_seconds": 8 }),
            vec![(640, 360), (854, 480)],
        ),
        (
            json!({ "width": 720, "height": 576, "duration_seconds": 8, "pixel_aspect": "64:45" }),
            vec![(640, 360), (1024, 576)],
        ),
        (
            json!({ "width": 64, "height": 48, "duration_seconds": 0.5 }),
            vec![(64, 48)],
        ),
    ] {
        let (status, made) = plan(&service, &key, film.clone()).await;
        assert_eq!((status, sizes(&made)), (200, expected), "{film}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_that_would_be_refused_has_no_plan() {
    let service = Service::start().await;
    let key = service.key("ann", &[Scope::FilesRead]).await;
    let good = json!({ "width": 640, "height": 360, "duration_seconds": 8 });
    for (field, wrong) in [
        ("width", json!(0)),
        ("width", json!(65_535)),
        ("height", json!(-1)),
        ("duration_seconds", json!(0)),
        ("duration_seconds", json!(86_400)),
        ("frame_rate", json!("25/0")),
        ("frame_rate", json!("fast")),
        ("pixel_aspect", json!("0:1")),
        ("rotation_degrees", json!(45)),
        ("transfer", json!("hdr")),
        ("audio_languages", json!(["English"])),
        ("bitrate", json!(1)),
    ] {
        let mut film = good.clone();
        film[field] = wrong.clone();
        if field == "width" {
            film["height"] = json!(65_535);
        }
        let (status, problem) = plan(&service, &key, film).await;
        assert_eq!(status, 422, "{field} {wrong}: {problem}");
        let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(pointer.starts_with("/video"), "{field} {wrong}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_a_film_that_was_sent_is_its_owners_alone() {
    let service = Service::start().await;
    let scopes = [Scope::FilesRead, Scope::UploadsWrite];
    let (ann, ben) = (
        service.key("ann", &scopes).await,
        service.key("ben", &scopes).await,
    );
    let sent = service.initiate(&ann, 1000).await;
    let ask = json!({ "file_id": sent["file_id"] });
    // It has not been looked at yet.
    let (status, problem) = service.post("/v1/plans", &ann, &ask).await;
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("not_found"))
    );

    let sketch = Sketch {
        width: 1920,
        height: 1080,
        pixel_aspect: Ratio { num: 1, den: 1 },
        rotation: Rotation::Quarter,
        frame_rate: Ratio { num: 25, den: 1 },
        duration_us: 60_000_000,
        transfer: None,
        interlaced: false,
        sounds: vec![None],
        subtitles: Vec::new(),
    };
    let settings = PlanSettings {
        mp4_side: Some(720),
        ..PlanSettings::default()
    };
    let planned = Plan::new(&VideoProbe::sketched(&sketch), &settings);
    let file_id = sent["file_id"].as_str().unwrap().parse().unwrap();
    let mut connection = service.pool.acquire().await.unwrap();
    let planned = serde_json::to_value(planned).unwrap();
    plans::record(&mut connection, FileId(file_id), &planned)
        .await
        .unwrap();
    let (status, made) = service.post("/v1/plans", &ann, &ask).await;
    assert_eq!(status, 200, "{made}");
    assert_eq!(sizes(&made), [(360, 640), (720, 1280), (1080, 1920)]);
    assert_eq!(made["mp4"], "720p");
    let (status, _) = service.post("/v1/plans", &ben, &ask).await;
    assert_eq!(status, 404);

    let both = json!({ "file_id": sent["file_id"],
        "video": { "width": 640, "height": 360, "duration_seconds": 8 } });
    for asked in [json!({}), both, json!({ "file_id": 1 })] {
        let (status, problem) = service.post("/v1/plans", &ann, &asked).await;
        assert!(matches!(status.as_u16(), 400 | 422), "{asked}: {problem}");
    }
}
