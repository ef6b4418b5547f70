//! ffprobe's JSON, as it is written. Nothing here is believed yet.

use serde::Deserialize;

/// What ffprobe prints of a file, as far as it is used.
#[derive(Deserialize)]
pub struct Report {
    #[serde(default)]
    pub streams: Vec<Stream>,
    #[serde(default)]
    pub chapters: Vec<Chapter>,
    pub format: Format,
}

/// The container, as ffprobe names it. Its numbers are texts.
#[derive(Deserialize)]
pub struct Format {
    #[serde(rename = "format_name")]
    pub name: String,
    pub start_time: Option<String>,
    pub duration: Option<String>,
}

/// A track, of whatever kind.
#[derive(Deserialize)]
pub struct Stream {
    pub index: u32,
    pub codec_type: Option<String>,
    pub codec_name: Option<String>,
    #[serde(default)]
    pub codec_tag_string: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub sample_aspect_ratio: Option<String>,
    pub pix_fmt: Option<String>,
    pub field_order: Option<String>,
    pub color_space: Option<String>,
    pub color_transfer: Option<String>,
    pub color_primaries: Option<String>,
    pub r_frame_rate: Option<String>,
    pub avg_frame_rate: Option<String>,
    pub duration: Option<String>,
    pub nb_frames: Option<String>,
    pub channels: Option<u32>,
    pub sample_rate: Option<String>,
    #[serde(default)]
    pub disposition: Disposition,
    #[serde(default)]
    pub tags: Tags,
    #[serde(default)]
    pub side_data_list: Vec<SideData>,
}

/// What a track is meant for; each is 0 or 1.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Disposition {
    pub default: u8,
    pub forced: u8,
    pub attached_pic: u8,
    pub still_image: u8,
    pub timed_thumbnails: u8,
}

/// What people wrote about a track.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Tags {
    pub language: Option<String>,
    pub title: Option<String>,
}

/// What stands beside a track, such as its display matrix.
#[derive(Deserialize)]
pub struct SideData {
    pub rotation: Option<f64>,
}

/// A chapter; its times are seconds, as texts.
#[derive(Deserialize)]
pub struct Chapter {
    pub start_time: Option<String>,
    pub end_time: Option<String>,
}
