//! Documents: pictures of the first pages out. Those of office programs become a PDF first.

pub mod check;
mod office;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod render;

use codecs::DocumentLimits;
use media::limits::Limits;

pub use plan::Unit;
pub use probe::Probe;
pub use render::Output;

/// The domain's limits, as the decoders know them.
fn limits(limits: &Limits) -> DocumentLimits {
    DocumentLimits {
        max_input_bytes: limits.max_file_bytes,
        ..DocumentLimits::default()
    }
}
