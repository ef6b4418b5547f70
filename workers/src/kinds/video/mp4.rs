//! Puts one size of a film and its sounds together as one file, from the segments as they lie in the bucket.

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt};
use media::ObjectKey;
use media::formats::OutputFormat;
use storage::{Bucket, ByteRange, ObjectStore, StorageError};
use video::encode::Rendition;
use video::hls::Film;
use video::plan::Plan;
use video::progressive::{Layout, Piece, Track, lay_out};
use workflows::{NextOnError, StepError};

use crate::errors;
use crate::tools::Shelf;

/// The file's name.
const NAME: &str = "video.mp4";
/// Segments whose beginnings are fetched at once.
const AT_ONCE: usize = 8;

/// A rendition that becomes a track, and where its files are.
struct Part<'a> {
    rendition: &'a Rendition,
    language: Option<String>,
    default: bool,
}

/// Where the segments are.
#[derive(Clone, Copy)]
pub(super) struct Segments<'a> {
    pub store: &'a ObjectStore,
    /// The key of a file by its name, as `720p/00000.m4s`.
    pub key: &'a (dyn Fn(&str) -> Result<ObjectKey, StepError> + Sync),
}

/// Writes the file, if the plan has one; its key and its length in bytes.
pub(super) async fn put(
    shelf: &Shelf<'_>,
    segments: Segments<'_>,
    plan: &Plan,
    film: &Film,
) -> Result<Option<(ObjectKey, u64)>, StepError> {
    let pictures = film
        .rungs
        .iter()
        .find(|rung| Some(&rung.name) == plan.mp4.as_ref());
    let Some(pictures) = pictures else {
        return Ok(None);
    };
    let pictures = Part {
        rendition: pictures,
        language: None,
        default: true,
    };
    let sounds = film.sounds.iter().map(|(work, sound)| Part {
        rendition: sound,
        language: work.language.clone(),
        default: work.default,
    });
    let parts: Vec<_> = std::iter::once(pictures).chain(sounds).collect();
    let mut tracks = Vec::with_capacity(parts.len());
    for part in &parts {
        tracks.push(segments.track(part).await?);
    }
    let layout = lay_out(&tracks, plan.duration_us()).or_fail()?;
    let size_bytes = layout.size_bytes;
    let body = segments.body(&parts, layout)?;
    let key = shelf
        .put_stream(NAME, body, size_bytes, OutputFormat::Mp4)
        .await?;
    Ok(Some((key, size_bytes)))
}

impl Segments<'_> {
    /// Reads the beginning of each segment: as much of it as says which samples follow.
    async fn track(self, part: &Part<'_>) -> Result<Track, StepError> {
        let rendition = part.rendition;
        let init = (self.key)(&rendition.init_name())?;
        let init = self.bytes(&init, None).await?;
        let track = Track::new(init, part.language.clone(), part.default);
        let mut track = track.or_fail()?;
        let mut wanted = Vec::with_capacity(rendition.segments.len());
        for segment in &rendition.segments {
            let key = (self.key)(&rendition.segment_name(segment.number))?;
            wanted.push((key, *segment));
        }
        let fetched = futures::stream::iter(wanted).map(|(key, segment)| async move {
            let range = 0..segment.first_picture_bytes;
            let start = self.bytes(&key, Some(range)).await?;
            Ok::<_, StepError>((start, segment.bytes))
        });
        let mut begun = fetched.buffered(AT_ONCE);
        while let Some((start, size_bytes)) = begun.try_next().await? {
            track.push(&start, size_bytes).or_fail()?;
        }
        Ok(track)
    }

    async fn bytes(
        self,
        key: &ObjectKey,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<Vec<u8>, StepError> {
        let range = range.map(|range| ByteRange::Inclusive(range.start, range.end - 1));
        let read = async {
            let object = self.store.get(Bucket::Origin, key, range).await?;
            let bytes = object.body.try_fold(Vec::new(), |mut bytes, piece| {
                bytes.extend_from_slice(&piece);
                std::future::ready(Ok(bytes))
            });
            bytes.await
        };
        read.await.map_err(errors::storage)
    }

    /// The bytes of the file, in their order.
    fn body(
        self,
        parts: &[Part<'_>],
        layout: Layout,
    ) -> Result<impl Stream<Item = Result<Bytes, StorageError>>, StepError> {
        let pieces = layout.pieces.into_iter().map(|piece| {
            let Piece {
                track,
                segment,
                range,
            } = piece;
            let rendition = parts[track].rendition;
            let number = rendition.segments[segment].number;
            let key = (self.key)(&rendition.segment_name(number))?;
            Ok((key, ByteRange::Inclusive(range.start, range.end - 1)))
        });
        let pieces: Vec<_> = pieces.collect::<Result<_, StepError>>()?;
        let store = self.store;
        let samples = futures::stream::iter(pieces).then(move |(key, range)| async move {
            let object = store.get(Bucket::Origin, &key, Some(range)).await?;
            Ok(object.body)
        });
        let head = std::future::ready(Ok(Bytes::from(layout.head)));
        Ok(futures::stream::once(head).chain(samples.try_flatten()))
    }
}
