//! What a user of the crate would notice, on generated pictures and in real child processes.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod animations;
mod avif;
mod broken;
mod cases;
mod children;
mod color_matrix;
mod colors;
mod documents;
mod fixtures;
mod gain_maps;
mod heif;
mod heif_boxes;
mod heif_gain_maps;
mod jpeg_layouts;
mod jxl;
mod office;
mod padding;
mod partial;
mod peers;
mod pictures;
mod placeholders;
mod probing;
mod rights;
mod structures;
