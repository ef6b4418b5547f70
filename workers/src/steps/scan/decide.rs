//! What a scan means. No I/O.

use media::{Rejection, RejectionCode, Sha256};
use scanner::Verdict;

/// What clamd says of a PDF that asks for a password, and of none that only restricts what may be done with it.
const ENCRYPTED_PDF: &str = "Heuristics.Encrypted.PDF";

/// Clean, and the bytes that the client meant to send; else the refusal.
pub(super) fn decide(
    verdict: &Verdict,
    declared: Option<&Sha256>,
    found: &Sha256,
) -> Result<(), Rejection> {
    match verdict {
        Verdict::Infected { signature } => {
            let message = "the virus scanner found malware";
            return Err(Rejection::new(RejectionCode::Infected, message).measured(signature));
        }
        Verdict::NotCovered { reason } if reason == ENCRYPTED_PDF => {
            let message = "the document asks for a password before it shows anything";
            return Err(Rejection::new(RejectionCode::Encrypted, message));
        }
        // Not looked at whole is not clean.
        Verdict::NotCovered { reason } => {
            let message = "the virus scanner could not look at all of it";
            return Err(Rejection::new(RejectionCode::NotScannable, message).measured(reason));
        }
        Verdict::Clean => {}
    }
    match declared {
        Some(declared) if declared != found => {
            let message = "the bytes are not those that were declared";
            Err(Rejection::new(RejectionCode::ChecksumMismatch, message)
                .limit(declared.to_string())
                .measured(found.to_string()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(verdict: &Verdict, declared: Option<&[u8]>) -> Option<RejectionCode> {
        let declared = declared.map(Sha256::of);
        let decided = decide(verdict, declared.as_ref(), &Sha256::of(b"bytes"));
        decided.err().map(|rejection| rejection.code)
    }

    #[test]
    fn only_clean_bytes_with_the_declared_hash_pass() {
        let infected = Verdict::Infected {
            signature: "X".into(),
        };
        let uncovered = Verdict::NotCovered {
            reason: "too big".into(),
        };
        let locked = Verdict::NotCovered {
            reason: ENCRYPTED_PDF.into(),
        };
        assert_eq!(code(&locked, None), Some(RejectionCode::Encrypted));
        assert_eq!(code(&Verdict::Clean, None), None);
        assert_eq!(code(&Verdict::Clean, Some(b"bytes")), None);
        assert_eq!(
            code(&Verdict::Clean, Some(b"others")),
            Some(RejectionCode::ChecksumMismatch)
        );
        assert_eq!(
            code(&infected, Some(b"bytes")),
            Some(RejectionCode::Infected)
        );
        assert_eq!(code(&uncovered, None), Some(RejectionCode::NotScannable));
    }
}
