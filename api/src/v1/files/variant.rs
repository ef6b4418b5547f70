//! How a variant of a file looks to its owner.

use media::keys;
use media::variants::Variant;
use poem_openapi::Object;

use super::placeholder::PlaceholderView;
use crate::contract::Count;
use crate::v1::codes::VariantKind;

/// A derived output of a file.
#[derive(Debug, Object)]
#[oai(rename = "Variant", skip_serializing_if_is_none)]
pub struct VariantView {
    /// Purpose of the variant.
    pub kind: VariantKind,
    /// The media type it is served with.
    pub content_type: String,
    /// Width in pixels, of what has a picture.
    #[oai(validator(minimum(value = "1")))]
    pub width: Option<i32>,
    /// Height in pixels, of what has a picture.
    #[oai(validator(minimum(value = "1")))]
    pub height: Option<i32>,
    /// The number of the page that it shows, from 1, of a document.
    #[oai(validator(minimum(value = "1")))]
    pub page: Option<i32>,
    /// What to show while it is loading, of a page of a document. Of other files there is one for all variants.
    pub placeholder: Option<PlaceholderView>,
    /// Bits per second, of what has a duration.
    pub bitrate: Option<Count>,
    /// Size in bytes.
    pub size_bytes: Count,
    /// Where it is served, for ever unchanged.
    pub url: String,
}

impl VariantView {
    /// A variant with its address.
    pub fn new(variant: Variant, cdn_base_url: &str) -> Self {
        Self {
            kind: variant.kind.into(),
            content_type: variant.format.mime_type().into(),
            width: variant.width,
            height: variant.height,
            page: variant.page,
            placeholder: variant.placeholder.map(Into::into),
            bitrate: variant.bitrate.map(Into::into),
            size_bytes: variant.size_bytes.into(),
            url: keys::served_url(cdn_base_url, &variant.storage_path),
        }
    }
}
