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
    /// Values separated by commas, semicolons, tabs or bars (RFC 4180), shown as a table.
    Csv,
    /// Word since 2007 (ISO/IEC 29500).
    Docx,
    /// Excel since 2007 (ISO/IEC 29500).
    Xlsx,
    /// PowerPoint since 2007 (ISO/IEC 29500).
    Pptx,
    /// OpenDocument text (ISO/IEC 26300).
    Odt,
    /// OpenDocument spreadsheet (ISO/IEC 26300).
    Ods,
    /// OpenDocument presentation (ISO/IEC 26300).
    Odp,
    /// Word until 2007 (MS-DOC).
    Doc,
    /// Excel until 2007 (MS-XLS).
    Xls,
    /// PowerPoint until 2007 (MS-PPT).
    Ppt,
    /// Rich Text Format.
    Rtf,
}

impl DocumentFormat {
    /// Every accepted one.
    pub const ALL: [Self; 14] = [
        Self::Pdf,
        Self::Text,
        Self::Markdown,
        Self::Csv,
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Odt,
        Self::Ods,
        Self::Odp,
        Self::Doc,
        Self::Xls,
        Self::Ppt,
        Self::Rtf,
    ];

    /// The table of documents. Nothing of one is served as it came, so what follows its end does no harm: the limit of
    /// all bytes is enough.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Pdf => PDF,
            Self::Text => TEXT,
            Self::Markdown => MARKDOWN,
            Self::Csv => CSV,
            Self::Docx => DOCX,
            Self::Xlsx => XLSX,
            Self::Pptx => PPTX,
            Self::Odt => ODT,
            Self::Ods => ODS,
            Self::Odp => ODP,
            Self::Doc => DOC,
            Self::Xls => XLS,
            Self::Ppt => PPT,
            Self::Rtf => RTF,
        }
    }

    /// Whether nothing but what its sender says tells it from other formats.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Markdown | Self::Csv)
    }

    /// Whether it is of an office program, and becomes a PDF first.
    pub const fn is_office(self) -> bool {
        !self.is_text() && !matches!(self, Self::Pdf)
    }
}

const PDF: Capabilities = whole_stream("PDF", "application/pdf", &["application/x-pdf"], &["pdf"]);
const TEXT: Capabilities = whole_stream("Text", "text/plain", &[], &["txt", "text", "log"]);
const MARKDOWN: Capabilities = whole_stream(
    "Markdown",
    "text/markdown",
    &["text/x-markdown"],
    &["md", "markdown"],
);
const CSV: Capabilities = whole_stream(
    "CSV",
    "text/csv",
    &[
        "text/x-csv",
        "application/csv",
        "text/comma-separated-values",
        "text/tab-separated-values",
    ],
    &["csv", "tsv"],
);

// Of office programs; with macros, which never run here, and templates: the same format by other names.
const DOCX: Capabilities = whole_stream(
    "Word",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    &[
        "application/vnd.openxmlformats-officedocument.wordprocessingml.template",
        "application/vnd.ms-word.document.macroEnabled.12",
        "application/vnd.ms-word.template.macroEnabled.12",
    ],
    &["docx", "docm", "dotx", "dotm"],
);
const XLSX: Capabilities = whole_stream(
    "Excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    &[
        "application/vnd.openxmlformats-officedocument.spreadsheetml.template",
        "application/vnd.ms-excel.sheet.macroEnabled.12",
        "application/vnd.ms-excel.sheet.binary.macroEnabled.12",
        "application/vnd.ms-excel.template.macroEnabled.12",
    ],
    &["xlsx", "xlsm", "xlsb", "xltx"],
);
const PPTX: Capabilities = whole_stream(
    "PowerPoint",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    &[
        "application/vnd.openxmlformats-officedocument.presentationml.slideshow",
        "application/vnd.openxmlformats-officedocument.presentationml.template",
        "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
        "application/vnd.ms-powerpoint.slideshow.macroEnabled.12",
    ],
    &["pptx", "pptm", "ppsx", "potx"],
);
const ODT: Capabilities = whole_stream(
    "OpenDocument text",
    "application/vnd.oasis.opendocument.text",
    &["application/vnd.oasis.opendocument.text-template"],
    &["odt", "ott"],
);
const ODS: Capabilities = whole_stream(
    "OpenDocument spreadsheet",
    "application/vnd.oasis.opendocument.spreadsheet",
    &["application/vnd.oasis.opendocument.spreadsheet-template"],
    &["ods", "ots"],
);
const ODP: Capabilities = whole_stream(
    "OpenDocument presentation",
    "application/vnd.oasis.opendocument.presentation",
    &["application/vnd.oasis.opendocument.presentation-template"],
    &["odp", "otp"],
);
const DOC: Capabilities = whole_stream(
    "Word until 2007",
    "application/msword",
    &[],
    &["doc", "dot"],
);
const XLS: Capabilities = whole_stream(
    "Excel until 2007",
    "application/vnd.ms-excel",
    &["application/msexcel", "application/x-msexcel"],
    &["xls", "xlt"],
);
const PPT: Capabilities = whole_stream(
    "PowerPoint until 2007",
    "application/vnd.ms-powerpoint",
    &["application/mspowerpoint"],
    &["ppt", "pps", "pot"],
);
const RTF: Capabilities = whole_stream(
    "RTF",
    "application/rtf",
    &["text/rtf", "text/richtext", "application/x-rtf"],
    &["rtf"],
);
