//! What is done to every picture before it is scaled, and which colours it has.

use serde::{Deserialize, Serialize};

use crate::probe::VideoTrack;

/// The way from decoded pictures to plain ones: progressive, SDR, BT.709, 8 bit, 4:2:0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureWork {
    /// Which stream of the file.
    pub stream: u32,
    /// Two fields become one picture.
    pub deinterlace: bool,
    /// How colours are brought to BT.709.
    pub colours: Colours,
}

/// How colours come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Colours {
    /// SDR in a matrix that the scaler converts.
    Sdr(Matrix),
    /// SDR with the primaries of BT.2020.
    WideSdr,
    /// PQ (HDR10, HDR10+).
    Pq,
    /// HLG, and Dolby Vision 8.4 over it.
    Hlg,
}

/// The matrix between RGB and what is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// Of SD.
    Bt601,
    /// Of HD.
    Bt709,
    /// RGB itself, or grey.
    None,
}

impl PictureWork {
    pub(super) fn new(video: &VideoTrack) -> Self {
        Self {
            stream: video.index,
            deinterlace: video.interlaced,
            colours: colours(video),
        }
    }

    /// Whether pictures take the slow way through linear light.
    pub fn is_tone_mapped(&self) -> bool {
        !matches!(self.colours, Colours::Sdr(_))
    }
}

fn colours(video: &VideoTrack) -> Colours {
    let colour = &video.colour;
    let is_rgb = ["rgb", "bgr", "gbr", "argb", "abgr", "gray", "pal8"]
        .iter()
        .any(|name| video.pixel_format.starts_with(name));
    let says_rgb = colour.matrix.as_deref() == Some("gbr");
    match colour.transfer.as_deref() {
        _ if is_rgb || says_rgb => Colours::Sdr(Matrix::None),
        Some("smpte2084") => Colours::Pq,
        Some("arib-std-b67") => Colours::Hlg,
        _ if colour.primaries.as_deref() == Some("bt2020") => Colours::WideSdr,
        _ => Colours::Sdr(match colour.matrix.as_deref() {
            Some("bt709") => Matrix::Bt709,
            Some("bt470bg" | "smpte170m" | "fcc") => Matrix::Bt601,
            // A film that does not say is taken as players take it: by its size.
            _ if video.width.min(video.height) >= 720 => Matrix::Bt709,
            _ => Matrix::Bt601,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Colours, Matrix, colours};
    use crate::plan::tests::film;
    use crate::probe::Colour;

    #[test]
    fn colours_are_as_the_film_says_or_as_its_size_suggests() {
        let says = |height, transfer: &str, primaries: &str, matrix: &str| {
            let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
            let mut video = film(height * 2, height).video;
            video.colour = Colour {
                transfer: word(transfer),
                primaries: word(primaries),
                matrix: word(matrix),
            };
            colours(&video)
        };
        assert_eq!(says(1080, "smpte2084", "bt2020", "bt2020nc"), Colours::Pq);
        assert_eq!(
            says(1080, "arib-std-b67", "bt2020", "bt2020nc"),
            Colours::Hlg
        );
        assert_eq!(
            says(720, "bt2020-10", "bt2020", "bt2020nc"),
            Colours::WideSdr
        );
        assert_eq!(
            says(480, "bt709", "bt709", "bt709"),
            Colours::Sdr(Matrix::Bt709)
        );
        assert_eq!(says(1080, "", "", "smpte170m"), Colours::Sdr(Matrix::Bt601));
        assert_eq!(says(1080, "", "", ""), Colours::Sdr(Matrix::Bt709));
        assert_eq!(says(480, "", "", ""), Colours::Sdr(Matrix::Bt601));
    }
}
