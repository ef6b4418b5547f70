//! Writes the playlists of a sound alone.

use std::fmt::Write;

use crate::encode::Rendition;
use crate::hls::write::{media, rates, target_seconds};
use crate::hls::{Address, INDEX, MASTER};

/// Every playlist of a sound in `renditions`, of which the best comes first in the one to play: its name and
/// its text. The one to play is the last, so that whoever stores them in order never shows what is not there
/// yet.
pub fn write(renditions: &[Rendition], address: Address<'_>) -> Vec<(String, String)> {
    let target = target_seconds(renditions.iter());
    let mut files: Vec<_> = renditions
        .iter()
        .map(|rendition| {
            let text = media(rendition, target, true, address);
            (format!("{}/{INDEX}", rendition.name), text)
        })
        .collect();
    let mut best_first: Vec<_> = renditions
        .iter()
        .map(|rendition| (rates(rendition, target), rendition))
        .collect();
    best_first.sort_by_key(|(rates, _)| std::cmp::Reverse(rates.average));
    let mut master = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for (rates, rendition) in best_first {
        // Writing to a text does not fail.
        let _ = writeln!(
            master,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={},CODECS=\"{}\"\n{}/{INDEX}",
            rates.peak, rates.average, rendition.init.codec, rendition.name
        );
    }
    files.push((MASTER.to_owned(), master));
    files
}
