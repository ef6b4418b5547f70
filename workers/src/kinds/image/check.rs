//! Whether everything that an image is served with was made. No I/O.

use media::formats::OutputFormat;
use media::variants::VariantKind;

use super::{Output, Probe};

/// A set of outputs that may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// There must be one at the image's own size.
    #[error("there must be one full-size variant, not {0}")]
    Full(usize),
    /// It is another image, or was made smaller.
    #[error("the full-size variant is {found:?} pixels, not {expected:?}")]
    Size {
        /// Width and height.
        found: (u32, u32),
        /// Width and height.
        expected: (u32, u32),
    },
    /// Lists have nothing to show.
    #[error("there is no thumbnail")]
    NoThumbnail,
}

/// Whether the set is whole.
pub fn check<'a>(
    probe: &Probe,
    outputs: impl Iterator<Item = &'a Output>,
) -> Result<(), Incomplete> {
    let (always, extras): (Vec<_>, Vec<_>) = outputs.partition(|o| o.format == OutputFormat::Webp);
    let is_full = |output: &&&Output| output.kind == VariantKind::Full;
    let count = always.iter().filter(is_full).count();
    if count != 1 {
        return Err(Incomplete::Full(count));
    }
    let expected = codecs::full_size(probe.width, probe.height);
    for full in always.iter().chain(&extras).filter(is_full) {
        let found = (full.width, full.height);
        if found != expected {
            return Err(Incomplete::Size { found, expected });
        }
    }
    if !always.iter().any(|o| o.kind == VariantKind::Thumbnail) {
        return Err(Incomplete::NoThumbnail);
    }
    Ok(())
}

#[cfg(test)]
pub(in crate::kinds) mod tests {
    use media::formats::{ImageFormat, OutputFormat};

    use super::*;

    pub fn probe() -> Probe {
        Probe {
            format: ImageFormat::Jpeg,
            width: 300,
            height: 200,
            has_hdr: false,
        }
    }

    fn output(kind: VariantKind, width: u32, height: u32) -> Output {
        Output {
            kind,
            format: OutputFormat::Webp,
            width,
            height,
            is_cut: false,
            is_first_frame: false,
        }
    }

    pub fn whole() -> Vec<Output> {
        vec![
            output(VariantKind::Full, 300, 200),
            output(VariantKind::Thumbnail, 128, 85),
        ]
    }

    #[test]
    fn an_image_with_a_side_too_long_for_webp_is_whole_when_it_is_scaled() {
        let tall = Probe {
            width: 60,
            height: 20_000,
            ..probe()
        };
        let set = |full| [full, output(VariantKind::Thumbnail, 49, 16_383)];
        let scaled = set(output(VariantKind::Full, 49, 16_383));
        assert_eq!(check(&tall, scaled.iter()), Ok(()));
        let unscaled = set(output(VariantKind::Full, 60, 20_000));
        assert!(check(&tall, unscaled.iter()).is_err());
    }

    #[test]
    fn only_a_whole_set_passes() {
        let [full, thumbnail] = whole().try_into().unwrap();
        let smaller = output(VariantKind::Full, 150, 100);
        let expected = (300, 200);
        for (outputs, verdict) in [
            (whole(), Ok(())),
            (vec![thumbnail.clone()], Err(Incomplete::Full(0))),
            (
                vec![full.clone(), full.clone(), thumbnail.clone()],
                Err(Incomplete::Full(2)),
            ),
            (
                vec![smaller, thumbnail],
                Err(Incomplete::Size {
                    found: (150, 100),
                    expected,
                }),
            ),
            (vec![full], Err(Incomplete::NoThumbnail)),
            (vec![], Err(Incomplete::Full(0))),
        ] {
            assert_eq!(check(&probe(), outputs.iter()), verdict, "{outputs:?}");
        }
    }
}
