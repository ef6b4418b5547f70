//! Examples of the schemas that clients meet first, so that the reference's samples read well. A test holds each
//! against its schema.

use serde_json::{Value, json};

const FILE_ID: &str = "019aa0c4-5b1e-7c42-9f0a-5b2f7c1d9e10";
const UPLOAD_ID: &str = "019aa0c4-5b1e-7c42-9f0a-4a1e6b0c8d0f";
const RUN_ID: &str = "019aa0c4-8d20-7a11-8c3e-1f2a3b4c5d6e";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const SIGNED: &str = "https://storage.example.com/staging/uploads/019aa0c4?X-Amz-Signature=…";
const SERVED: &str = "https://media.example.com/media/9f86d081/1a2b3c4d/7";
const AT: &str = "2026-01-31T12:00:00Z";

/// Puts them into the document.
pub fn add_to(document: &mut Value) {
    for (name, example) in all() {
        if let Some(schema) = document["components"]["schemas"][name].as_object_mut() {
            schema.insert("example".into(), example);
        }
    }
}

/// Name of the schema and example.
pub fn all() -> Vec<(&'static str, Value)> {
    let mut all = uploads();
    all.extend(files());
    all.push((
        "Problem",
        json!({
            "type": "/docs/errors#file_too_large",
            "title": "The file is too large",
            "status": 413,
            "detail": "the file has 5368709120 bytes; at most 1073741824 are taken",
            "code": "file_too_large",
            "request_id": "019aa0c4-9e31-7b22-9d4f-2a3b4c5d6e7f",
            "limit": "1073741824 bytes",
            "measured": "5368709120 bytes",
        }),
    ));
    all.push((
        "FieldError",
        json!({ "pointer": "/part_numbers/0", "detail": "must be 1 to 10000" }),
    ));
    all.push(("Reasoned", json!({ "reason": "the disk is repaired" })));
    all
}

fn uploads() -> Vec<(&'static str, Value)> {
    let single = json!({
        "strategy": "single",
        "method": "PUT",
        "url": SIGNED,
        "headers": {},
        "expires_at": "2026-01-31T13:00:00Z",
    });
    let part = json!({
        "part_number": 2,
        "size_bytes": 1_048_576,
        "method": "PUT",
        "url": SIGNED,
        "headers": {},
        "expires_at": "2026-01-31T13:00:00Z",
    });
    vec![
        (
            "InitiateUpload",
            json!({
                "filename": "harbour.jpg",
                "content_type": "image/jpeg",
                "size_bytes": 2_483_920,
                "sha256": SHA256,
                "metadata": { "album": "harbour" },
            }),
        ),
        (
            "Upload",
            json!({
                "file_id": FILE_ID,
                "upload_id": UPLOAD_ID,
                "expires_at": "2026-02-01T12:00:00Z",
                "upload": single,
            }),
        ),
        ("PartNumbers", json!({ "part_numbers": [2] })),
        ("PartUrl", part.clone()),
        ("PartUrls", json!({ "parts": [part] })),
        (
            "UploadedParts",
            json!({
                "part_size_bytes": 8_388_608,
                "part_count": 2,
                "parts": [{
                    "part_number": 1,
                    "etag": "\"9e107d9d372bb6826bd81d3542a419d6\"",
                    "size_bytes": 8_388_608,
                }],
            }),
        ),
        (
            "CompleteUpload",
            json!({ "parts": [{ "part_number": 1, "etag": "9e107d9d372bb6826bd81d3542a419d6" }] }),
        ),
        (
            "CompletedUpload",
            json!({ "file_id": FILE_ID, "upload_id": UPLOAD_ID, "status": "ASSEMBLING" }),
        ),
    ]
}

fn files() -> Vec<(&'static str, Value)> {
    let file = json!({
        "file_id": FILE_ID,
        "upload_id": UPLOAD_ID,
        "filename": "harbour.jpg",
        "declared_content_type": "image/jpeg",
        "declared_size_bytes": 2_483_920,
        "metadata": { "album": "harbour" },
        "status": "READY",
        "final": true,
        "outcome": "ready",
        "content_type": "image/jpeg",
        "size_bytes": 2_483_920,
        "sha256": SHA256,
        "cdn_url": format!("{SERVED}/full.webp"),
        "warnings": [],
        "created_at": AT,
        "updated_at": "2026-01-31T12:00:02Z",
    });
    let thumbnail = json!({
        "kind": "thumbnail",
        "content_type": "image/webp",
        "width": 320,
        "height": 240,
        "size_bytes": 18_204,
        "url": format!("{SERVED}/thumbnail-320.webp"),
    });
    let mut detail = file.clone();
    detail["variants"] = json!([thumbnail]);
    detail["run"] = json!({
        "run_id": RUN_ID,
        "state": "succeeded",
        "started_at": AT,
        "ended_at": "2026-01-31T12:00:02Z",
        "steps": [{ "name": "scan", "state": "done", "done": 1, "total": 1, "attempts": 1 }],
    });
    vec![
        ("File", file.clone()),
        ("FileDetail", detail),
        ("FilePage", json!({ "items": [file] })),
        ("Variant", thumbnail),
        (
            "Rejection",
            json!({
                "code": "too_many_pixels",
                "doc_url": "/docs/errors#rejected-too_many_pixels",
                "message": "the image has more pixels than are taken",
                "limit": "100000000 pixels",
                "measured": "144000000 pixels",
                "step": "probe",
            }),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::openapi::contract;

    #[test]
    fn examples_are_what_their_schemas_say() {
        for (name, example) in all() {
            let checked = contract().check_body(name, &example);
            assert!(checked.is_ok(), "{name}: {checked:?}");
        }
    }
}
