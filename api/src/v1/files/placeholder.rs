//! What to show of a file while its picture is loading.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use media::Placeholder;
use poem_openapi::Object;

/// What to show while a picture is loading.
#[derive(Debug, Object)]
#[oai(rename = "Placeholder")]
pub struct PlaceholderView {
    /// A blurred version of it in a few bytes: a [thumbhash](https://evanw.github.io/thumbhash/), in Base64.
    #[oai(validator(max_length = 36, pattern = "^[A-Za-z0-9+/]+={0,2}$"))]
    pub thumbhash: String,
    /// Its dominant colour, as in CSS.
    #[oai(validator(pattern = "^#[0-9a-f]{6}$"))]
    pub color: String,
}

impl From<Placeholder> for PlaceholderView {
    fn from(placeholder: Placeholder) -> Self {
        Self {
            thumbhash: STANDARD.encode(&placeholder.thumbhash),
            color: placeholder.color.to_string(),
        }
    }
}
