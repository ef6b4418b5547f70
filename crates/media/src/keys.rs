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

/// Either bucket: prefix of [`start_up_probe`]s. One that a process could not delete lies here.
pub const START_UP_PROBES: &str = "start-up-probe/";

/// Prefix of what was sent, by content.
const ORIGINALS_PREFIX: &str = "originals/";

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
    key(format!("{ORIGINALS_PREFIX}{sha256}"))
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

/// The upload that a key of the staging bucket belongs to.
pub fn upload_of(key: &ObjectKey) -> Option<UploadId> {
    let mut names = key.as_str().split('/');
    let (folder, id) = (names.next()?, names.next()?);
    let known = ["uploads", "frozen"].contains(&folder);
    known.then(|| id.parse().ok().map(UploadId)).flatten()
}

/// The prefix below which a key of the origin bucket was claimed, as [`media_prefix`] makes it; nothing for a key that
/// is claimed by itself, or that is not ours.
pub fn claimed_prefix(key: &ObjectKey) -> Option<&str> {
    let rest = key.as_str().strip_prefix(SERVED_PREFIX)?;
    let (end, _) = rest.match_indices('/').nth(2)?;
    Some(&key.as_str()[..=SERVED_PREFIX.len() + end])
}

/// Whether a key of the origin bucket is of the kind that files are stored under.
pub fn is_of_a_file(key: &ObjectKey) -> bool {
    let original = key.as_str().strip_prefix(ORIGINALS_PREFIX);
    original.is_some_and(|name| !name.contains('/')) || claimed_prefix(key).is_some()
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
    key(format!("{START_UP_PROBES}{id}"))
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
        let recipe = crate::recipes::image::recipe(crate::recipes::Extras::default()).hash();
        assert_eq!(
            media(&digest, &recipe, 7, "full.webp").as_str(),
            format!("media/{digest}/{recipe}/7/full.webp")
        );
        let prefix = media_prefix(&digest, &recipe, 7);
        assert!(prefix.as_str().ends_with("/7/"));
        for name in ["full.webp", "720p/00000.m4s"] {
            let object = media(&digest, &recipe, 7, name);
            assert_eq!(claimed_prefix(&object), Some(prefix.as_str()));
            assert!(is_of_a_file(&object));
        }
        assert!(is_of_a_file(&original(&digest)));
        assert!(!is_of_a_file(&health_probe()));
        for key in [staging(upload_id), frozen(upload_id), tail(upload_id, 1, 2)] {
            assert_eq!(upload_of(&key), Some(upload_id));
        }
        assert_eq!(upload_of(&key("uploads/of somebody else".into())), None);
    }
}
