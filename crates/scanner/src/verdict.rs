//! What a reply means. No I/O.

use super::ClamdError;

/// What the scanner has to say about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// All of it was scanned, and no signature matched.
    Clean,
    /// A signature matched.
    Infected { signature: String },
    /// Some of it could not be scanned: too large, too deeply nested, encrypted. Neither clean nor
    /// infected, and trying again will not change that.
    NotCovered {
        /// The limit, in the scanner's words.
        reason: String,
    },
}

/// "Alerts" that only say how far the scan got.
const NOT_MALWARE: [&str; 2] = ["Heuristics.Limits.", "Heuristics.Encrypted."];

/// Errors that the file causes and that will come again, as libclamav words them (`cl_strerror`).
const LIMIT_ERRORS: [&str; 5] = [
    "INSTREAM size limit exceeded.",
    "Time limit reached",
    "CL_EMAXREC",
    "CL_EMAXSIZE",
    "CL_EMAXFILES",
];

impl Verdict {
    /// Reads a reply to `zINSTREAM`, its NUL removed. Only the exact words count: a file's content
    /// can reach the reply through the name of a signature.
    pub(super) fn parse(reply: &str) -> Result<Self, ClamdError> {
        let said = reply.strip_prefix("stream: ");
        if said == Some("OK") {
            return Ok(Self::Clean);
        }
        if let Some(name) = said.and_then(|said| said.strip_suffix(" FOUND")) {
            return Ok(if NOT_MALWARE.iter().any(|kind| name.starts_with(kind)) {
                Self::NotCovered {
                    reason: name.to_owned(),
                }
            } else {
                Self::Infected {
                    signature: name.to_owned(),
                }
            });
        }
        // Some errors name the stream, some come before there is one.
        if let Some(message) = said.unwrap_or(reply).strip_suffix("ERROR") {
            let message = message.trim_end().to_owned();
            return if LIMIT_ERRORS.iter().any(|limit| message.starts_with(limit)) {
                Ok(Self::NotCovered { reason: message })
            } else {
                Err(ClamdError::Scanner { message })
            };
        }
        Err(ClamdError::UnexpectedReply {
            reply: reply.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_covered(reason: &str) -> Verdict {
        Verdict::NotCovered {
            reason: reason.into(),
        }
    }

    #[test]
    fn replies_mean_what_they_say() {
        let infected = Verdict::Infected {
            signature: "Eicar-Test-Signature".into(),
        };
        let limit = "Heuristics.Limits.Exceeded.MaxFileSize";
        for (reply, verdict) in [
            ("stream: OK", Verdict::Clean),
            ("stream: Eicar-Test-Signature FOUND", infected),
            (
                "stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND",
                not_covered(limit),
            ),
            (
                "stream: Heuristics.Encrypted.PDF FOUND",
                not_covered("Heuristics.Encrypted.PDF"),
            ),
            (
                "INSTREAM size limit exceeded. ERROR",
                not_covered("INSTREAM size limit exceeded."),
            ),
            (
                "stream: Time limit reached ERROR",
                not_covered("Time limit reached"),
            ),
        ] {
            assert_eq!(Verdict::parse(reply).unwrap(), verdict);
        }
    }

    #[test]
    fn a_failing_scanner_is_no_verdict() {
        for reply in [
            "stream: Can't allocate memory ERROR",
            "Can't create temporary file ERROR",
        ] {
            let error = Verdict::parse(reply).unwrap_err();
            assert!(matches!(error, ClamdError::Scanner { .. }) && error.is_transient());
        }
    }

    #[test]
    fn nothing_but_the_exact_words_is_clean() {
        for reply in [
            "",
            "OK",
            "stream: OKAY",
            "stream: OK ",
            "1: stream: OK",
            "other: OK",
            "PONG",
        ] {
            let error = Verdict::parse(reply).unwrap_err();
            assert!(
                matches!(error, ClamdError::UnexpectedReply { .. }),
                "{reply}"
            );
        }
        let named_ok = Verdict::parse("stream: OK FOUND").unwrap();
        assert_eq!(
            named_ok,
            Verdict::Infected {
                signature: "OK".into()
            }
        );
    }
}
