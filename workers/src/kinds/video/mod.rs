//! Films: what cameras and telephones write in, HLS with posters, a preview and a storyboard out.
//!
//! How films are worked on is the crate `video`'s; here its tasks become tasks of the engine, and its files objects.

pub mod check;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod render;
mod served;

use std::path::PathBuf;

use media::limits::Limits;
use tempfile::TempDir;
use video::probe::VideoLimits;
use workflows::StepError;

pub use plan::Unit;
pub use probe::Probe;
pub use render::Output;

use crate::errors;
use crate::kinds::Source;
use crate::tools::Context;

/// The domain's limits, as the library knows them.
fn limits(limits: &Limits) -> VideoLimits {
    VideoLimits {
        size_bytes: limits.max_file_bytes,
        duration_seconds: limits.max_video_seconds,
        pixels: limits.max_video_pixels,
        ..VideoLimits::default()
    }
}

/// A film on the disk of this machine, and beside it a folder to work in. Both go with the value.
struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// Brings the film here. All of it is copied from storage unless this machine has it.
    async fn new(context: &Context, source: &Source) -> Result<Self, StepError> {
        let workplace = Self {
            folder: context.folder()?,
        };
        let disk = |error| errors::machine("cannot make a scratch folder", error);
        std::fs::create_dir(workplace.scratch()).map_err(disk)?;
        context.link(source, &workplace.film()).await?;
        Ok(workplace)
    }

    /// The film. A tool may only read it: it is not in the folder that the tool writes to.
    fn film(&self) -> PathBuf {
        self.folder.path().join("film")
    }

    /// Where a tool writes.
    fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }
}
