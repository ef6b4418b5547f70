//! Decoders: everything that touches the pixels of bytes we do not trust.
//!
//! The crate has two sides. The service calls [`Launcher`], which starts a child process for one
//! request and reads its answer. The child ([`child::main`], reached through a hidden subcommand)
//! gives up every right it does not need ([`confine`]) and only then looks at the bytes
//! ([`image`]). A decoder that is taken over by its input can therefore burn its own CPU budget
//! and write a wrong picture into files that were opened for it, and nothing else.
//!
//! This crate is not the place for policy (which types a user may upload), for storage, or for
//! the system's own tools such as ffmpeg.

pub mod child;
pub mod confine;
mod error;
pub mod image;
mod launch;
mod limits;
mod protocol;

pub use confine::Sandbox;
pub use error::{DecodeError, RejectCode, Rejection, Resource};
pub use image::{
    ColorProfile, Format, ImageProbe, Orientation, OutputSpec, RenderPlan, RenderedImage,
};
pub use launch::Launcher;
pub use limits::ImageLimits;
