//! A packet, as ffprobe writes it on a line.

use crate::probe::times::micros;

/// What ffprobe is to show; [`Packet`] reads it.
pub const SHOWN: &[&str] = &[
    "-show_entries",
    "packet=stream_index,pts_time,dts_time,duration_time,size,pos,flags",
    "-of",
    "csv=p=0",
];

/// One packet, as its line tells of it. Times are in microseconds by the container's clock.
pub struct Packet {
    pub stream: u32,
    pub at_us: Option<i64>,
    pub duration_us: i64,
    pub position: Option<u64>,
    pub key: bool,
    pub discarded: bool,
}

impl Packet {
    /// Reads `0,1.400000,1.320000,0.040000,1234,5678,K_`; what is not known is `N/A`.
    pub fn read(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line).ok()?;
        let mut fields = line.split(',');
        let mut next = || fields.next();
        let stream = next()?.parse().ok()?;
        let (shown, decoded, duration) = (micros(next()), micros(next()), micros(next()));
        let _size = next()?;
        let position = next()?.parse().ok();
        let flags = next()?;
        Some(Self {
            stream,
            at_us: shown.or(decoded),
            duration_us: duration.unwrap_or(0).max(0),
            position,
            key: flags.contains('K'),
            discarded: flags.contains('D'),
        })
    }
}
