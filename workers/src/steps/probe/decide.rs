//! Do the declared type, the magic bytes and the probed structure agree? No I/O.

use media::{
    Rejection, RejectionCode, Warning,
    formats::{DocumentFormat, InputFormat, Kind},
    uploads::UNDECLARED_TYPE,
};

use super::magic;
use crate::kinds::Probe;

/// Media types by which clients say that they do not know (RFC 2046 §4.5.1).
const UNDECLARED: [&str; 3] = ["", UNDECLARED_TYPE, "binary/octet-stream"];

/// What may be named to owners as taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Documents of office programs are.
    pub office: bool,
}

/// What the witnesses agree upon.
#[derive(Debug)]
pub(super) struct Agreed {
    /// What the file is.
    pub probe: Probe,
    /// Where they differ without harm.
    pub warnings: Vec<Warning>,
}

/// As what to probe a file: as its magic bytes look (`hint`), or else as declared.
pub(super) fn kind(declared: &str, hint: Option<&str>, taken: Taken) -> Result<Kind, Rejection> {
    match hint {
        Some(hint) if magic::is_package(hint) => Ok(Kind::Document),
        Some(hint) => InputFormat::from_declared(hint)
            .map(InputFormat::kind)
            .ok_or_else(|| unsupported(hint, taken)),
        None => Ok(InputFormat::from_declared(declared).map_or(Kind::Image, InputFormat::kind)),
    }
}

/// Which document to probe a file as; `None` if it is of an office program, if at all: what is in it tells which.
pub(super) fn document(declared: &str, hint: Option<&str>) -> Option<DocumentFormat> {
    let format = match InputFormat::from_declared(hint.unwrap_or(declared)) {
        Some(InputFormat::Document(format)) => format,
        _ => DocumentFormat::Pdf,
    };
    let is_office = hint.is_some_and(magic::is_package) || format.is_office();
    (!is_office).then_some(format)
}

/// Whether a file that is declared as a text begins by chance as files of another type do, such as `BM` of BMP: those
/// have bytes that no text has. What browsers would run is no chance.
pub(super) fn is_chance(declared: &str, found: &str, start: &[u8]) -> bool {
    let declared = InputFormat::from_declared(declared);
    let is_text = matches!(declared, Some(InputFormat::Document(format)) if format.is_text());
    let is_active =
        family(found) == "text" || ["image/svg+xml", "application/pdf"].contains(&found);
    let no_control = |byte: &u8| *byte >= b' ' || b"\t\n\r\x0c".contains(byte);
    is_text && !is_active && start.iter().all(no_control)
}

/// Whether declared type, magic bytes (`hint`) and decoded structure (`probed`, or the decoder's refusal) name the
/// same format, or if it need not be so (`strict`), the same kind.
pub(super) fn agree(
    declared: &str,
    hint: Option<&str>,
    probed: Result<Probe, Rejection>,
    strict: bool,
    taken: Taken,
) -> Result<Agreed, Rejection> {
    let declared = declared.split(';').next().unwrap_or_default().trim();
    let unknown = UNDECLARED.iter().any(|u| u.eq_ignore_ascii_case(declared));
    let expected = InputFormat::from_declared(declared);
    let probe = match probed {
        Ok(probe) => probe,
        // Neither the magic bytes nor the declared type is a format we take: name the declared one, which the sender
        // understands.
        Err(_) if hint.is_none() && expected.is_none() && !unknown => {
            return Err(unsupported(declared, taken));
        }
        // As a picture was it probed for want of any sign, and it is not one.
        Err(refusal)
            if hint.is_none()
                && expected.is_none()
                && refusal.code == RejectionCode::UnsupportedType =>
        {
            let message = "the file is of no type that is taken";
            let refusal = Rejection::new(RejectionCode::UnsupportedType, message);
            return Err(refusal.limit(supported(taken)));
        }
        // An archive, or what another program keeps in the same containers.
        Err(refusal)
            if hint.is_some_and(magic::is_package)
                && refusal.code == RejectionCode::UnsupportedType =>
        {
            return Err(refusal.limit(supported(taken)));
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

fn unsupported(found: &str, taken: Taken) -> Rejection {
    let message = "this type of file is not taken";
    Rejection::new(RejectionCode::UnsupportedType, message)
        .limit(supported(taken))
        .measured(found)
}

/// Every type that is taken, of whatever kind.
fn supported(taken: Taken) -> String {
    let is_office = |format: &InputFormat| matches!(format, InputFormat::Document(format) if format.is_office());
    let supported = InputFormat::all().filter(|format| taken.office || !is_office(format));
    let supported: Vec<_> = supported.map(InputFormat::mime_type).collect();
    supported.join(", ")
}

#[cfg(test)]
mod tests {
    use media::formats::ImageFormat;

    use super::*;
    use crate::kinds::image;

    const ALL: Taken = Taken { office: true };

    fn jpeg_probe() -> Probe {
        Probe::Image(image::Probe {
            format: ImageFormat::Jpeg,
            width: 3,
            height: 2,
            has_hdr: false,
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
        let refusal = agree("", None, Err(picture), false, ALL).unwrap_err();
        assert!(!refusal.message.contains("image"), "{}", refusal.message);
        let taken = refusal.limit.unwrap();
        assert!(
            taken.contains("image/jpeg") && taken.contains("video/mp4"),
            "{taken}"
        );
        assert!(taken.contains("application/msword"), "{taken}");
        let picture = Rejection::new(RejectionCode::UnsupportedType, "not an image");
        let without = Taken { office: false };
        let refusal = agree("", None, Err(picture), false, without).unwrap_err();
        assert!(!refusal.limit.unwrap().contains("application/msword"));
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
                Some("application/gzip"),
                corrupt(),
                "unsupported_type",
            ),
            (
                "image/jpeg",
                Some("application/gzip"),
                Ok(jpeg_probe()),
                "unsupported_type",
            ),
            ("image/svg+xml", None, corrupt(), "unsupported_type"),
            ("image/jpeg", jpeg, corrupt(), "malformed"),
            ("image/jpeg", None, corrupt(), "malformed"),
        ];
        for (declared, hint, probe, expected) in cases {
            assert_eq!(
                code(
                    kind(declared, hint, ALL)
                        .and_then(|_| agree(declared, hint, probe, false, ALL))
                ),
                expected,
                "{declared} {hint:?}"
            );
        }
    }

    #[test]
    fn texts_may_begin_as_other_files_do_but_not_as_what_browsers_run() {
        let bmw: &[u8] = b"BMW is a car.\n";
        for (declared, found, start, chance) in [
            ("text/plain", "image/bmp", bmw, true),
            ("text/markdown; charset=utf-8", "image/bmp", bmw, true),
            ("image/bmp", "image/bmp", bmw, false),
            ("text/plain", "image/bmp", b"BM\x36\0\0\0", false),
            ("text/plain", "text/html", b"<!DOCTYPE html>", false),
            ("text/plain", "text/x-shellscript", b"#!/bin/sh", false),
            ("text/plain", "image/svg+xml", b"<svg/>", false),
            ("text/plain", "application/pdf", b"%PDF-1.4", false),
        ] {
            assert_eq!(
                is_chance(declared, found, start),
                chance,
                "{declared} {found}"
            );
        }
    }

    #[test]
    fn what_may_be_of_an_office_program_is_looked_into() {
        for (declared, hint, expected) in [
            ("", Some("application/zip"), None),
            ("text/plain", Some("application/x-ole-storage"), None),
            (
                "",
                Some("application/vnd.oasis.opendocument.graphics"),
                None,
            ),
            ("application/msword", None, None),
            ("", Some("application/pdf"), Some(DocumentFormat::Pdf)),
            ("text/csv", None, Some(DocumentFormat::Csv)),
        ] {
            assert_eq!(kind(declared, hint, ALL).unwrap(), Kind::Document);
            assert_eq!(document(declared, hint), expected, "{declared} {hint:?}");
        }
        let archive =
            Rejection::new(RejectionCode::UnsupportedType, "no").measured("application/zip");
        let refusal = agree("", Some("application/zip"), Err(archive), false, ALL).unwrap_err();
        assert!(
            refusal
                .limit
                .is_some_and(|taken| taken.contains("image/png"))
        );
    }

    #[test]
    fn where_it_is_asked_for_the_declared_format_must_be_the_right_one() {
        for (declared, expected) in [
            ("image/png", "type_mismatch"),
            ("image/jpg", "image/jpeg"),
            ("image/*", "image/jpeg"),
            ("application/octet-stream", "image/jpeg"),
        ] {
            let agreed = agree(declared, Some("image/jpeg"), Ok(jpeg_probe()), true, ALL);
            assert_eq!(code(agreed), expected, "{declared}");
        }
    }
}
