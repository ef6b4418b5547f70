//! The formats of sounds, by container. What is in one is for the probe to find out.

use serde::{Deserialize, Serialize};

use super::{Capabilities, VideoFamily, VideoFormat, whole_stream};

/// A container of sounds that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudioFormat {
    /// MPEG audio of layers 1 to 3 (ISO/IEC 11172-3, 13818-3).
    Mp3,
    /// AAC in ADTS frames (ISO/IEC 13818-7).
    Aac,
    /// MP4 without pictures (ISO/IEC 14496-14), as M4A, M4B and 3GP are: AAC, ALAC or AMR.
    M4a,
    /// FLAC (RFC 9639).
    Flac,
    /// WAV, and RF64 for more than 4 GiB (EBU Tech 3306).
    Wav,
    /// AIFF and AIFF-C.
    Aiff,
    /// Ogg without pictures (RFC 5334): Vorbis, Opus or FLAC.
    Ogg,
    /// Windows Media Audio, in ASF.
    Wma,
    /// AMR, narrow and wide (RFC 4867).
    Amr,
    /// Matroska without pictures (RFC 9559).
    Matroska,
    /// `WebM` without pictures, as browsers record.
    Webm,
}

impl AudioFormat {
    /// Every accepted one.
    pub const ALL: [Self; 11] = [
        Self::Mp3,
        Self::Aac,
        Self::M4a,
        Self::Flac,
        Self::Wav,
        Self::Aiff,
        Self::Ogg,
        Self::Wma,
        Self::Amr,
        Self::Matroska,
        Self::Webm,
    ];

    /// The table of containers.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Mp3 => whole_stream(
                "MP3",
                "audio/mpeg",
                &["audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg"],
                &["mp3", "mp2"],
            ),
            Self::Aac => whole_stream(
                "AAC",
                "audio/aac",
                &["audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts"],
                &["aac"],
            ),
            Self::M4a => whole_stream(
                "M4A",
                "audio/mp4",
                &[
                    "audio/x-m4a",
                    "audio/m4a",
                    "audio/x-m4b",
                    "audio/3gpp",
                    "audio/3gpp2",
                ],
                &["m4a", "m4b"],
            ),
            Self::Flac => whole_stream("FLAC", "audio/flac", &["audio/x-flac"], &["flac"]),
            Self::Wav => whole_stream(
                "WAV",
                "audio/vnd.wave",
                &["audio/wav", "audio/x-wav", "audio/wave"],
                &["wav"],
            ),
            Self::Aiff => whole_stream("AIFF", "audio/aiff", &["audio/x-aiff"], &["aiff", "aif"]),
            Self::Ogg => whole_stream(
                "Ogg",
                "audio/ogg",
                &[
                    "audio/opus",
                    "audio/vorbis",
                    "audio/x-opus+ogg",
                    "audio/x-vorbis+ogg",
                ],
                &["ogg", "oga", "opus"],
            ),
            Self::Wma => whole_stream("WMA", "audio/x-ms-wma", &["video/x-ms-asf"], &["wma"]),
            Self::Amr => whole_stream(
                "AMR",
                "audio/amr",
                &["audio/amr-wb", "audio/x-amr"],
                &["amr", "awb"],
            ),
            Self::Matroska => whole_stream(
                "Matroska",
                "audio/matroska",
                &["audio/x-matroska"],
                &["mka"],
            ),
            Self::Webm => whole_stream("WebM", "audio/webm", &[], &["weba"]),
        }
    }

    /// The films that come in the same containers.
    pub const fn film_family(self) -> Option<VideoFamily> {
        match self {
            Self::M4a => Some(VideoFormat::Mp4.family()),
            Self::Matroska | Self::Webm => Some(VideoFormat::Matroska.family()),
            Self::Ogg => Some(VideoFormat::Ogg.family()),
            Self::Mp3 | Self::Aac | Self::Flac | Self::Wav | Self::Aiff | Self::Wma | Self::Amr => {
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AudioFormat;
    use crate::formats::InputFormat;

    #[test]
    fn a_sound_may_be_declared_as_a_film_of_its_container_and_as_another_sound() {
        for (found, declared, meant) in [
            (AudioFormat::Webm, "video/webm", true),
            (AudioFormat::M4a, "video/mp4", true),
            (AudioFormat::M4a, "video/quicktime", true),
            (AudioFormat::Ogg, "application/ogg", true),
            (AudioFormat::Wav, "audio/mpeg", true),
            (AudioFormat::Mp3, "video/mp4", false),
            (AudioFormat::Webm, "image/webp", false),
        ] {
            let declared = InputFormat::from_declared(declared).unwrap();
            let found = InputFormat::Audio(found);
            assert_eq!(found.is_meant_by(declared), meant, "{found:?} {declared:?}");
        }
    }
}
