//! Whose a picture is and how it may be used: six fields, read from what came with the file and written anew. Nothing else
//! is taken over, and no byte is copied as it is.

mod iptc;
mod packet;
mod sources;
mod text;
mod xmp;

use media::formats::ImageFormat;

use self::sources::Sources;

pub(super) use self::packet::within;

/// Most names of creators.
const CREATORS: usize = 10;

/// The fields, as plain text (IPTC Photo Metadata Standard 2023.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    creators: Vec<String>,
    credit: Option<String>,
    copyright: Option<String>,
    usage_terms: Option<String>,
    /// An address.
    web_statement: Option<String>,
    licensor: Option<String>,
    /// The address of who licenses.
    licensor_url: Option<String>,
}

/// The packet that says them (XMP, ISO 16684-1), or nothing where a file says none.
pub(super) fn packet(file: &[u8], format: ImageFormat) -> Option<Vec<u8>> {
    let rights = Rights::of(&Sources::find(file, format));
    (rights != Rights::default()).then(|| packet::write(&rights))
}

impl Rights {
    /// Each field from where programs write it last: XMP, else IPTC-IIM, else Exif.
    fn of(sources: &Sources<'_>) -> Self {
        let mut rights = sources.xmp.as_deref().map(xmp::read).unwrap_or_default();
        if let Some(block) = &sources.iptc {
            rights.complete(iptc::read(block));
        }
        rights.complete(Self {
            creators: sources
                .artist
                .iter()
                .filter_map(|name| text::of(name))
                .collect(),
            copyright: sources.copyright.as_deref().and_then(text::first_of),
            ..Self::default()
        });
        rights.creators.truncate(CREATORS);
        rights
    }

    /// Takes over what is not there yet.
    fn complete(&mut self, other: Self) {
        if self.creators.is_empty() {
            self.creators = other.creators;
        }
        for (field, found) in [
            (&mut self.credit, other.credit),
            (&mut self.copyright, other.copyright),
            (&mut self.usage_terms, other.usage_terms),
            (&mut self.web_statement, other.web_statement),
        ] {
            *field = field.take().or(found);
        }
        if self.licensor.is_none() && self.licensor_url.is_none() {
            (self.licensor, self.licensor_url) = (other.licensor, other.licensor_url);
        }
    }
}
