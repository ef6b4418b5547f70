//! What may come in and what goes out, as closed enums: adding a case makes the compiler list what must answer.

use serde::{Deserialize, Serialize};

/// A family of formats that takes the same route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Still or animated raster images.
    Image,
}

/// A format we accept. Everything else is `unsupported_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputFormat {
    /// JPEG (ITU-T T.81).
    Jpeg,
    /// PNG (ISO/IEC 15948).
    Png,
    /// WebP (RFC 9649).
    Webp,
    /// GIF 87a and 89a.
    Gif,
}

impl InputFormat {
    /// Every accepted format.
    pub const ALL: [Self; 4] = [Self::Jpeg, Self::Png, Self::Webp, Self::Gif];

    /// The registered media type.
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// Usual file name extensions, the preferred one first.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Webp => &["webp"],
            Self::Gif => &["gif"],
        }
    }

    /// The route it takes.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Jpeg | Self::Png | Self::Webp | Self::Gif => Kind::Image,
        }
    }

    /// The format a client declared, by media type. Case and parameters do not matter (RFC 9110 §8.3.1); common
    /// misnomers are understood. `None` is a type we do not take.
    pub fn from_declared(mime: &str) -> Option<Self> {
        let essence = mime.split(';').next().unwrap_or_default().trim();
        let essence = essence.to_ascii_lowercase();
        match essence.as_str() {
            "image/jpg" | "image/pjpeg" => Some(Self::Jpeg),
            essence => Self::ALL
                .into_iter()
                .find(|format| format.mime_type() == essence),
        }
    }
}

/// A format we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OutputFormat {
    /// WebP (RFC 9649).
    Webp,
}

impl OutputFormat {
    /// Durable name, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webp => "webp",
        }
    }

    /// The media type it is served with.
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
        }
    }

    /// File name extension.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InputFormat;

    #[test]
    fn declared_types_are_read_leniently_and_matched_strictly() {
        for format in InputFormat::ALL {
            assert_eq!(InputFormat::from_declared(format.mime_type()), Some(format));
        }
        assert_eq!(
            InputFormat::from_declared("IMAGE/JPG; q=1"),
            Some(InputFormat::Jpeg)
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
