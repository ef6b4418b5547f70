//! Where each format keeps what is said of its picture. Nothing here refuses a file: what cannot be read says nothing.

use std::borrow::Cow;
use std::io::Read as _;

use flate2::read::ZlibDecoder;
use media::formats::ImageFormat;

use crate::image::bytes::Bytes;
use crate::image::{exif, heif, jpeg, png, tiff, webp};

/// Most bytes that a packet is unpacked to.
const PACKET_BYTES: u64 = 1 << 20;

/// The fields' numbers in a TIFF, and in Exif, which is one (TIFF 6.0 §8, XMP part 3 §3.2).
const ARTIST: u16 = 315;
const COPYRIGHT: u16 = 33_432;
const XMP: u16 = 700;
const IPTC: u16 = 33_723;
const PHOTOSHOP: u16 = 34_377;

/// What is there.
#[derive(Default)]
pub(super) struct Sources<'a> {
    pub(super) xmp: Option<Cow<'a, [u8]>>,
    /// Records of IPTC-IIM, perhaps within Photoshop's blocks.
    pub(super) iptc: Option<Cow<'a, [u8]>>,
    pub(super) artist: Option<Cow<'a, [u8]>>,
    pub(super) copyright: Option<Cow<'a, [u8]>>,
}

impl<'a> Sources<'a> {
    pub(super) fn find(file: &'a [u8], format: ImageFormat) -> Self {
        let mut sources = Self::default();
        match format {
            ImageFormat::Jpeg => sources.of_jpeg(file),
            ImageFormat::Png => sources.of_png(file),
            ImageFormat::Webp => {
                sources.xmp = webp::find(file, *b"XMP ").map(Cow::Borrowed);
                if let Some(block) = webp::find(file, *b"EXIF") {
                    sources.of_exif(block);
                }
            }
            ImageFormat::Avif | ImageFormat::Heic => sources.of_heif(file),
            ImageFormat::Tiff => {
                let field = |tag| tiff::field(file, tag).map(Cow::Owned);
                sources.xmp = field(XMP);
                sources.iptc = field(IPTC).or_else(|| field(PHOTOSHOP));
                (sources.artist, sources.copyright) = (field(ARTIST), field(COPYRIGHT));
            }
            ImageFormat::Gif => sources.xmp = gif_extension(file).map(Cow::Borrowed),
            ImageFormat::Jxl => {
                sources.xmp = heif::top_box(file, *b"xml ").map(Cow::Borrowed);
                if let Some(block) = heif::top_box(file, *b"Exif").and_then(exif_block) {
                    sources.of_exif(block);
                }
            }
            ImageFormat::Bmp => {}
        }
        sources
    }

    fn of_exif(&mut self, block: &[u8]) {
        let field = |tag| exif::text(block, tag).map(|text| Cow::Owned(text.to_vec()));
        (self.artist, self.copyright) = (field(ARTIST), field(COPYRIGHT));
    }

    fn of_jpeg(&mut self, file: &'a [u8]) {
        const APP1: u8 = 0xE1;
        const APP13: u8 = 0xED;
        for (kind, body) in jpeg::segments(file) {
            if kind == APP1 {
                if let Some(packet) = body.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    self.xmp.get_or_insert(Cow::Borrowed(packet));
                } else if let Some(block) = body.strip_prefix(b"Exif\0\0") {
                    self.of_exif(block);
                }
            } else if kind == APP13
                && let Some(blocks) = body.strip_prefix(b"Photoshop 3.0\0")
            {
                self.iptc.get_or_insert(Cow::Borrowed(blocks));
            }
        }
    }

    fn of_png(&mut self, file: &'a [u8]) {
        let mut bytes = Bytes::new(file);
        let chunk = |bytes: &mut Bytes<'a>| {
            let (length, kind) = (bytes.u32_be().ok()?, bytes.fourcc().ok()?);
            let data = bytes.take(length as usize).ok()?;
            bytes.skip(4).ok()?; // checksum
            Some((kind, data))
        };
        if bytes.skip(png::SIGNATURE.len()).is_err() {
            return;
        }
        while let Some((kind, data)) = chunk(&mut bytes) {
            match &kind {
                b"eXIf" => self.of_exif(data),
                b"iTXt" if self.xmp.is_none() => self.xmp = png_text(data),
                _ => {}
            }
        }
    }

    fn of_heif(&mut self, file: &'a [u8]) {
        self.xmp =
            heif::item(file, *b"mime").filter(|packet| packet.trim_ascii_start().starts_with(b"<"));
        let item = heif::item(file, *b"Exif");
        if let Some(block) = item.as_deref().and_then(exif_block) {
            self.of_exif(block);
        }
    }
}

/// What begins with how many bytes there are before the structure.
fn exif_block(item: &[u8]) -> Option<&[u8]> {
    let (skip, rest) = item.split_first_chunk::<4>()?;
    rest.get(u32::from_be_bytes(*skip) as usize..)
}

/// The text of a chunk that is a packet of XMP (PNG third edition §11.3.3.4).
fn png_text(chunk: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [is_packed, _method, rest @ ..] = chunk.strip_prefix(b"XML:com.adobe.xmp\0")? else {
        return None;
    };
    // The language, and the keyword in it.
    let mut parts = rest.splitn(3, |byte| *byte == 0);
    let text = parts.nth(2)?;
    if *is_packed == 0 {
        return Some(Cow::Borrowed(text));
    }
    let mut unpacked = Vec::new();
    ZlibDecoder::new(text)
        .take(PACKET_BYTES)
        .read_to_end(&mut unpacked)
        .ok()?;
    Some(Cow::Owned(unpacked))
}

/// What follows the name of the extension that is a packet of XMP (XMP part 3 §1.1.2). It is not in blocks as others, but
/// lies there as it is.
fn gif_extension(file: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"\x21\xFF\x0BXMP DataXMP";
    let at = file.windows(NAME.len()).position(|bytes| bytes == NAME)?;
    file.get(at + NAME.len()..)
}
