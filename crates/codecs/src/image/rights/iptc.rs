//! IPTC-IIM 4.2: records of numbered fields, alone or in the blocks that Photoshop writes.

use super::{CREATORS, Rights, text};
use crate::image::bytes::Bytes;
use media::Rejection;

/// Blocks of Photoshop, and the number of the one that is meant.
const PHOTOSHOP: &[u8] = b"8BIM";
const RECORDS: u16 = 0x0404;

const MARK: u8 = 0x1C;
const APPLICATION: u8 = 2;
const BY_LINE: u8 = 80;
const CREDIT: u8 = 110;
const COPYRIGHT: u8 = 116;

/// As far as it can be read.
pub(super) fn read(block: &[u8]) -> Rights {
    let mut rights = Rights::default();
    let records = if block.starts_with(PHOTOSHOP) {
        records(block).unwrap_or_default()
    } else {
        block
    };
    let mut bytes = Bytes::new(records);
    while let Ok((record, field, value)) = next(&mut bytes) {
        if record != APPLICATION {
            continue;
        }
        let Some(value) = text::of(value) else {
            continue;
        };
        match field {
            BY_LINE if rights.creators.len() < CREATORS => rights.creators.push(value),
            CREDIT => rights.credit = rights.credit.or(Some(value)),
            COPYRIGHT => rights.copyright = rights.copyright.or(Some(value)),
            _ => {}
        }
    }
    rights
}

/// The records among the blocks of Photoshop.
fn records(blocks: &[u8]) -> Result<&[u8], Rejection> {
    let mut bytes = Bytes::new(blocks);
    loop {
        bytes.skip(PHOTOSHOP.len())?;
        let number = bytes.u16_be()?;
        let name = usize::from(bytes.u8()?);
        bytes.skip(name | 1)?; // with its length, of an even number of bytes
        let length = bytes.u32_be()? as usize;
        let data = bytes.take(length)?;
        if number == RECORDS {
            return Ok(data);
        }
        bytes.skip(length % 2)?;
    }
}

/// Record, field and value.
fn next<'a>(bytes: &mut Bytes<'a>) -> Result<(u8, u8, &'a [u8]), Rejection> {
    while bytes.u8()? != MARK {}
    let (record, field, short) = (bytes.u8()?, bytes.u8()?, bytes.u16_be()?);
    let length = if short & 0x8000 == 0 {
        usize::from(short)
    } else {
        // So many bytes say the length.
        let length = bytes.take(usize::from(short & 0x7fff))?;
        length.iter().fold(0_usize, |sum, byte| {
            sum.saturating_mul(256).saturating_add((*byte).into())
        })
    };
    Ok((record, field, bytes.take(length)?))
}

#[cfg(test)]
mod tests {
    use super::read;

    fn field(number: u8, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(value.len()).unwrap().to_be_bytes();
        [&[0x1C, 2, number][..], &length, value].concat()
    }

    #[test]
    fn fields_are_read_alone_and_within_blocks() {
        let records = [
            field(80, b"Anna"),
            field(80, b"Ben"),
            field(90, b"Paris"),
            field(116, b"\xa9 Anna"),
        ]
        .concat();
        let length = u32::try_from(records.len()).unwrap().to_be_bytes();
        let blocks = [
            &b"8BIM\x04\x25\0\0\0\0\0\x01x\0"[..],
            b"8BIM\x04\x04\x03abc",
            &length,
            &records,
        ]
        .concat();
        for block in [&records, &blocks] {
            let rights = read(block);
            assert_eq!(rights.creators, ["Anna", "Ben"]);
            assert_eq!(rights.copyright.as_deref(), Some("© Anna"));
            assert_eq!(rights.credit, None);
        }
    }

    #[test]
    fn what_is_cut_or_endless_is_read_as_far_as_it_goes() {
        let records = [field(80, b"Anna"), vec![0x1C, 2, 116, 0xff, 0xff, 1]].concat();
        assert_eq!(read(&records).creators, ["Anna"]);
        assert_eq!(read(b"8BIM"), super::Rights::default());
    }
}
