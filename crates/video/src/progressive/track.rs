//! A track: its segments read one after the other, and of each of its samples the time, the size and the place.

use std::ops::Range;

use crate::encode::CLOCK_START_SECONDS;
use crate::mp4::{Boxes, Fragment, Header, Init, Media, Mp4Error, Sample};

/// A track of a file, as its segments tell it.
#[derive(Debug)]
pub struct Track {
    pub(super) init: Vec<u8>,
    pub(super) facts: Init,
    /// Code of ISO 639 of two or three letters.
    pub(super) language: Option<String>,
    /// Played when nobody chose.
    pub(super) default: bool,
    /// When its first sample is decoded, in ticks.
    first_decoded: Option<u64>,
    /// How long all samples stand, in ticks.
    pub(super) ticks: u64,
    /// When the last is over that is shown last, in ticks from when the first is decoded.
    ends: u64,
    /// How long each sample stands, in ticks.
    pub(super) durations: Runs<u32>,
    /// How much later each is shown than decoded, in ticks.
    pub(super) shown_later: Runs<i32>,
    /// How long each is, in bytes.
    pub(super) sizes: Vec<u32>,
    /// Those that can be decoded without others, counted from 1.
    pub(super) sync: Vec<u32>,
    chunks: Vec<Chunk>,
}

/// The samples of a segment.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Where in the segment's file they are.
    pub range: Range<u64>,
    /// How many there are.
    pub samples: u32,
    /// When the first is decoded, in microseconds of the segments' clock.
    pub start_us: u128,
}

impl Track {
    /// One without samples, of a rendition's initialisation.
    pub fn new(init: Vec<u8>, language: Option<String>, default: bool) -> Result<Self, Mp4Error> {
        let facts = Init::read(&init)?;
        Ok(Self {
            init,
            facts,
            language,
            default,
            first_decoded: None,
            ticks: 0,
            ends: 0,
            durations: Runs::default(),
            shown_later: Runs::default(),
            sizes: Vec::new(),
            sync: Vec::new(),
            chunks: Vec::new(),
        })
    }

    /// Adds the next segment, of which `start` are the first bytes, down to its first sample at least, and `size_bytes`
    /// the length.
    pub fn push(&mut self, start: &[u8], size_bytes: u64) -> Result<(), Mp4Error> {
        let Some(Ok((kind, moof))) = Boxes(start).next() else {
            return Err(Mp4Error("no fragment"));
        };
        let fragment = Fragment::read(moof)?;
        let mdat = Header::read(start.get(8 + moof.len()..).unwrap_or_default())?;
        let begin = (8 + moof.len()) as u64 + mdat.head;
        let samples = fragment.samples.iter();
        let bytes: u64 = samples.map(|sample| u64::from(sample.size)).sum();
        if (kind, mdat.kind) != (*b"moof", *b"mdat") || begin + bytes != size_bytes {
            return Err(Mp4Error("samples that do not fill their segment"));
        }
        let first = *self.first_decoded.get_or_insert(fragment.decode_time);
        self.wait_until(first, fragment.decode_time)?;
        let start_us = u128::from(fragment.decode_time) * 1_000_000;
        self.chunks.push(Chunk {
            range: begin..size_bytes,
            samples: u32::try_from(fragment.samples.len())
                .map_err(|_| Mp4Error("too many samples"))?,
            start_us: start_us / u128::from(self.facts.timescale),
        });
        for sample in fragment.samples {
            self.add(sample);
        }
        Ok(())
    }

    fn add(&mut self, sample: Sample) {
        self.sizes.push(sample.size);
        if sample.sync {
            self.sync.extend(u32::try_from(self.sizes.len()));
        }
        let shown = self.ticks.saturating_add_signed(sample.shown_later.into());
        self.ends = self.ends.max(shown + u64::from(sample.duration));
        self.ticks += u64::from(sample.duration);
        self.durations.push(sample.duration);
        self.shown_later.push(sample.shown_later);
    }

    /// Has the last sample stand until `decode_time`. Segments begin at times of their own, which may be a tick from where
    /// the samples before them end.
    fn wait_until(&mut self, first: u64, decode_time: u64) -> Result<(), Mp4Error> {
        let jump = Mp4Error("a gap between segments");
        let ticks = decode_time.checked_sub(first).ok_or(jump)?;
        let Some(last) = self.durations.pop() else {
            return Ok(());
        };
        let stands = (ticks + u64::from(last)).checked_sub(self.ticks);
        let stands = stands.and_then(|ticks| u32::try_from(ticks).ok());
        let near = |&ticks: &u32| ticks > 0 && ticks.abs_diff(last) <= last;
        self.durations.push(
            stands
                .filter(near)
                .ok_or(Mp4Error("a gap between segments"))?,
        );
        self.ticks = ticks;
        Ok(())
    }

    pub(super) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// How long it is shown or heard, in ticks.
    pub(super) fn plays(&self) -> Result<u64, Mp4Error> {
        Ok(self.ends.saturating_sub(self.before_start()?))
    }

    pub(super) const fn has_pictures(&self) -> bool {
        matches!(self.facts.media, Media::Video { .. })
    }

    /// What of it lies before the film's start, in ticks: what pictures are decoded earlier than they are shown, and the
    /// silence that an encoder of sound begins with.
    pub(super) fn before_start(&self) -> Result<u64, Mp4Error> {
        let start = CLOCK_START_SECONDS * u64::from(self.facts.timescale);
        let first = self.first_decoded.ok_or(Mp4Error("no sample"))?;
        start
            .checked_sub(first)
            .ok_or(Mp4Error("a track that begins late"))
    }
}

/// Values, of which many that follow each other are the same.
#[derive(Debug, Default)]
pub(super) struct Runs<T>(pub Vec<(u32, T)>);

impl<T: Copy + PartialEq> Runs<T> {
    fn push(&mut self, value: T) {
        match self.0.last_mut() {
            Some((count, last)) if *last == value && *count < u32::MAX => *count += 1,
            _ => self.0.push((1, value)),
        }
    }

    fn pop(&mut self) -> Option<T> {
        let (count, value) = self.0.last_mut()?;
        let value = *value;
        *count -= 1;
        if *count == 0 {
            self.0.pop();
        }
        Some(value)
    }
}
