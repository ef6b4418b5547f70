//! Settings of a worker process.

use std::{path::PathBuf, thread::available_parallelism};

use ::settings::Reader;
use media::{files::Kept, recipes::Extras, type_rules::TypeRules};
use sandbox::Mode;
use scanner::{ClamdAddress, MAX_PIECE_BYTES, MIN_PIECE_BYTES};

use crate::queues;

/// What the steps need to know beyond the domain's own settings.
#[derive(Debug, Clone)]
pub struct WorkersConfig {
    /// Where clamd listens (`MEDIAMILL_CLAMD`).
    pub clamd: ClamdAddress,
    /// Most bytes that the scanner is given at once (`MEDIAMILL_SCAN_PIECE_BYTES`). Larger files are scanned in pieces that
    /// overlap. Must stay below clamd's own limits, or every file of more is refused as `not_scannable`.
    pub scan_piece_bytes: u64,
    /// Folder for local copies (`MEDIAMILL_SCRATCH_DIR`). Everything in it can be deleted.
    pub scratch_dir: PathBuf,
    /// Most bytes kept there between steps (`MEDIAMILL_SCRATCH_MAX_BYTES`).
    pub scratch_max_bytes: u64,
    /// Render tasks at once (`MEDIAMILL_RENDER_SLOTS`), one per processor unless told.
    pub render_slots: usize,
    /// Where LibreOffice is (`MEDIAMILL_LIBREOFFICE`).
    pub office: OfficeAt,
    /// Office documents that are opened at once (`MEDIAMILL_OFFICE_SLOTS`), each of which takes hundreds of megabytes.
    pub office_slots: usize,
    /// About how long the encoding of a piece of a film takes, in seconds of one processor
    /// (`MEDIAMILL_VIDEO_CHUNK_SECONDS`). Shorter pieces lose less with a worker, and cost more.
    pub video_chunk_seconds: u32,
    /// Of how many pages of a document pictures are made (`MEDIAMILL_DOCUMENT_PAGES`), counted from the first.
    pub document_pages: u32,
    /// Whether what is made of pictures says whose they are and how they may be used, as the file does
    /// (`MEDIAMILL_KEEP_RIGHTS`). Nothing else of what came with a file is kept in any case.
    pub keep_rights: bool,
    /// What is made beside what is always made.
    pub extras: Extras,
    /// Whether to refuse a scanner that has no official signatures (`MEDIAMILL_REQUIRE_SIGNATURES`).
    pub require_signatures: bool,
    /// What to do on a kernel that cannot confine decoders (`MEDIAMILL_SANDBOX`): `required`
    /// refuses, `best-effort` goes on with what there is.
    pub sandbox: Mode,
    /// For how long what was refused is kept.
    pub kept: Kept,
    /// Which types are taken.
    pub types: TypeRules,
}

/// Where LibreOffice is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OfficeAt {
    /// Among the programs of this machine. Where it is not, office documents are refused.
    #[default]
    Anywhere,
    /// Nowhere: office documents are refused.
    Off,
    /// Here, and it must be.
    Folder(PathBuf),
}

impl OfficeAt {
    /// Reads the setting.
    pub fn from_env(reader: &mut Reader) -> Self {
        match reader.optional("MEDIAMILL_LIBREOFFICE").as_deref() {
            None => Self::Anywhere,
            Some("off") => Self::Off,
            Some(path) => Self::Folder(path.into()),
        }
    }
}

impl WorkersConfig {
    /// Reads the settings; mistakes are noted in the reader.
    pub fn from_env(reader: &mut Reader) -> Self {
        let clamd = ClamdAddress::Unix("/run/clamav/clamd.ctl".into());
        let processors = available_parallelism().map_or(1, |n| n.get() as u64);
        let slots = reader.number_or("MEDIAMILL_RENDER_SLOTS", 1..=1024, processors);
        let office_slots = reader.number_or("MEDIAMILL_OFFICE_SLOTS", 1..=64, 1);
        let chunk_seconds = reader.number_or("MEDIAMILL_VIDEO_CHUNK_SECONDS", 0..=3600, 60);
        Self {
            clamd: reader.parsed_or("MEDIAMILL_CLAMD", clamd),
            scan_piece_bytes: reader.number_or(
                "MEDIAMILL_SCAN_PIECE_BYTES",
                MIN_PIECE_BYTES..=MAX_PIECE_BYTES,
                MAX_PIECE_BYTES,
            ),
            scratch_dir: reader.optional("MEDIAMILL_SCRATCH_DIR").map_or_else(
                || std::env::temp_dir().join("mediamill-scratch"),
                PathBuf::from,
            ),
            scratch_max_bytes: reader.number_or(
                "MEDIAMILL_SCRATCH_MAX_BYTES",
                1 << 20..=u64::MAX,
                8 << 30,
            ),
            render_slots: usize::try_from(slots).unwrap_or(1),
            office: OfficeAt::from_env(reader),
            office_slots: usize::try_from(office_slots).unwrap_or(1),
            video_chunk_seconds: u32::try_from(chunk_seconds).unwrap_or(60),
            document_pages: Self::document_pages(reader),
            keep_rights: Self::keep_rights(reader),
            extras: Extras::from_env(reader),
            require_signatures: reader.flag_or("MEDIAMILL_REQUIRE_SIGNATURES", false),
            sandbox: reader.parsed_or("MEDIAMILL_SANDBOX", Mode::default()),
            kept: Kept::from_env(reader),
            types: TypeRules::from_env(reader),
        }
    }

    /// Reads `MEDIAMILL_DOCUMENT_PAGES`. Each page is a task of its own: the bound is on those of one file.
    pub fn document_pages(reader: &mut Reader) -> u32 {
        let pages = reader.number_or("MEDIAMILL_DOCUMENT_PAGES", 1..=50, 1);
        u32::try_from(pages).unwrap_or(1)
    }

    /// Reads `MEDIAMILL_KEEP_RIGHTS`.
    pub fn keep_rights(reader: &mut Reader) -> bool {
        reader.flag_or("MEDIAMILL_KEEP_RIGHTS", false)
    }

    /// Slots of the route's queues. Without LibreOffice its tasks are left to other processes.
    pub fn queue_slots(&self, has_office: bool) -> Vec<(String, usize)> {
        let office_slots = if has_office { self.office_slots } else { 0 };
        vec![
            (queues::LIGHT.to_owned(), 8),
            // As many as clamd scans at once.
            (queues::SCAN.to_owned(), 4),
            (queues::RENDER.to_owned(), self.render_slots),
            (queues::OFFICE.to_owned(), office_slots),
        ]
    }
}
