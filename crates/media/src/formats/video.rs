//! The formats of films, by container. What is in one is for the probe to find out.

use serde::{Deserialize, Serialize};

use super::{Capabilities, whole_stream};

/// A container of films that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoFormat {
    /// MP4 (ISO/IEC 14496-14), whole or in fragments.
    Mp4,
    /// `QuickTime`, as Apple's cameras write it.
    QuickTime,
    /// 3GP and 3G2 (RFC 3839), of older telephones.
    ThreeGp,
    /// Matroska (RFC 9559).
    Matroska,
    /// `WebM`, a subset of Matroska.
    Webm,
    /// Audio Video Interleave.
    Avi,
    /// An MPEG transport stream (ISO/IEC 13818-1), as cameras and broadcasters write it.
    MpegTs,
    /// An MPEG program stream (ISO/IEC 13818-1), or MPEG-1 and MPEG-2 video without a container.
    Mpeg,
    /// Flash video.
    Flv,
    /// Ogg (RFC 3533).
    Ogg,
}

/// Containers that are told apart by their brand alone, and that clients name for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VideoFamily {
    /// MP4 and what it came from and led to (ISO/IEC 14496-12).
    IsoMedia,
    /// Matroska and its subset.
    Matroska,
    /// Streams of MPEG-2 systems.
    Mpeg,
    /// Any other, alone.
    Other(VideoFormat),
}

impl VideoFormat {
    /// Every accepted one.
    pub const ALL: [Self; 10] = [
        Self::Mp4,
        Self::QuickTime,
        Self::ThreeGp,
        Self::Matroska,
        Self::Webm,
        Self::Avi,
        Self::MpegTs,
        Self::Mpeg,
        Self::Flv,
        Self::Ogg,
    ];

    /// The table of containers.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Mp4 => whole_stream(
                "MP4",
                "video/mp4",
                &["video/x-m4v", "application/mp4"],
                &["mp4", "m4v"],
            ),
            Self::QuickTime => whole_stream("QuickTime", "video/quicktime", &[], &["mov", "qt"]),
            Self::ThreeGp => whole_stream("3GP", "video/3gpp", &["video/3gpp2"], &["3gp", "3g2"]),
            Self::Matroska => whole_stream(
                "Matroska",
                "video/matroska",
                &["video/x-matroska"],
                &["mkv"],
            ),
            Self::Webm => whole_stream("WebM", "video/webm", &[], &["webm"]),
            Self::Avi => whole_stream(
                "AVI",
                "video/vnd.avi",
                &["video/x-msvideo", "video/avi", "video/msvideo"],
                &["avi"],
            ),
            Self::MpegTs => whole_stream(
                "MPEG-TS",
                "video/mp2t",
                &["video/vnd.dlna.mpeg-tts"],
                &["ts", "mts", "m2ts"],
            ),
            Self::Mpeg => whole_stream(
                "MPEG",
                "video/mpeg",
                &["video/mpg", "video/x-mpeg", "video/mp2p"],
                &["mpg", "mpeg", "vob"],
            ),
            Self::Flv => whole_stream("FLV", "video/x-flv", &[], &["flv"]),
            Self::Ogg => whole_stream("Ogg", "video/ogg", &["application/ogg"], &["ogv", "ogg"]),
        }
    }

    /// Which containers it is mistaken for.
    pub const fn family(self) -> VideoFamily {
        match self {
            Self::Mp4 | Self::QuickTime | Self::ThreeGp => VideoFamily::IsoMedia,
            Self::Matroska | Self::Webm => VideoFamily::Matroska,
            Self::MpegTs | Self::Mpeg => VideoFamily::Mpeg,
            Self::Avi | Self::Flv | Self::Ogg => VideoFamily::Other(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::VideoFormat;
    use crate::formats::InputFormat;

    #[test]
    fn a_film_may_be_declared_as_a_relative_of_what_it_is() {
        let found = InputFormat::Video(VideoFormat::QuickTime);
        for (declared, meant) in [
            ("video/mp4", true),
            ("video/quicktime", true),
            ("video/3gpp", true),
            ("video/webm", false),
            ("image/webp", false),
        ] {
            let declared = InputFormat::from_declared(declared).unwrap();
            assert_eq!(found.is_meant_by(declared), meant, "{declared:?}");
        }
    }
}
