//! Which containers sounds are taken from. Everything else ffmpeg may know is never reached.

use serde::{Deserialize, Serialize};

use crate::exec::Allowed;
use crate::probe::allowed::decoders;

/// A kind of file that sounds come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MPEG audio: MP3, and MP1 and MP2.
    Mp3,
    /// AAC in ADTS frames.
    Aac,
    /// MP4, M4A, M4B, 3GP, `QuickTime`.
    Mov,
    Flac,
    /// WAV and RF64.
    Wav,
    /// AIFF and AIFF-C.
    Aiff,
    /// Ogg, with Vorbis, Opus or FLAC.
    Ogg,
    /// ASF, which WMA comes in.
    Asf,
    /// AMR, narrow and wide.
    Amr,
    /// Matroska and `WebM`.
    Matroska,
}

impl Container {
    const ALL: [Self; 10] = [
        Self::Mp3,
        Self::Aac,
        Self::Mov,
        Self::Flac,
        Self::Wav,
        Self::Aiff,
        Self::Ogg,
        Self::Asf,
        Self::Amr,
        Self::Matroska,
    ];

    /// The name of ffmpeg's demuxer.
    pub const fn demuxer(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Aac => "aac",
            Self::Mov => "mov",
            Self::Flac => "flac",
            Self::Wav => "wav",
            Self::Aiff => "aiff",
            Self::Ogg => "ogg",
            Self::Asf => "asf",
            Self::Amr => "amr",
            Self::Matroska => "matroska",
        }
    }

    /// The container that ffprobe calls `name`, which is a list of names for some.
    pub(super) fn of(name: &str) -> Option<Self> {
        let first = name.split(',').next()?;
        Self::ALL.into_iter().find(|kind| kind.demuxer() == first)
    }

    /// Whether its header says how long the sound is, by an index of what is there.
    pub(super) const fn says_duration(self) -> bool {
        matches!(self, Self::Mov | Self::Matroska | Self::Flac)
    }
}

/// Decoders of covers in formats that films do not have. ffprobe ends with an error when it may not open one of
/// them; what they decode is used by nobody.
const COVERS: [&str; 4] = ["gif", "bmp", "webp", "tiff"];

/// What looks may open that show tracks, those of films with them, so that a film is found to be one. Encodes
/// open no more than they need.
pub(super) fn looks() -> Allowed {
    let mut decoders = decoders();
    decoders.extend(COVERS.map(str::to_owned));
    Allowed {
        demuxers: Container::ALL.map(|kind| kind.demuxer().to_owned()).into(),
        decoders,
        begins_at: None,
    }
}

/// What a look may open at MPEG audio that begins at some byte of its file.
pub(super) fn late(begins_at: u64) -> Allowed {
    Allowed {
        demuxers: vec![Container::Mp3.demuxer().to_owned()],
        begins_at: Some(begins_at),
        ..looks()
    }
}
