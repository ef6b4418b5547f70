//! Which of the formats that we can read are taken here, how large each may be, and how exactly it must be declared.

use settings::Reader;

use crate::formats::InputFormat;
use crate::{Rejection, RejectionCode};

const REFUSED: &str = "MEDIAMILL_REFUSED_TYPES";
const MAX_BYTES: &str = "MEDIAMILL_MAX_BYTES_OF_TYPES";
const STRICT: &str = "MEDIAMILL_STRICT_CONTENT_TYPE";

/// The operator's rules for types. The default takes every format that we can read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeRules {
    /// A file of another format than declared is refused, also if it is of the same kind.
    pub strict: bool,
    refused: Vec<Types>,
    max_bytes: Vec<(Types, u64)>,
}

/// One format, or all of a kind: `image/gif`, `video/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Types(String);

impl Types {
    /// `None` if the text names no format that we read.
    fn parse(text: &str) -> Option<Self> {
        let types = Self(text.trim().to_ascii_lowercase());
        InputFormat::all()
            .any(|format| types.has(format))
            .then_some(types)
    }

    fn has(&self, format: InputFormat) -> bool {
        let mime = format.mime_type();
        match self.0.strip_suffix('*') {
            Some(kind) => kind.ends_with('/') && mime.starts_with(kind),
            None => mime == self.0,
        }
    }
}

impl TypeRules {
    /// Reads `MEDIAMILL_STRICT_CONTENT_TYPE`, `MEDIAMILL_REFUSED_TYPES` (separated by commas) and
    /// `MEDIAMILL_MAX_BYTES_OF_TYPES` (such as `image/*=20000000,image/gif=5000000`).
    pub fn from_env(reader: &mut Reader) -> Self {
        let strict = reader.flag_or(STRICT, false);
        let refused = listed(reader, REFUSED, "image/gif,video/*", Types::parse);
        let max_bytes = listed(
            reader,
            MAX_BYTES,
            "image/*=20000000,image/gif=5000000",
            |entry| {
                let (types, bytes) = entry.split_once('=')?;
                let bytes = bytes.trim().parse().ok().filter(|bytes| *bytes > 0)?;
                Some((Types::parse(types)?, bytes))
            },
        );
        Self {
            strict,
            refused,
            max_bytes,
        }
    }

    /// Refuses a file of a format, or of a format and size, that is not taken here.
    pub fn check(&self, format: InputFormat, size_bytes: u64) -> Result<(), Rejection> {
        let mime = format.mime_type();
        if self.refused.iter().any(|types| types.has(format)) {
            let message = "this type of file is not taken here";
            let taken = InputFormat::all()
                .filter(|other| !self.refused.iter().any(|types| types.has(*other)));
            let taken: Vec<_> = taken.map(InputFormat::mime_type).collect();
            return Err(Rejection::new(RejectionCode::UnsupportedType, message)
                .limit(taken.join(", "))
                .measured(mime));
        }
        // The narrowest of those that apply would depend on their order; the smallest does not.
        let limits = self.max_bytes.iter().filter(|(types, _)| types.has(format));
        let limit = limits.map(|(_, bytes)| *bytes).min();
        match limit.filter(|limit| size_bytes > *limit) {
            None => Ok(()),
            Some(limit) => {
                let message = format!("a file of the type {mime} may not be as large");
                Err(Rejection::new(RejectionCode::FileTooLarge, message)
                    .limit(format!("{limit} bytes"))
                    .measured(format!("{size_bytes} bytes")))
            }
        }
    }
}

/// Every entry of a list that is separated by commas. One that cannot be read is a mistake.
fn listed<T>(
    reader: &mut Reader,
    name: &str,
    example: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Vec<T> {
    let list = reader.optional(name).unwrap_or_default();
    let entries = list.split(',').filter(|entry| !entry.trim().is_empty());
    let read: Option<Vec<T>> = entries.map(read).collect();
    read.unwrap_or_else(|| {
        reader.mistake(name, "must list types that are known, by commas", example);
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::ImageFormat;

    fn rules(settings: &[(&str, &str)]) -> Result<TypeRules, settings::InvalidSettings> {
        let settings = settings.iter();
        let mut reader =
            Reader::new(settings.map(|(name, value)| ((*name).into(), (*value).into())));
        let rules = TypeRules::from_env(&mut reader);
        reader.finish().map(|()| rules)
    }

    #[test]
    fn types_are_refused_and_bounded_by_name_and_by_kind() {
        let rules = rules(&[
            (REFUSED, "image/gif, VIDEO/*"),
            (MAX_BYTES, "image/*=100,image/png=10"),
        ]);
        let rules = rules.unwrap();
        let code = |format, bytes| rules.check(format, bytes).err().map(|refusal| refusal.code);
        let image = InputFormat::Image;
        for format in InputFormat::all().filter(|format| format.mime_type().starts_with("video/")) {
            assert_eq!(code(format, 1), Some(RejectionCode::UnsupportedType));
        }
        for (format, bytes, expected) in [
            (ImageFormat::Gif, 1, Some(RejectionCode::UnsupportedType)),
            (ImageFormat::Jpeg, 100, None),
            (ImageFormat::Jpeg, 101, Some(RejectionCode::FileTooLarge)),
            (ImageFormat::Png, 10, None),
            (ImageFormat::Png, 11, Some(RejectionCode::FileTooLarge)),
        ] {
            assert_eq!(code(image(format), bytes), expected, "{format:?} {bytes}");
        }
        assert_eq!(
            TypeRules::default().check(image(ImageFormat::Gif), u64::MAX),
            Ok(())
        );
    }

    #[test]
    fn what_names_no_type_is_a_mistake() {
        for (name, value) in [
            (REFUSED, "image/jpg2"),
            (REFUSED, "*"),
            (REFUSED, "image*"),
            (MAX_BYTES, "image/png"),
            (MAX_BYTES, "image/png=0"),
            (MAX_BYTES, "image/png=-1"),
            (MAX_BYTES, "text/html=5"),
            (STRICT, "perhaps"),
        ] {
            let mistakes = rules(&[(name, value)]).unwrap_err().mistakes;
            assert_eq!(mistakes[0].name, name, "{value}");
        }
    }
}
