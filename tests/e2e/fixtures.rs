//! Files to send, made on the spot.

use jpeg_encoder::{ColorType, Encoder};

/// A photo with a marker colour in each corner, as a phone held upright stores it: on its side,
/// with EXIF orientation 6 (turn it 90° clockwise) and with the place it was taken at.
pub fn phone_photo(width: u16, height: u16) -> Vec<u8> {
    let pixels = corners(width, height);
    let mut jpeg = Vec::new();
    let mut encoder = Encoder::new(&mut jpeg, 90);
    encoder.add_app_segment(1, exif_turned_with_gps()).unwrap();
    encoder
        .encode(&pixels, width, height, ColorType::Rgb)
        .unwrap();
    jpeg
}

/// Stored: red at the top left, green at the top right, blue at the bottom left, white elsewhere.
fn corners(width: u16, height: u16) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
    for y in 0..height {
        for x in 0..width {
            let pixel = match (
                x < width / 4,
                x > width / 4 * 3,
                y < height / 4,
                y > height / 4 * 3,
            ) {
                (true, _, true, _) => [255, 0, 0],
                (_, true, true, _) => [0, 255, 0],
                (true, _, _, true) => [0, 0, 255],
                _ => [255, 255, 255],
            };
            pixels.extend(pixel);
        }
    }
    pixels
}

/// Noise does not compress: a JPEG of some megabytes, for uploads in parts.
pub fn large_photo(width: u16, height: u16) -> Vec<u8> {
    let mut state = 1_u32;
    let noise = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    let pixels: Vec<u8> = std::iter::repeat_with(noise)
        .take(usize::from(width) * usize::from(height) * 3)
        .collect();
    let mut jpeg = Vec::new();
    Encoder::new(&mut jpeg, 98)
        .encode(&pixels, width, height, ColorType::Rgb)
        .unwrap();
    jpeg
}

/// EXIF 2.3 in little-endian TIFF: orientation 6, and a GPS folder with a latitude of 48° north.
fn exif_turned_with_gps() -> Vec<u8> {
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [
            &tag.to_le_bytes()[..],
            &kind.to_le_bytes(),
            &count.to_le_bytes(),
            &value,
        ]
        .concat()
    };
    // IFD0 at 8: two entries and an end, so the GPS folder stands at 8 + 2 + 24 + 4 = 38.
    exif.extend(2_u16.to_le_bytes());
    exif.extend(entry(0x0112, 3, 1, [6, 0, 0, 0]));
    exif.extend(entry(0x8825, 4, 1, 38_u32.to_le_bytes()));
    exif.extend([0; 4]);
    // GPS folder at 38, its three fractions at 38 + 2 + 24 + 4 = 68.
    exif.extend(2_u16.to_le_bytes());
    exif.extend(entry(1, 2, 2, *b"N\0\0\0"));
    exif.extend(entry(2, 5, 3, 68_u32.to_le_bytes()));
    exif.extend([0; 4]);
    for (numerator, denominator) in [(48_u32, 1_u32), (8, 1), (0, 1)] {
        exif.extend(numerator.to_le_bytes());
        exif.extend(denominator.to_le_bytes());
    }
    exif
}

/// An archive with one empty file, `a` (APPNOTE 4.3).
pub fn zip() -> Vec<u8> {
    let mut zip = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a".to_vec();
    let directory = u32::try_from(zip.len()).unwrap();
    zip.extend(
        b"PK\x01\x02\x14\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0",
    );
    zip.extend([0; 8]);
    zip.push(b'a');
    let length = u32::try_from(zip.len()).unwrap() - directory;
    zip.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend(length.to_le_bytes());
    zip.extend(directory.to_le_bytes());
    zip.extend([0; 2]);
    zip
}

/// Names of a WebP's chunks (RFC 9649 §2.3).
pub fn webp_chunks(bytes: &[u8]) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut rest = &bytes[12..];
    while rest.len() >= 8 {
        chunks.push(String::from_utf8_lossy(&rest[..4]).into_owned());
        let size = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        rest = rest.get(8 + size + size % 2..).unwrap_or_default();
    }
    chunks
}

/// Width, height and RGB pixels of a WebP.
pub fn decode_webp(bytes: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(bytes)).unwrap();
    let (width, height) = decoder.dimensions();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut pixels).unwrap();
    if decoder.has_alpha() {
        pixels = pixels
            .chunks_exact(4)
            .flat_map(|p| [p[0], p[1], p[2]])
            .collect();
    }
    (width, height, pixels)
}
