//! Whether a daemon's "clean" is worth anything, found out by asking it about three small files.

use super::{ClamdClient, ClamdError, Verdict};

/// More than `MaxRecursion` can be set to (100), so no configuration scans to the bottom.
const NESTING: usize = 110;

pub(super) const HARMLESS: &[u8] = b"harmless";

const BLOCK: usize = 512;

pub(super) async fn verify(client: &ClamdClient) -> Result<(), ClamdError> {
    let problem = |problem| Err(ClamdError::Coverage { problem });
    if scan(client, HARMLESS).await? != Verdict::Clean {
        return problem("it does not clear a harmless file");
    }
    if !matches!(scan(client, &eicar()).await?, Verdict::Infected { .. }) {
        return problem("it does not find the EICAR test file; has it any signatures?");
    }
    let nested = (0..NESTING).fold(HARMLESS.to_vec(), |inner, _| tar(&inner));
    if scan(client, &nested).await? == Verdict::Clean {
        return problem("it says OK of what exceeds its limits; set `AlertExceedsMax yes`");
    }
    Ok(())
}

pub(super) async fn scan(client: &ClamdClient, bytes: &[u8]) -> Result<Verdict, ClamdError> {
    let mut scan = client.begin().await?;
    scan.write(bytes).await?;
    scan.finish().await
}

/// The EICAR anti-malware test file, which every scanner reports and which does nothing. It is kept
/// reversed, or scanners would take this program and its source for infected.
pub fn eicar() -> Vec<u8> {
    let reversed = br"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\4[PA@%P!O5X";
    std::hint::black_box(reversed)
        .iter()
        .rev()
        .copied()
        .collect()
}

/// An archive with one file in it (POSIX.1-1988 ustar, the fields that readers look at).
fn tar(content: &[u8]) -> Vec<u8> {
    let mut header = [0; BLOCK];
    let mut put =
        |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, "a");
    put(100, "0000644\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, &format!("{:011o}\0", content.len()));
    put(136, "00000000000\0");
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());

    let padding = content.len().next_multiple_of(BLOCK) - content.len();
    [&header[..], content, &vec![0; padding], &[0; 2 * BLOCK]].concat()
}
