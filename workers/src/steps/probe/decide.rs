//! Do the declared type, the magic bytes and the probed structure agree? No I/O.

use media::{
    Rejection, RejectionCode, Warning,
    formats::{InputFormat, Kind},
    uploads::UNDECLARED_TYPE,
};

use crate::kinds::Probe;

/// Media types by which clients say that they do not know (RFC 2046 §4.5.1).
const UNDECLARED: [&str; 3] = ["", UNDECLARED_TYPE, "binary/octet-stream"];

/// What the witnesses agree upon.
#[derive(Debug)]
pub(super) struct Agreed {
    /// What the file is.
    pub probe: Probe,
    /// Where they differ without harm.
    pub warnings: Vec<Warning>,
}

/// As what to probe a file: as its magic bytes look (`hint`), or else as declared.
pub(super) fn kind(declared: &str, hint: Option<&str>) -> Result<Kind, Rejection> {
    match hint {
        Some(hint) => InputFormat::from_declared(hint)
            .map(InputFormat::kind)
            .ok_or_else(|| unsupported(hint)),
        None => Ok(InputFormat::from_declared(declared).map_or(Kind::Image, InputFormat::kind)),
    }
}

/// Whether declared type, magic bytes (`hint`) and decoded structure (`probed`, or the decoder's refusal) name the
/// same format, or if it need not be so (`strict`), the same kind.
pub(super) fn agree(
    declared: &str,
    hint: Option<&str>,
    probed: Result<Probe, Rejection>,
    strict: bool,
) -> Result<Agreed, Rejection> {
    let declared = declared.split(';').next().unwrap_or_default().trim();
    let unknown = UNDECLARED.iter().any(|u| u.eq_ignore_ascii_case(declared));
    let expected = InputFormat::from_declared(declared);
    let probe = match probed {
        Ok(probe) => probe,
        // Neither the magic bytes nor the declared type is a format we take: name the declared one, which the sender
        // understands.
        Err(_) if hint.is_none() && expected.is_none() && !unknown => {
            return Err(unsupported(declared));
        }
        // As a picture was it probed for want of any sign, and it is not one.
        Err(refusal)
            if hint.is_none()
                && expected.is_none()
                && refusal.code == RejectionCode::UnsupportedType =>
        {
            let message = "the file is of no type that is taken";
            let refusal = Rejection::new(RejectionCode::UnsupportedType, message);
            return Err(refusal.limit(supported()));
        }
        Err(refusal) => return Err(refusal),
    };
    // People save pictures by the name of another kind of picture, and browsers declare what the name says. Nothing is
    // made of the declared type, so that does no harm; a picture by the name of a document is somebody's mistake.
    let format = probe.format();
    let meant = expected.is_some_and(|declared| format.is_meant_by(declared));
    let differs = !unknown && !meant && declared_subtype(declared) != "*";
    if differs && (strict || family(declared) != family(format.mime_type())) {
        let message = "the file is not of the declared type";
        return Err(Rejection::new(RejectionCode::TypeMismatch, message)
            .limit(declared)
            .measured(format.mime_type()));
    }
    let mut warnings = probe.warnings();
    warnings.extend(differs.then_some(Warning::ContentTypeDiffers));
    Ok(Agreed { probe, warnings })
}

/// The first half of a media type, such as `image`.
fn family(mime: &str) -> String {
    let family = mime.split('/').next().unwrap_or_default();
    family.to_ascii_lowercase()
}

fn declared_subtype(declared: &str) -> &str {
    declared.split_once('/').map_or("", |(_, subtype)| subtype)
}

fn unsupported(found: &str) -> Rejection {
    let message = "this type of file is not taken";
    Rejection::new(RejectionCode::UnsupportedType, message)
        .limit(supported())
        .measured(found)
}

/// Every type that is taken, of whatever kind.
fn supported() -> String {
    let supported: Vec<_> = InputFormat::all().map(InputFormat::mime_type).collect();
    supported.join(", ")
}

#[cfg(test)]
mod tests {
    use media::formats::ImageFormat;

    use super::*;
    use crate::kinds::image;

    fn jpeg_probe() -> Probe {
        Probe::Image(image::Probe {
            format: ImageFormat::Jpeg,
            width: 3,
            height: 2,
        })
    }

    fn corrupt() -> Result<Probe, Rejection> {
        Err(Rejection::new(RejectionCode::Malformed, "cut short"))
    }

    fn code(result: Result<Agreed, Rejection>) -> &'static str {
        match result {
            Ok(agreed) if agreed.warnings.is_empty() => agreed.probe.format().mime_type(),
            Ok(agreed) => agreed.warnings[0].as_str(),
            Err(rejection) => rejection.code.as_str(),
        }
    }

    #[test]
    fn what_is_of_no_kind_is_told_every_type_that_is_taken() {
        let picture = Rejection::new(RejectionCode::UnsupportedType, "not an image");
        let refusal = agree("", None, Err(picture), false).unwrap_err();
        assert!(!refusal.message.contains("image"), "{}", refusal.message);
        let taken = refusal.limit.unwrap();
        assert!(
            taken.contains("image/jpeg") && taken.contains("video/mp4"),
            "{taken}"
        );
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
            ("image/png", jpeg, Ok(jpeg_probe()), "content_type_differs"),
            (
                "image/x-new",
                jpeg,
                Ok(jpeg_probe()),
                "content_type_differs",
            ),
            ("video/mp4", jpeg, Ok(jpeg_probe()), "type_mismatch"),
            ("Image/*", jpeg, Ok(jpeg_probe()), "image/jpeg"),
            ("text/html", jpeg, Ok(jpeg_probe()), "type_mismatch"),
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
                code(kind(declared, hint).and_then(|_| agree(declared, hint, probe, false))),
                expected,
                "{declared} {hint:?}"
            );
        }
    }

    #[test]
    fn where_it_is_asked_for_the_declared_format_must_be_the_right_one() {
        for (declared, expected) in [
            ("image/png", "type_mismatch"),
            ("image/jpg", "image/jpeg"),
            ("image/*", "image/jpeg"),
            ("application/octet-stream", "image/jpeg"),
        ] {
            let agreed = agree(declared, Some("image/jpeg"), Ok(jpeg_probe()), true);
            assert_eq!(code(agreed), expected, "{declared}");
        }
    }
}
