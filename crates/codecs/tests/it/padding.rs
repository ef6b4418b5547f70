//! Files that are long for no reason: they cost no memory, and are not taken when the padding is
//! behind the picture.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};

use codecs::{DecodeError, Decoders, ImageLimits};
use media::RejectionCode;
use sandbox::Limits;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fixtures::{noise, one_of_each, plan, probed, webp};

const MIB: u64 = 1 << 20;

fn decoders() -> Decoders {
    Decoders::new(
        env!("CARGO_BIN_EXE_codecs-test-helper").into(),
        vec!["decode".into()],
    )
}

/// Less memory than the files here are long.
fn limits() -> ImageLimits {
    let usual = ImageLimits::default();
    ImageLimits {
        max_input_bytes: 1024 * MIB,
        process: Limits {
            memory_bytes: 256 * MIB,
            ..usual.process
        },
        ..usual
    }
}

/// Bytes, and a hole of so many behind them.
fn padded(bytes: &[u8], padding: u64) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.set_len(bytes.len() as u64 + padding).unwrap();
    file
}

/// A picture with a chunk of 900 MiB that no reader knows.
fn with_a_vast_chunk() -> File {
    const VAST: u32 = 900 << 20;
    let mut bytes = webp(&noise(48, 32), (48, 32), &[1; 10], &[]);
    let size = u32::try_from(bytes.len()).unwrap() - 8 + 8 + VAST;
    bytes.extend_from_slice(b"JUNK");
    bytes.extend_from_slice(&VAST.to_le_bytes());
    let mut file = padded(&bytes, VAST.into());
    file.seek(SeekFrom::Start(4)).unwrap();
    file.write_all(&size.to_le_bytes()).unwrap();
    file
}

#[tokio::test]
async fn what_is_not_looked_at_costs_no_memory() {
    let (folder, never) = (TempDir::new().unwrap(), CancellationToken::new());
    let (decoders, limits) = (decoders(), limits());
    let probe = decoders.probe_image(with_a_vast_chunk(), &limits, &never);
    assert_eq!(probe.await.unwrap().width, 48);
    let (plan, input) = (plan(&[Some(32)]), with_a_vast_chunk());
    let rendered = decoders.render_image(input, &plan, folder.path(), &limits, &never);
    assert_eq!(rendered.await.unwrap().pictures[0].width, 32);
}

#[tokio::test]
async fn long_padding_behind_a_picture_is_refused() {
    let never = CancellationToken::new();
    for (name, bytes) in one_of_each() {
        let most = if name.contains("jpeg") { 64 } else { 1 } * MIB;
        let whole = padded(&bytes, most);
        let probe = decoders().probe_image(whole, &limits(), &never).await;
        assert_eq!(probe.unwrap().width, probed(&bytes).width, "{name}");
        for padding in [most + 1, 900 * MIB] {
            let long = padded(&bytes, padding);
            let refused = decoders().probe_image(long, &limits(), &never).await;
            let Err(DecodeError::Rejected(rejection)) = refused else {
                panic!("{name}: {refused:?}")
            };
            assert_eq!(rejection.code, RejectionCode::FileTooLarge, "{name}");
            let measured = rejection.measured.unwrap();
            assert_eq!(
                measured,
                format!("{padding} bytes behind the picture"),
                "{name}"
            );
        }
    }
}
