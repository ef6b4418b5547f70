//! The formats of documents.

use serde::{Deserialize, Serialize};

use super::{Capabilities, whole_stream};

/// A format of documents that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentFormat {
    /// PDF (ISO 32000-2).
    Pdf,
    /// Plain text in UTF-8, in UTF-16 with its mark, or in Latin-1.
    Text,
    /// Markdown, shown as it is written.
    Markdown,
    /// Values separated by commas (RFC 4180), shown as they are written.
    Csv,
}

impl DocumentFormat {
    /// Every accepted one.
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Text, Self::Markdown, Self::Csv];

    /// The table of documents. Nothing of one is served as it came, so what follows its end does no harm: the limit of
    /// all bytes is enough.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Pdf => whole_stream("PDF", "application/pdf", &["application/x-pdf"], &["pdf"]),
            Self::Text => whole_stream("Text", "text/plain", &[], &["txt", "text", "log"]),
            Self::Markdown => whole_stream(
                "Markdown",
                "text/markdown",
                &["text/x-markdown"],
                &["md", "markdown"],
            ),
            Self::Csv => whole_stream(
                "CSV",
                "text/csv",
                &[
                    "text/x-csv",
                    "application/csv",
                    "text/comma-separated-values",
                ],
                &["csv"],
            ),
        }
    }

    /// Whether nothing but what its sender says tells it from other formats.
    pub const fn is_text(self) -> bool {
        !matches!(self, Self::Pdf)
    }
}
