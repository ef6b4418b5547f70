//! The refusals that decoders make. The message says where the decoder stopped and why.

use media::{Rejection, RejectionCode};

/// The container or its pixel data is broken or cut short.
pub(super) fn corrupt(message: impl Into<String>) -> Rejection {
    Rejection::new(RejectionCode::Malformed, message)
}

/// Not an image, or a kind of image that is not decoded here.
pub(super) fn unsupported(measured: impl Into<String>) -> Rejection {
    let measured = measured.into();
    let message = format!("{measured} is not decoded here");
    Rejection::new(RejectionCode::UnsupportedType, message).measured(measured)
}

/// More of something than allowed.
pub(super) fn over(code: RejectionCode, limit: u64, measured: u64, unit: &str) -> Rejection {
    let message = format!("{measured} {unit}, at most {limit} allowed");
    Rejection::new(code, message)
        .limit(format!("{limit} {unit}"))
        .measured(format!("{measured} {unit}"))
}
