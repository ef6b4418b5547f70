//! Rule 14: files are served with their types.

use crate::gate::facts::Facts;
use crate::gate::{Findings, Outputs, Rule};
use crate::hls::MASTER;

/// Checks it; false where nothing is served.
pub fn check(outputs: &impl Outputs, facts: &Facts, findings: &mut Findings) -> bool {
    let playlists = facts
        .tracks
        .iter()
        .map(|track| &*track.part.uri)
        .chain([MASTER]);
    let segments = facts
        .tracks
        .iter()
        .filter_map(|track| track.segments.first());
    let files = playlists.chain(segments.map(|segment| &*segment.file));
    let mut served = false;
    for file in files {
        let Some(found) = outputs.media_type(file) else {
            continue;
        };
        served = true;
        let kind = found.split(';').next().unwrap_or_default().trim();
        let allowed: &[&str] = match file.rsplit_once('.').map(|(_, ending)| ending) {
            Some("m3u8") => &["application/vnd.apple.mpegurl", "audio/mpegurl"],
            Some("vtt") => &["text/vtt"],
            _ => &["video/mp4", "video/iso.segment", "audio/mp4"],
        };
        findings.demand(
            Rule::Types,
            allowed.contains(&kind),
            file,
            allowed[0],
            found.as_str(),
        );
    }
    served
}
