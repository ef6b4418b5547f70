//! Every object key, in one place. Keys are made of ids and hashes only, never of anything a client said.
//!
//! Nothing is ever overwritten: originals are named by content, variants by content, recipe and attempt.

use std::fmt::Display;

use uuid::Uuid;

use crate::ObjectKey;
use crate::recipes::RecipeHash;
use crate::{Sha256, UploadId};

/// Prefix of everything the CDN may serve. Originals live outside of it.
pub const SERVED_PREFIX: &str = "media/";

/// Staging bucket: where a client's signed URLs point.
pub fn staging(upload_id: UploadId) -> ObjectKey {
    key(format!("uploads/{upload_id}"))
}

/// Staging bucket: bytes of an upload that are less than a part so far, as one request left them. `epoch` and `offset`
/// together are never used twice.
pub fn tail(upload_id: UploadId, epoch: i64, offset_bytes: u64) -> ObjectKey {
    key(format!("uploads/{upload_id}/tail/{epoch}-{offset_bytes}"))
}

/// Staging bucket: prefix of every [`tail`] of an upload. Ends in a slash.
pub fn tails(upload_id: UploadId) -> ObjectKey {
    key(format!("uploads/{upload_id}/tail/"))
}

/// Staging bucket: the copy that no URL was ever signed for. Only this is scanned, hashed and decoded.
pub fn frozen(upload_id: UploadId) -> ObjectKey {
    key(format!("frozen/{upload_id}"))
}

/// Origin bucket: the bytes as sent, by content. Never served.
pub fn original(sha256: &Sha256) -> ObjectKey {
    key(format!("originals/{sha256}"))
}

/// Origin bucket: prefix of what one attempt made of one content by one recipe. Ends in a slash.
///
/// `attempt` is whatever tells two executions apart, such as the engine's attempt token: a stale worker writes beside
/// the winner, never over it.
pub fn media_prefix(sha256: &Sha256, recipe: &RecipeHash, attempt: impl Display) -> ObjectKey {
    key(format!("{SERVED_PREFIX}{sha256}/{recipe}/{attempt}/"))
}

/// Origin bucket: one variant. `name` is an output's [`file_name`](crate::recipes::image::Output::file_name).
pub fn media(sha256: &Sha256, recipe: &RecipeHash, attempt: impl Display, name: &str) -> ObjectKey {
    key(format!("{SERVED_PREFIX}{sha256}/{recipe}/{attempt}/{name}"))
}

/// Whether the key is, or leads to, what the CDN may serve.
pub fn is_served(key: &ObjectKey) -> bool {
    key.as_str().starts_with(SERVED_PREFIX)
}

/// Public address of a served object. Keys need no escaping: they are made of letters, digits, `-`, `.` and `/`.
pub fn served_url(cdn_base_url: &str, storage_path: &str) -> String {
    format!("{cdn_base_url}/{storage_path}")
}

/// Staging bucket: written now and then, to find out whether the store takes writes.
pub fn health_probe() -> ObjectKey {
    key("health-probe".into())
}

/// Either bucket: written and deleted once when a process starts, to prove that it can.
pub fn start_up_probe(id: Uuid) -> ObjectKey {
    key(format!("start-up-probe/{id}"))
}

fn key(text: String) -> ObjectKey {
    ObjectKey::new(text).expect("ids, hashes and recipe names are short and printable")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn keys_have_the_documented_shape() {
        let upload_id = UploadId(Uuid::nil());
        let digest = Sha256::of(b"");
        assert_eq!(
            staging(upload_id).as_str(),
            "uploads/00000000-0000-0000-0000-000000000000"
        );
        assert_eq!(
            frozen(upload_id).as_str(),
            "frozen/00000000-0000-0000-0000-000000000000"
        );
        assert_eq!(original(&digest).as_str(), format!("originals/{digest}"));
        let recipe = crate::recipes::image::recipe().hash();
        assert_eq!(
            media(&digest, &recipe, 7, "full.webp").as_str(),
            format!("media/{digest}/{recipe}/7/full.webp")
        );
        assert!(media_prefix(&digest, &recipe, 7).as_str().ends_with("/7/"));
    }
}
