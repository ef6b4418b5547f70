//! Codecs: everything that touches the content of bytes we do not trust. A folder for each kind of media.
//!
//! The crate has two sides. The service calls [`Decoders`], which has each request done by a child process in the
//! sandbox. The child ([`child_main`], reached through a hidden subcommand) is confined first and looks at the bytes
//! then ([`image`], [`document`]). LibreOffice gets a child to itself ([`document::office`]).
//!
//! What this is not: it is not the place for policy (which types a user may upload), for storage, or for the system's
//! own tools such as ffmpeg.

mod avif;
mod decoders;
pub mod document;
mod ffmpeg;
mod hevc;
pub mod image;
mod job;

pub use decoders::Decoders;
pub use document::office::{LibreOffice, OfficeError};
pub use document::{DocumentLimits, DocumentProbe};
pub use image::{
    ColorProfile, Encoding, HDR_FILE, HdrPlan, ImageLimits, ImageProbe, Orientation, OutputSpec,
    RenderPlan, Rendered, RenderedImage, full_size,
};
pub use job::child_main;

/// A decode that gave no result. The variant says whose fault it is.
pub type DecodeError = sandbox::SandboxError<media::Rejection>;
