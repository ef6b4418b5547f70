//! What is made beside what is always made, by configuration.

use settings::Reader;

/// Which outputs are asked for. None, unless told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extras {
    /// Pictures as AVIF, too (`MEDIAMILL_IMAGE_AVIF`).
    pub image_avif: bool,
    /// Pictures that are brighter than white also with what makes them so (`MEDIAMILL_IMAGE_HDR`).
    pub image_hdr: bool,
    /// Films also as one MP4 (`MEDIAMILL_VIDEO_MP4`): the largest size whose shorter side has so many pixels at most.
    pub video_mp4: Option<u32>,
}

impl Extras {
    /// Reads the settings; mistakes are noted in the reader.
    pub fn from_env(reader: &mut Reader) -> Self {
        let side = reader.number_or("MEDIAMILL_VIDEO_MP4", 0..=4320, 0);
        Self {
            image_avif: reader.flag_or("MEDIAMILL_IMAGE_AVIF", false),
            image_hdr: reader.flag_or("MEDIAMILL_IMAGE_HDR", false),
            video_mp4: u32::try_from(side).ok().filter(|&side| side > 0),
        }
    }
}
