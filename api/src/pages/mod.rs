//! What browsers see: the upload page, the reference and the page of errors, all embedded in the binary.

mod asset;
pub mod docs;
pub mod errors;
pub mod upload;
