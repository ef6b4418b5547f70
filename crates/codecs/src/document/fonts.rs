//! The fonts that are built in: for texts, and for what a PDF does not bring along.

use std::sync::Arc;

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::font::{FallbackFontQuery, FontData, FontQuery};

/// A font that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// For texts: all letters of one width.
    Mono,
    /// For Chinese, Japanese and Korean.
    EastAsian,
}

impl Face {
    /// By which it is asked for in documents that are typeset here.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mono => "BuiltInText",
            Self::EastAsian => "BuiltInEastAsian",
        }
    }

    /// The file; of a collection, its first font is meant.
    pub(super) const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Mono => include_bytes!("../../fonts/DejaVuSansMono.ttf"),
            Self::EastAsian => include_bytes!("../../fonts/wqy-microhei.ttc"),
        }
    }

    /// Which one stands in for a font that is not there.
    fn instead_of(wanted: &FallbackFontQuery) -> Option<Self> {
        let is_named = |face: &Self| wanted.post_script_name.as_deref() == Some(face.name());
        let collection = wanted.character_collection.as_ref();
        let is_east_asian =
            collection.is_some_and(|collection| collection.family.ucs2_cmap().is_some());
        [Self::Mono, Self::EastAsian]
            .into_iter()
            .find(is_named)
            .or_else(|| is_east_asian.then_some(Self::EastAsian))
    }

    fn data(self) -> (FontData, u32) {
        (Arc::new(self.bytes()), 0)
    }
}

/// Everything is drawn that viewers draw, annotations and filled-in forms too.
pub(super) fn settings() -> InterpreterSettings {
    let mut settings = InterpreterSettings::default();
    let standard = Arc::clone(&settings.font_resolver);
    settings.font_resolver = Arc::new(move |query| match query {
        FontQuery::Standard(_) => standard(query),
        FontQuery::Fallback(wanted) => {
            Face::instead_of(wanted).map_or_else(|| standard(query), |face| Some(face.data()))
        }
    });
    settings
}
