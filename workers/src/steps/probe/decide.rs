//! Do the declared type, the magic bytes and the probed structure agree? No I/O.

use codecs::{Format, ImageProbe};
use media::{RejectionCode, formats::InputFormat};
use workflows::StepError;

use crate::errors::Refusal;

/// An image that passed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Image {
    pub format: InputFormat,
    pub width: u32,
    pub height: u32,
}

/// Media types by which clients say that they do not know (RFC 2046 §4.5.1).
const UNDECLARED: [&str; 3] = ["", "application/octet-stream", "binary/octet-stream"];

/// `hint` is what the magic bytes look like; `probe` is the structure, or the decoder's refusal.
pub(super) fn decide(
    declared: &str,
    hint: Option<&'static str>,
    probe: Result<ImageProbe, StepError>,
) -> Result<Image, StepError> {
    let declared = declared.split(';').next().unwrap_or_default().trim();
    let unknown = UNDECLARED.iter().any(|u| u.eq_ignore_ascii_case(declared));
    let expected = InputFormat::from_declared(declared);
    if let Some(hint) = hint.filter(|hint| InputFormat::from_declared(hint).is_none()) {
        return Err(unsupported(hint));
    }
    let probe = match probe {
        Ok(probe) => probe,
        // Nothing of an image in it: say what was declared, which the sender understands.
        Err(_) if hint.is_none() && expected.is_none() && !unknown => {
            return Err(unsupported(declared));
        }
        Err(refusal) => return Err(refusal),
    };
    let format = input_format(probe.format);
    if !unknown && expected != Some(format) {
        return Err(Refusal::new(&declared, &format.mime_type()).reject(
            RejectionCode::TypeMismatch,
            "the file is not of the declared type",
        ));
    }
    Ok(Image {
        format,
        width: probe.width,
        height: probe.height,
    })
}

fn unsupported(found: &str) -> StepError {
    let supported = InputFormat::ALL.map(InputFormat::mime_type).join(", ");
    Refusal::new(&supported, &found).reject(
        RejectionCode::UnsupportedType,
        "this type of file is not taken",
    )
}

fn input_format(format: Format) -> InputFormat {
    match format {
        Format::Jpeg => InputFormat::Jpeg,
        Format::Png => InputFormat::Png,
        Format::WebP => InputFormat::Webp,
        Format::Gif => InputFormat::Gif,
    }
}

#[cfg(test)]
mod tests {
    use codecs::{ColorProfile, Orientation};

    use super::*;

    fn jpeg_probe() -> ImageProbe {
        ImageProbe {
            format: Format::Jpeg,
            width: 3,
            height: 2,
            stored_width: 3,
            stored_height: 2,
            orientation: Orientation::new(1).expect("1 is upright"),
            has_alpha: false,
            color_profile: ColorProfile::Srgb,
            bit_depth: 8,
            frames: 1,
            animated: false,
        }
    }

    fn corrupt() -> Result<ImageProbe, StepError> {
        Err(Refusal::default().reject(RejectionCode::Malformed, "cut short"))
    }

    fn code(result: Result<Image, StepError>) -> String {
        match result {
            Ok(image) => image.format.mime_type().to_owned(),
            Err(StepError::Reject(rejection)) => rejection.code.into_owned(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn three_witnesses_must_agree() {
        let jpeg = Some("image/jpeg");
        let cases = [
            ("image/jpeg", jpeg, Ok(jpeg_probe()), "image/jpeg"),
            ("IMAGE/JPG; q=1", jpeg, Ok(jpeg_probe()), "image/jpeg"),
            (
                "application/octet-stream",
                jpeg,
                Ok(jpeg_probe()),
                "image/jpeg",
            ),
            ("", jpeg, Ok(jpeg_probe()), "image/jpeg"),
            ("image/png", jpeg, Ok(jpeg_probe()), "type_mismatch"),
            ("application/pdf", jpeg, Ok(jpeg_probe()), "type_mismatch"),
            (
                "image/jpeg",
                Some("application/zip"),
                corrupt(),
                "unsupported_type",
            ),
            (
                "image/jpeg",
                Some("application/zip"),
                Ok(jpeg_probe()),
                "unsupported_type",
            ),
            ("image/svg+xml", None, corrupt(), "unsupported_type"),
            ("image/jpeg", jpeg, corrupt(), "malformed"),
            ("image/jpeg", None, corrupt(), "malformed"),
        ];
        for (declared, hint, probe, expected) in cases {
            assert_eq!(
                code(decide(declared, hint, probe)),
                expected,
                "{declared} {hint:?}"
            );
        }
    }
}
