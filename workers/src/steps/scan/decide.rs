//! What a scan means. No I/O.

use media::{RejectionCode, Sha256};
use workflows::StepError;

use crate::errors::Refusal;
use scanner::Verdict;

/// Clean, and the bytes that the client meant to send; else the refusal.
pub(super) fn decide(
    verdict: &Verdict,
    declared: Option<&Sha256>,
    found: &Sha256,
) -> Result<(), StepError> {
    match verdict {
        Verdict::Infected { signature } => {
            return Err(Refusal {
                limit: None,
                measured: Some(signature.clone()),
            }
            .reject(RejectionCode::Infected, "the virus scanner found malware"));
        }
        // Not looked at whole is not clean.
        Verdict::NotCovered { reason } => {
            return Err(Refusal {
                limit: None,
                measured: Some(reason.clone()),
            }
            .reject(
                RejectionCode::NotScannable,
                "the virus scanner could not look at all of it",
            ));
        }
        Verdict::Clean => {}
    }
    match declared {
        Some(declared) if declared != found => Err(Refusal::new(&declared, &found).reject(
            RejectionCode::ChecksumMismatch,
            "the bytes are not those that were declared",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(verdict: &Verdict, declared: Option<&[u8]>) -> Option<String> {
        let declared = declared.map(Sha256::of);
        match decide(verdict, declared.as_ref(), &Sha256::of(b"bytes")) {
            Err(StepError::Reject(rejection)) => Some(rejection.code.into_owned()),
            _ => None,
        }
    }

    #[test]
    fn only_clean_bytes_with_the_declared_hash_pass() {
        let infected = Verdict::Infected {
            signature: "X".into(),
        };
        let uncovered = Verdict::NotCovered {
            reason: "too big".into(),
        };
        assert_eq!(code(&Verdict::Clean, None), None);
        assert_eq!(code(&Verdict::Clean, Some(b"bytes")), None);
        assert_eq!(
            code(&Verdict::Clean, Some(b"others")).as_deref(),
            Some("checksum_mismatch")
        );
        assert_eq!(code(&infected, Some(b"bytes")).as_deref(), Some("infected"));
        assert_eq!(code(&uncovered, None).as_deref(), Some("not_scannable"));
    }
}
