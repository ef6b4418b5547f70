//! Whose a picture is, in what is made of it.

use std::io::Cursor;

use codecs::image::render;
use codecs::{ImageLimits, RenderPlan};

use crate::fixtures::{RED, Random, gif, jpeg_rgb, noise, plan, png, uniform, with_segment};

/// A TIFF structure with an artist and a copyright of a photographer and an editor.
fn exif() -> Vec<u8> {
    let (artist, copyright) = (&b"Zo\xc3\xab\0"[..], &b" \0(c) Editor\0"[..]);
    let texts = 8 + 2 + 2 * 12 + 4_u32;
    let entry = |tag: u16, text: &[u8], at: u32| {
        let count = u32::try_from(text.len()).unwrap();
        [
            &tag.to_le_bytes()[..],
            &2_u16.to_le_bytes(),
            &count.to_le_bytes(),
            &at.to_le_bytes(),
        ]
        .concat()
    };
    let second = texts + u32::try_from(artist.len()).unwrap();
    [
        b"II*\0\x08\0\0\0\x02\0".to_vec(),
        entry(315, artist, texts),
        entry(33_432, copyright, second),
        vec![0; 4],
        artist.to_vec(),
        copyright.to_vec(),
    ]
    .concat()
}

/// The only output of a file, its pixels, and its packet of XMP.
fn made(file: &[u8], keep_rights: bool) -> (Vec<u8>, Option<String>) {
    let plan = RenderPlan {
        keep_rights,
        ..plan(&[None])
    };
    let mut webp = Vec::new();
    let rendered = render(file, &[], &ImageLimits::default(), &plan, |_, bytes| {
        webp.extend_from_slice(bytes);
        Ok(())
    });
    let rendered = rendered.unwrap();
    assert_eq!(rendered.pictures[0].size_bytes, webp.len() as u64);
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(webp)).unwrap();
    let packet = decoder.xmp_metadata().unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    if decoder.is_animated() {
        for _ in 0..decoder.num_frames() {
            decoder.read_frame(&mut pixels).unwrap();
        }
    } else {
        decoder.read_image(&mut pixels).unwrap();
    }
    (
        pixels,
        packet.map(|packet| String::from_utf8(packet).unwrap()),
    )
}

const XMP: &str = "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
    <rdf:Description xmlns:photoshop='http://ns.adobe.com/photoshop/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
    photoshop:Credit='A &amp; B' photoshop:City='Paris' exif:GPSLatitude='48,51.46N'/></rdf:RDF></x:xmpmeta>";

/// A PNG with the packet, its pixels all the same.
fn with_packet(color: png::ColorType, pixel: &[u8]) -> Vec<u8> {
    png(
        &uniform(40, 30, pixel),
        (40, 30),
        (color, png::BitDepth::Eight),
        |info| {
            let text = png::text_metadata::ITXtChunk::new("XML:com.adobe.xmp", XMP);
            info.utf8_text.push(text);
        },
    )
}

#[test]
fn every_kind_of_output_says_whose_it_is_and_looks_the_same() {
    let frames = gif(&[9; 64], (8, 8), (0, 0), (8, 8));
    let body = frames.len() - 1;
    let animation = [
        &frames[..body],
        b"\x21\xFF\x0BXMP DataXMP",
        XMP.as_bytes(),
        &frames[body..],
    ]
    .concat();
    let photo = jpeg_rgb(&noise(41, 31), 41, 31);
    for (name, file) in [
        (
            "a photo",
            with_segment(
                &photo,
                0xE1,
                &[b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat(),
            ),
        ),
        ("a graphic", with_packet(png::ColorType::Rgb, &RED)),
        (
            "one that is seen through",
            with_packet(png::ColorType::Rgba, &[200, 30, 30, 99]),
        ),
        ("an animation", animation),
    ] {
        let (pixels, packet) = made(&file, true);
        let packet = packet.unwrap_or_else(|| panic!("{name}"));
        assert!(
            packet.contains("<photoshop:Credit>A &amp; B</photoshop:Credit>"),
            "{name}: {packet}"
        );
        assert!(
            !packet.contains("Paris") && !packet.contains("48,51"),
            "{name}: {packet}"
        );
        assert_eq!(made(&file, false), (pixels, None), "{name}");
    }
}

#[test]
fn what_exif_says_is_kept_where_nothing_else_says_it() {
    let photo = jpeg_rgb(&noise(16, 16), 16, 16);
    let photo = with_segment(&photo, 0xE1, &[&b"Exif\0\0"[..], &exif()].concat());
    let (_, packet) = made(&photo, true);
    let packet = packet.unwrap();
    assert!(
        packet.contains(">Zoë<") && packet.contains(">(c) Editor<"),
        "{packet}"
    );
    let (_, nothing) = made(&jpeg_rgb(&noise(16, 16), 16, 16), true);
    assert_eq!(nothing, None);
}

#[test]
fn damaged_metadata_never_panics_and_refuses_nothing() {
    let records = b"\x1C\x02\x50\0\x04Anna\x1C\x02\x74\0\x06(c) Me";
    let blocks = [&b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x14"[..], records].concat();
    let packet = [b"http://ns.adobe.com/xap/1.0/\0", XMP.as_bytes()].concat();
    let mut random = Random(3);
    let mut kept = 0;
    for round in 0..900 {
        let bodies = [&b"Exif\0\0"[..], &exif()].concat();
        let (marker, mut body, head) = match round % 3 {
            0 => (0xE1, bodies, 6),
            1 => (0xED, blocks.clone(), 14),
            _ => (0xE1, packet.clone(), 29),
        };
        for _ in 0..=random.below(6) {
            let at = head + random.below(body.len() - head);
            body[at] = random.next().to_le_bytes()[0];
        }
        let photo = with_segment(&jpeg_rgb(&noise(8, 8), 8, 8), marker, &body);
        kept += u32::from(made(&photo, true).1.is_some());
    }
    assert!((100..900).contains(&kept), "{kept}");
}
