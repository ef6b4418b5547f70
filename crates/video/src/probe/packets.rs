//! The second look: every packet, one line each, folded as it comes. Memory does not grow with the film.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::probe::limits::VideoLimits;
use crate::probe::packet::Packet;
use crate::probe::refusal::{Refusal, RefusalCode, counted};
use crate::probe::types::{Keyframe, Timing};

/// Packets come in the order of decoding; that of showing differs by fewer places than this.
const REORDERED: usize = 32;
/// Kept keyframes are this far apart at least, in microseconds.
const KEYFRAMES_APART_US: i64 = 1_000_000;
/// How many lengths of intervals are told apart.
const INTERVALS: usize = 4096;
/// A picture that comes this much too early is out of order for good, in microseconds.
const BACKWARDS_US: i64 = 1_000_000;
/// Sound that ends later than the pictures by no more than this is padding of its codec, in microseconds.
const PADDING_US: i64 = 100_000;
/// The longest that one picture may stand, in microseconds; more is a jump of the clock.
const STANDS_US: i64 = 600_000_000;

/// What is known so far.
pub struct Measured {
    video_index: u32,
    packets: u64,
    allowed_packets: u64,
    streams: BTreeSet<u32>,
    ends_us: BTreeMap<u32, i64>,
    /// The ends of the streams of sound, but for what comes after a jump of the clock.
    heard_us: BTreeMap<u32, Option<i64>>,
    waiting: BinaryHeap<Reverse<i64>>,
    shown_us: Option<i64>,
    frames: u64,
    intervals: BTreeMap<u64, u64>,
    keyframes: Vec<Keyframe>,
    worst_backwards_us: i64,
}

/// What came out.
pub struct Facts {
    /// To the end of the last picture, or of sound that goes on.
    pub duration_us: u64,
    /// To the end of the last picture.
    pub pictures_us: u64,
    /// To the last picture.
    pub last_us: u64,
    /// To the end of the longest stream.
    pub longest_us: u64,
    pub timing: Timing,
    pub keyframes: Vec<Keyframe>,
    /// Streams that have packets.
    pub streams: BTreeSet<u32>,
}

impl Measured {
    pub fn new(video_index: u32, sounds: BTreeSet<u32>, limits: &VideoLimits) -> Self {
        Self {
            video_index,
            packets: 0,
            allowed_packets: limits.packets,
            streams: BTreeSet::new(),
            ends_us: BTreeMap::new(),
            heard_us: sounds.into_iter().map(|stream| (stream, None)).collect(),
            waiting: BinaryHeap::with_capacity(REORDERED + 1),
            shown_us: None,
            frames: 0,
            intervals: BTreeMap::new(),
            keyframes: Vec::new(),
            worst_backwards_us: 0,
        }
    }

    /// Takes the line of one packet.
    pub fn take(&mut self, line: &[u8]) -> Result<(), Refusal> {
        let Some(packet) = Packet::read(line) else {
            return Ok(());
        };
        self.packets += 1;
        if self.packets > self.allowed_packets {
            let (limit, found) = (self.allowed_packets, self.packets);
            let code = RefusalCode::TooManyPackets;
            return Err(Refusal::limit(
                code,
                "the film has more than",
                counted(limit),
                counted(found),
                "packets",
            ));
        }
        self.streams.insert(packet.stream);
        let Some(at_us) = packet.at_us.filter(|_| !packet.discarded) else {
            return Ok(());
        };
        let end = self.ends_us.entry(packet.stream).or_insert(i64::MIN);
        let packet_end = at_us.saturating_add(packet.duration_us);
        *end = (*end).max(packet_end);
        if let Some(heard) = self.heard_us.get_mut(&packet.stream) {
            let goes_on = heard.is_none_or(|end| at_us <= end.saturating_add(STANDS_US));
            if goes_on {
                *heard = (*heard).max(Some(packet_end));
            }
        }
        if packet.stream == self.video_index {
            self.picture(&packet, at_us);
        }
        Ok(())
    }

    fn picture(&mut self, packet: &Packet, at_us: i64) {
        self.frames += 1;
        let apart = |last: &Keyframe| at_us - last.at_us >= KEYFRAMES_APART_US;
        if packet.key && self.keyframes.last().is_none_or(apart) {
            let position = packet.position;
            self.keyframes.push(Keyframe { at_us, position });
        }
        self.waiting.push(Reverse(at_us));
        if self.waiting.len() > REORDERED {
            self.show_next();
        }
    }

    fn show_next(&mut self) {
        let Some(Reverse(at_us)) = self.waiting.pop() else {
            return;
        };
        let Some(before) = self.shown_us.replace(at_us) else {
            return;
        };
        let interval = at_us.saturating_sub(before);
        self.worst_backwards_us = self.worst_backwards_us.max(-interval);
        if let Ok(interval @ 1..) = u64::try_from(interval) {
            let full = self.intervals.len() >= INTERVALS;
            let nearest = self
                .intervals
                .range(..=interval)
                .next_back()
                .map(|(&known, _)| known);
            let key = nearest.filter(|_| full).unwrap_or(interval);
            *self.intervals.entry(key).or_default() += 1;
        }
    }

    /// The facts, with times counted from `start_us`, the film's start by the container's clock.
    pub fn finish(mut self, start_us: i64) -> Result<Facts, Refusal> {
        while !self.waiting.is_empty() {
            self.show_next();
        }
        let last_us = self.shown_us.ok_or_else(|| {
            Refusal::new(
                RefusalCode::Malformed,
                "no picture of the film is in the file",
            )
        })?;
        let timing = self.timing();
        let longest_us = i64::try_from(timing.longest_us).unwrap_or(i64::MAX);
        if self.worst_backwards_us > BACKWARDS_US || longest_us > STANDS_US {
            return Err(Refusal::new(
                RefusalCode::BrokenTimestamps,
                "the film's times jump by minutes or run backwards",
            ));
        }
        // A last picture without a length stands as long as others.
        let median_us = i64::try_from(timing.median_us).unwrap_or(0);
        let picture_end = self
            .ends_us
            .get(&self.video_index)
            .copied()
            .unwrap_or(last_us);
        let shown_end = picture_end.max(last_us.saturating_add(median_us));
        let heard = self.heard_us.values().flatten().copied().max();
        let goes_on = heard.filter(|&end| end > shown_end.saturating_add(PADDING_US));
        let longest = self.ends_us.values().copied().max();
        let since_start = |end: i64| u64::try_from(end.saturating_sub(start_us)).unwrap_or(0);
        for keyframe in &mut self.keyframes {
            keyframe.at_us -= start_us;
        }
        Ok(Facts {
            duration_us: since_start(goes_on.unwrap_or(shown_end)),
            pictures_us: since_start(shown_end),
            last_us: since_start(last_us),
            longest_us: since_start(longest.unwrap_or(shown_end)),
            timing,
            keyframes: self.keyframes,
            streams: self.streams,
        })
    }

    fn timing(&self) -> Timing {
        let total: u64 = self.intervals.values().sum();
        let quantile = |share: u64| {
            let mut left = total * share / 100;
            let found = self.intervals.iter().find(|(_, count)| {
                let here = left < **count;
                left = left.saturating_sub(**count);
                here
            });
            found.map_or(0, |(&interval, _)| interval)
        };
        let median_us = quantile(50);
        // Clocks of a millisecond make 33 and 34 of the same interval.
        let tolerated = (median_us / 4).max(2_000);
        let differing: u64 = self
            .intervals
            .iter()
            .filter(|(interval, _)| interval.abs_diff(median_us) > tolerated)
            .map(|(_, count)| count)
            .sum();
        Timing {
            frames: self.frames,
            median_us,
            short_us: quantile(5),
            longest_us: self.intervals.keys().next_back().copied().unwrap_or(0),
            varies: differing * 20 > total,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Facts, Measured};
    use crate::probe::{RefusalCode, VideoLimits};

    fn measure(lines: &[String]) -> Result<Facts, RefusalCode> {
        let mut measured = Measured::new(0, BTreeSet::from([1]), &VideoLimits::default());
        for line in lines {
            measured
                .take(line.as_bytes())
                .map_err(|refusal| refusal.code)?;
        }
        measured.finish(0).map_err(|refusal| refusal.code)
    }

    fn picture(at: f64) -> String {
        format!("0,{at:.6},N/A,0.040000,10,20,__")
    }

    #[test]
    fn pictures_are_put_in_the_order_of_showing() {
        let shown = [0.0, 0.16, 0.08, 0.04, 0.12, 0.20].map(picture);
        let facts = measure(&shown).unwrap();
        assert_eq!((facts.timing.frames, facts.timing.median_us), (6, 40_000));
        assert_eq!(facts.duration_us, 240_000);
        assert!(!facts.timing.varies);
    }

    #[test]
    fn a_recording_that_pauses_varies() {
        let shown: Vec<_> = [0.0, 0.1, 0.2, 1.2, 1.3, 2.9].map(picture).into();
        let timing = measure(&shown).unwrap().timing;
        assert!(timing.varies);
        assert_eq!((timing.short_us, timing.longest_us), (100_000, 1_600_000));
    }

    #[test]
    fn clocks_that_jump_are_refused() {
        let forth: Vec<_> = [0.0, 0.04, 7200.0, 7200.04].map(picture).into();
        assert_eq!(measure(&forth).err(), Some(RefusalCode::BrokenTimestamps));
        let times = (0..100).map(|i| f64::from(i) * 0.04 + if i < 50 { 9000.0 } else { 0.0 });
        let back: Vec<_> = times.map(picture).collect();
        assert_eq!(measure(&back).err(), Some(RefusalCode::BrokenTimestamps));
    }

    #[test]
    fn a_film_plays_on_while_there_is_sound() {
        let sound = |at: f64| format!("1,{at:.6},N/A,0.020000,10,20,K_");
        let ends = |sounds: &[f64]| {
            let pictures = [0.0, 0.04, 0.08].map(picture).into_iter();
            let lines: Vec<_> = pictures.chain(sounds.iter().copied().map(sound)).collect();
            let facts = measure(&lines).unwrap();
            assert_eq!(facts.pictures_us, 120_000);
            (facts.duration_us, facts.longest_us)
        };
        assert_eq!(ends(&[0.0, 1.0, 2.0]), (2_020_000, 2_020_000));
        // What a codec pads its last packet with.
        assert_eq!(ends(&[0.0, 0.18]), (120_000, 200_000));
        // A clock that jumps is no sound for hours.
        assert_eq!(ends(&[0.0, 1.0, 20_000.0]), (1_020_000, 20_000_020_000));
    }

    #[test]
    fn a_film_of_nothing_is_malformed() {
        assert_eq!(measure(&[]).err(), Some(RefusalCode::Malformed));
        let sound = ["1,0.0,0.0,0.02,1,1,K_".to_owned(), "nonsense".to_owned()];
        assert_eq!(measure(&sound).err(), Some(RefusalCode::Malformed));
    }
}
