//! The formats of documents.

use serde::{Deserialize, Serialize};

use super::Capabilities;

/// A format of documents that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFormat {
    /// PDF (ISO 32000-2).
    Pdf,
}

impl DocumentFormat {
    /// Every accepted one.
    pub const ALL: [Self; 1] = [Self::Pdf];

    /// The table of documents. Nothing of one is served as it came, so what follows its end does no harm: the limit of
    /// all bytes is enough.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Pdf => Capabilities {
                name: "PDF",
                mime_type: "application/pdf",
                misnomers: &["application/x-pdf"],
                extensions: &["pdf"],
                max_trailing_bytes: u64::MAX,
            },
        }
    }
}
