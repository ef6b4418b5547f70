//! What may come in and what goes out, as closed enums: adding a case makes the compiler list what must answer.

mod audio;
mod document;
mod video;

use serde::{Deserialize, Serialize};

pub use self::audio::AudioFormat;
pub use self::document::DocumentFormat;
pub use self::video::{VideoFamily, VideoFormat};

/// A family of formats: what is asked of a file, what is made of it and how that is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Still or animated raster images.
    Image,
    /// Films: moving pictures, with sound or without.
    Video,
    /// Sounds alone.
    Audio,
    /// Pages.
    Document,
}

/// A format we accept. Everything else is `unsupported_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputFormat {
    /// Of an image.
    Image(ImageFormat),
    /// Of a film.
    Video(VideoFormat),
    /// Of a sound.
    Audio(AudioFormat),
    /// Of a document.
    Document(DocumentFormat),
}

/// A format of images that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFormat {
    /// Baseline and progressive JPEG (ITU-T T.81), 8 bit, Huffman coded.
    Jpeg,
    /// PNG (ISO/IEC 15948), still and animated.
    Png,
    /// WebP (RFC 9649), lossy and lossless, still and animated.
    Webp,
    /// GIF 87a and 89a, still and animated.
    Gif,
    /// AVIF: HEIF with AV1, still and animated.
    Avif,
    /// HEIC: HEIF (ISO/IEC 23008-12) with HEVC. Of a sequence the first picture.
    Heic,
    /// TIFF 6.0 and `BigTIFF`. Of several pages the first.
    Tiff,
    /// BMP of Windows and OS/2.
    Bmp,
    /// JPEG XL (ISO/IEC 18181), still and animated.
    Jxl,
}

/// What is known of a format, all in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// As people call it.
    pub name: &'static str,
    /// The registered media type.
    pub mime_type: &'static str,
    /// What else clients call it.
    pub misnomers: &'static [&'static str],
    /// Usual file name extensions, the preferred one first.
    pub extensions: &'static [&'static str],
    /// Bytes that may follow the end of the content. More is kept for ever, served to nobody, and paid for by us.
    pub max_trailing_bytes: u64,
}

/// A row of the tables of films and sounds. Nothing of them is served as it came, so what follows their end does no harm:
/// the limit of all bytes is enough.
const fn whole_stream(
    name: &'static str,
    mime_type: &'static str,
    misnomers: &'static [&'static str],
    extensions: &'static [&'static str],
) -> Capabilities {
    capabilities((name, mime_type), misnomers, extensions, u64::MAX)
}

const MIB: u64 = 1 << 20;

impl ImageFormat {
    /// Every accepted one.
    pub const ALL: [Self; 9] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Avif,
        Self::Heic,
        Self::Tiff,
        Self::Bmp,
        Self::Jxl,
    ];

    /// The table of image formats.
    pub const fn capabilities(self) -> Capabilities {
        // Phones put the film of a motion photo, second pictures and depth maps behind a JPEG. Behind the others stands
        // nothing but what got there by mistake; the end of the last five is not known, for what is in them lies where
        // their tables say.
        match self {
            Self::Jpeg => capabilities(
                ("JPEG", "image/jpeg"),
                JPEG_NAMES,
                &["jpg", "jpeg"],
                64 * MIB,
            ),
            Self::Png => capabilities(("PNG", "image/png"), PNG_NAMES, &["png"], MIB),
            Self::Webp => capabilities(("WebP", "image/webp"), &["image/x-webp"], &["webp"], MIB),
            Self::Gif => capabilities(("GIF", "image/gif"), &["image/x-gif"], &["gif"], MIB),
            Self::Avif => capabilities(
                ("AVIF", "image/avif"),
                AVIF_NAMES,
                &["avif", "avifs"],
                u64::MAX,
            ),
            Self::Heic => capabilities(
                ("HEIC", "image/heic"),
                HEIC_NAMES,
                HEIC_EXTENSIONS,
                u64::MAX,
            ),
            Self::Tiff => capabilities(
                ("TIFF", "image/tiff"),
                TIFF_NAMES,
                &["tif", "tiff"],
                u64::MAX,
            ),
            Self::Bmp => capabilities(("BMP", "image/bmp"), BMP_NAMES, &["bmp", "dib"], u64::MAX),
            Self::Jxl => capabilities(
                ("JPEG XL", "image/jxl"),
                &["image/x-jxl"],
                &["jxl"],
                u64::MAX,
            ),
        }
    }
}

const JPEG_NAMES: &[&str] = &["image/jpg", "image/pjpeg", "image/x-citrix-jpeg"];
const PNG_NAMES: &[&str] = &["image/apng", "image/x-png", "image/x-citrix-png"];
const AVIF_NAMES: &[&str] = &["image/avif-sequence"];
const HEIC_NAMES: &[&str] = &[
    "image/heif",
    "image/heic-sequence",
    "image/heif-sequence",
    "image/x-heic",
    "image/x-heif",
];
const HEIC_EXTENSIONS: &[&str] = &["heic", "heif", "hif"];
const TIFF_NAMES: &[&str] = &["image/tif", "image/x-tiff", "image/x-tif"];
const BMP_NAMES: &[&str] = &["image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"];

const fn capabilities(
    (name, mime_type): (&'static str, &'static str),
    misnomers: &'static [&'static str],
    extensions: &'static [&'static str],
    max_trailing_bytes: u64,
) -> Capabilities {
    Capabilities {
        name,
        mime_type,
        misnomers,
        extensions,
        max_trailing_bytes,
    }
}

impl InputFormat {
    /// Every accepted format.
    pub fn all() -> impl Iterator<Item = Self> {
        let images = ImageFormat::ALL.into_iter().map(Self::Image);
        let films = VideoFormat::ALL.into_iter().map(Self::Video);
        let sounds = AudioFormat::ALL.into_iter().map(Self::Audio);
        let documents = DocumentFormat::ALL.into_iter().map(Self::Document);
        images.chain(films).chain(sounds).chain(documents)
    }

    /// What is known of it.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Image(format) => format.capabilities(),
            Self::Video(format) => format.capabilities(),
            Self::Audio(format) => format.capabilities(),
            Self::Document(format) => format.capabilities(),
        }
    }

    /// The registered media type.
    pub const fn mime_type(self) -> &'static str {
        self.capabilities().mime_type
    }

    /// Usual file name extensions, the preferred one first.
    pub const fn extensions(self) -> &'static [&'static str] {
        self.capabilities().extensions
    }

    /// The family it belongs to.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Image(_) => Kind::Image,
            Self::Video(_) => Kind::Video,
            Self::Audio(_) => Kind::Audio,
            Self::Document(_) => Kind::Document,
        }
    }

    /// Whether a client who declared `declared` meant this format: cameras, recorders and browsers name the members of
    /// one family of containers for each other, whether there is a picture in them or not.
    pub fn is_meant_by(self, declared: Self) -> bool {
        match (self, declared) {
            (Self::Video(found), Self::Video(declared)) => found.family() == declared.family(),
            (Self::Audio(sound), Self::Video(film)) | (Self::Video(film), Self::Audio(sound)) => {
                sound.film_family() == Some(film.family())
            }
            (Self::Audio(_), Self::Audio(_)) => true,
            _ => self == declared,
        }
    }

    /// The format a client declared, by media type. Case and parameters do not matter (RFC 9110 §8.3.1); common
    /// misnomers are understood. `None` is a type we do not take.
    pub fn from_declared(mime: &str) -> Option<Self> {
        let essence = mime.split(';').next().unwrap_or_default().trim();
        let is = |name: &&str| name.eq_ignore_ascii_case(essence);
        Self::all().find(|format| {
            let capabilities = format.capabilities();
            is(&capabilities.mime_type) || capabilities.misnomers.iter().any(is)
        })
    }
}

/// A format we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "variant_format", rename_all = "snake_case")]
pub enum OutputFormat {
    /// WebP (RFC 9649).
    Webp,
    /// A playlist of HTTP Live Streaming (RFC 8216).
    Hls,
    /// `WebVTT`: texts with the times at which they hold.
    Vtt,
    /// AAC in MP4, to be played while it is fetched.
    M4a,
    /// Numbers.
    Json,
    /// AVIF (AV1 Image File Format).
    Avif,
    /// JPEG, where WebP cannot hold what is to be kept.
    Jpeg,
    /// H.264 and AAC in MP4, to be played while it is fetched.
    Mp4,
}

impl OutputFormat {
    /// The media type it is served with.
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Hls => "application/vnd.apple.mpegurl",
            Self::Vtt => "text/vtt",
            Self::M4a => "audio/mp4",
            Self::Json => "application/json",
            Self::Avif => "image/avif",
            Self::Jpeg => "image/jpeg",
            Self::Mp4 => "video/mp4",
        }
    }

    /// File name extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Hls => "m3u8",
            Self::Vtt => "vtt",
            Self::M4a => "m4a",
            Self::Json => "json",
            Self::Avif => "avif",
            Self::Jpeg => "jpg",
            Self::Mp4 => "mp4",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ImageFormat, InputFormat};

    #[test]
    fn declared_types_are_read_leniently_and_matched_strictly() {
        for format in InputFormat::all() {
            assert_eq!(InputFormat::from_declared(format.mime_type()), Some(format));
        }
        assert_eq!(
            InputFormat::from_declared("IMAGE/JPG; q=1"),
            Some(InputFormat::Image(ImageFormat::Jpeg))
        );
        for other in [
            "",
            "image",
            "image/",
            "image/svg+xml",
            "text/html",
            "image/jpeg2",
        ] {
            assert_eq!(InputFormat::from_declared(other), None, "{other}");
        }
    }
}
