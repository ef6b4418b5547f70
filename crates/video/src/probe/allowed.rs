//! Which containers and codecs are opened at all. Everything else ffmpeg may know is never reached.

use serde::{Deserialize, Serialize};

use crate::exec::Allowed;

/// A kind of file that films come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// MP4, MOV, 3GP, whole or in fragments.
    Mov,
    /// Matroska and `WebM`.
    Matroska,
    Avi,
    /// MPEG transport stream.
    MpegTs,
    /// MPEG program stream.
    MpegPs,
    /// MPEG-1 and MPEG-2 video without a container.
    MpegVideo,
    /// Flash video.
    Flv,
    Ogg,
}

impl Container {
    const ALL: [Self; 8] = [
        Self::Mov,
        Self::Matroska,
        Self::Avi,
        Self::MpegTs,
        Self::MpegPs,
        Self::MpegVideo,
        Self::Flv,
        Self::Ogg,
    ];

    /// The name of ffmpeg's demuxer.
    pub const fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::MpegTs => "mpegts",
            Self::MpegPs => "mpeg",
            Self::MpegVideo => "mpegvideo",
            Self::Flv => "flv",
            Self::Ogg => "ogg",
        }
    }

    /// The container that ffprobe calls `name`, which is a list of names for some.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let first = name.split(',').next()?;
        Self::ALL.into_iter().find(|kind| kind.demuxer() == first)
    }

    /// Whether a place in the film can be found exactly without reading all before it.
    pub const fn has_index(self) -> bool {
        matches!(self, Self::Mov | Self::Matroska)
    }

    /// Whether its header says how long the film is, rather than ffmpeg guessing.
    pub(crate) const fn says_duration(self) -> bool {
        matches!(self, Self::Mov | Self::Matroska | Self::Avi | Self::Flv)
    }
}

/// Codecs of pictures and the decoder of each. Where versions of ffmpeg differ, both names are given.
///
/// Left out, though ffmpeg may decode them: Indeo, `RealVideo` and recorders of screens of their own (TSCC, ZMBV), which
/// hardly anybody has; and Dolby Vision over AV1 without a layer that others can show (`dav1`), whose colours no free
/// program converts.
const PICTURES: &[(&str, &str)] = &[
    ("h264", "h264"),
    ("hevc", "hevc"),
    ("vp8", "vp8"),
    ("vp9", "vp9"),
    ("av1", "libdav1d"),
    ("mpeg1video", "mpeg1video"),
    ("mpeg2video", "mpeg2video"),
    ("mpeg4", "mpeg4"),
    ("msmpeg4v2", "msmpeg4v2"),
    ("msmpeg4v3", "msmpeg4"),
    ("h263", "h263"),
    ("flv1", "flv"),
    ("mjpeg", "mjpeg"),
    ("prores", "prores"),
    ("dvvideo", "dvvideo"),
    ("theora", "theora"),
    ("ffv1", "ffv1"),
    // Of editing programs and film scanners.
    ("dnxhd", "dnxhd"),
    ("cfhd", "cfhd"),
    ("jpeg2000", "jpeg2000,libopenjpeg"),
    ("v210", "v210"),
    ("rawvideo", "rawvideo"),
    ("huffyuv", "huffyuv"),
    ("ffvhuff", "ffvhuff"),
    ("utvideo", "utvideo"),
    ("png", "png"),
    // Of the QuickTime, Windows and Flash of old.
    ("qtrle", "qtrle"),
    ("cinepak", "cinepak"),
    ("rpza", "rpza"),
    ("smc", "smc"),
    ("svq1", "svq1"),
    ("svq3", "svq3"),
    ("msvideo1", "msvideo1"),
    ("msrle", "msrle"),
    ("msmpeg4v1", "msmpeg4v1"),
    ("wmv1", "wmv1"),
    ("wmv2", "wmv2"),
    ("wmv3", "wmv3"),
    ("vc1", "vc1"),
    ("vp6", "vp6"),
    ("vp6f", "vp6f"),
    ("flashsv", "flashsv"),
];

/// Codecs of sound and the decoder of each.
const SOUNDS: &[(&str, &str)] = &[
    ("aac", "aac"),
    ("aac_latm", "aac_latm"),
    ("mp3", "mp3float,mp3"),
    ("mp2", "mp2,mp2float"),
    ("mp1", "mp1,mp1float"),
    ("ac3", "ac3"),
    ("eac3", "eac3"),
    ("dts", "dca"),
    ("opus", "opus"),
    ("vorbis", "vorbis"),
    ("flac", "flac"),
    ("alac", "alac"),
    ("amr_nb", "amrnb"),
    ("amr_wb", "amrwb"),
    ("adpcm_ima_qt", "adpcm_ima_qt"),
    ("adpcm_ima_wav", "adpcm_ima_wav"),
    ("adpcm_ms", "adpcm_ms"),
    ("adpcm_swf", "adpcm_swf"),
    ("wmav1", "wmav1"),
    ("wmav2", "wmav2"),
    ("wmapro", "wmapro"),
    ("wmalossless", "wmalossless"),
    ("wmavoice", "wmavoice"),
    ("truehd", "truehd"),
    ("nellymoser", "nellymoser"),
    ("qdm2", "qdm2"),
    ("mace3", "mace3"),
    ("mace6", "mace6"),
    ("pcm_u8", "pcm_u8"),
    ("pcm_s8", "pcm_s8"),
    ("pcm_s16le", "pcm_s16le"),
    ("pcm_s16be", "pcm_s16be"),
    ("pcm_s24le", "pcm_s24le"),
    ("pcm_s24be", "pcm_s24be"),
    ("pcm_s32le", "pcm_s32le"),
    ("pcm_s32be", "pcm_s32be"),
    ("pcm_f32le", "pcm_f32le"),
    ("pcm_f32be", "pcm_f32be"),
    ("pcm_f64le", "pcm_f64le"),
    ("pcm_f64be", "pcm_f64be"),
    ("pcm_alaw", "pcm_alaw"),
    ("pcm_mulaw", "pcm_mulaw"),
    ("pcm_bluray", "pcm_bluray"),
    ("pcm_dvd", "pcm_dvd"),
];

/// Codecs of subtitles that are text, and the decoder of each.
const SUBTITLES: &[(&str, &str)] = &[
    ("mov_text", "mov_text"),
    ("subrip", "srt,subrip"),
    ("ass", "ssa,ass"),
    ("ssa", "ssa,ass"),
    ("webvtt", "webvtt"),
];

/// Decoders of what lies beside films and is left out: covers and subtitles that are pictures.
/// ffprobe ends with an error when it may not open one of them.
const BESIDE: &[&str] = &[
    "png", "pgssub", "dvdsub", "dvbsub", "xsub", "text", "cc_dec",
];

/// The decoder of a codec of pictures; `None` for one that is not decoded.
pub(crate) fn picture_decoder(codec: &str) -> Option<&'static str> {
    find(PICTURES, codec)
}

/// The decoder of a codec of sound; `None` for one that is not decoded.
pub(crate) fn sound_decoder(codec: &str) -> Option<&'static str> {
    find(SOUNDS, codec)
}

/// The decoder of a codec of text; `None` for one that is not decoded.
pub(crate) fn subtitle_decoder(codec: &str) -> Option<&'static str> {
    find(SUBTITLES, codec)
}

fn find(table: &[(&str, &'static str)], codec: &str) -> Option<&'static str> {
    let entry = table.iter().find(|(name, _)| *name == codec)?;
    Some(entry.1)
}

/// What looks may open that show tracks; encodes open no more than they need. `container` is `None`
/// while it is not known.
pub(crate) fn looks(container: Option<Container>) -> Allowed {
    let containers = container.map_or(Container::ALL.to_vec(), |known| vec![known]);
    Allowed {
        demuxers: containers
            .iter()
            .map(|kind| kind.demuxer().to_owned())
            .collect(),
        decoders: decoders(),
        begins_at: None,
    }
}

/// Every decoder that a look may open.
pub(crate) fn decoders() -> Vec<String> {
    let tables = [PICTURES, SOUNDS, SUBTITLES].concat();
    let decoders = tables.iter().map(|(_, decoder)| decoder);
    decoders
        .chain(BESIDE)
        .map(|name| (*name).to_owned())
        .collect()
}
