//! What a scan means. No I/O.

use media::{Rejection, RejectionCode, Sha256};
use scanner::Verdict;

/// What clamd says of a PDF that asks for a password, and of none that only restricts what may be done with it.
const ENCRYPTED_PDF: &str = "Heuristics.Encrypted.PDF";

/// What the client said of the bytes.
pub(super) struct Digests<'a> {
    pub sha256: Option<&'a Sha256>,
    pub sha512: Option<&'a [u8]>,
}

/// What they are.
pub(super) struct Found {
    pub sha256: Sha256,
    /// Where it was asked for.
    pub sha512: Option<Vec<u8>>,
}

/// Clean, and the bytes that the client meant to send; else the refusal.
pub(super) fn decide(
    verdict: &Verdict,
    declared: &Digests<'_>,
    found: &Found,
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
    let other = || {
        let message = "the bytes are not those that were declared";
        Rejection::new(RejectionCode::ChecksumMismatch, message)
    };
    if let Some(declared) = declared.sha256
        && *declared != found.sha256
    {
        let (declared, found) = (declared.to_string(), found.sha256.to_string());
        return Err(other().limit(declared).measured(found));
    }
    if declared.sha512.is_some() && declared.sha512 != found.sha512.as_deref() {
        return Err(other().measured("another SHA-512"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(verdict: &Verdict, declared: Option<&[u8]>) -> Option<RejectionCode> {
        let sha256 = declared.map(Sha256::of);
        let declared = Digests {
            sha256: sha256.as_ref(),
            sha512: None,
        };
        let found = Found {
            sha256: Sha256::of(b"bytes"),
            sha512: None,
        };
        let decided = decide(verdict, &declared, &found);
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
    #[test]
    fn the_longer_digest_counts_as_well() {
        let found = Found {
            sha256: Sha256::of(b"bytes"),
            sha512: Some(vec![1; 64]),
        };
        for (declared, good) in [([1; 64], true), ([2; 64], false)] {
            let declared = Digests {
                sha256: None,
                sha512: Some(&declared),
            };
            let decided = decide(&Verdict::Clean, &declared, &found);
            let code = decided.err().map(|rejection| rejection.code);
            assert_eq!(code, (!good).then_some(RejectionCode::ChecksumMismatch));
        }
    }
}
