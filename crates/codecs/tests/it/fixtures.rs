//! Small pictures with known pixels, in every format, and ways to look at what comes out.

use codecs::image::{ImageError, probe, render};
use codecs::{ImageLimits, ImageProbe, OutputSpec, RenderPlan, RenderedImage};

pub const RED: [u8; 3] = [200, 30, 30];
pub const GREEN: [u8; 3] = [30, 160, 30];
pub const BLUE: [u8; 3] = [40, 40, 200];
pub const WHITE: [u8; 3] = [240, 240, 240];

/// RGB pixels, one colour for each quarter: top left, top right, bottom left, bottom right.
pub fn quarters(width: usize, height: usize, colors: [[u8; 3]; 4]) -> Vec<u8> {
    let color = |x, y| colors[2 * usize::from(y >= height / 2) + usize::from(x >= width / 2)];
    (0..width * height)
        .flat_map(|i| color(i % width, i / width))
        .collect()
}

pub fn uniform(width: usize, height: usize, pixel: &[u8]) -> Vec<u8> {
    pixel.repeat(width * height)
}

/// A picture that no encoder can make tiny, the same in every run.
pub fn noise(width: usize, height: usize) -> Vec<u8> {
    let mut random = Random(7);
    (0..width * height * 3)
        .map(|_| random.next().to_le_bytes()[0])
        .collect()
}

/// Xorshift: numbers that look random and are the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }
}

pub fn jpeg(pixels: &[u8], width: u16, height: u16, color: jpeg_encoder::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    jpeg_encoder::Encoder::new(&mut bytes, 95)
        .encode(pixels, width, height, color)
        .unwrap();
    bytes
}

pub fn jpeg_rgb(pixels: &[u8], width: u16, height: u16) -> Vec<u8> {
    jpeg(pixels, width, height, jpeg_encoder::ColorType::Rgb)
}

/// `jpeg` with a segment right after its start.
pub fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, marker], &length, body, &jpeg[2..]].concat()
}

pub fn with_icc(jpeg: &[u8], icc: &[u8]) -> Vec<u8> {
    with_segment(jpeg, 0xE2, &[b"ICC_PROFILE\0\x01\x01", icc].concat())
}

/// A TIFF structure with an orientation and a GPS directory that says 48° north.
pub fn exif(orientation: u16) -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [
            &tag.to_be_bytes()[..],
            &kind.to_be_bytes(),
            &count.to_be_bytes(),
            &value,
        ]
        .concat()
    };
    let [high, low] = orientation.to_be_bytes();
    let gps_at = 8 + 2 + 2 * 12 + 4_u32;
    [
        b"MM\0*\0\0\0\x08\0\x02".to_vec(),
        entry(0x0112, 3, 1, [high, low, 0, 0]),
        entry(0x8825, 4, 1, gps_at.to_be_bytes()),
        vec![0; 4],
        b"\0\x02".to_vec(),
        entry(1, 2, 2, *b"N\0\0\0"),
        entry(2, 5, 3, (gps_at + 2 + 24 + 4).to_be_bytes()),
        vec![0; 4],
        [48, 1, 0, 1, 0, 1]
            .iter()
            .flat_map(|n: &u32| n.to_be_bytes())
            .collect(),
    ]
    .concat()
}

pub fn with_exif(jpeg: &[u8], orientation: u16) -> Vec<u8> {
    with_segment(
        jpeg,
        0xE1,
        &[b"Exif\0\0".to_vec(), exif(orientation)].concat(),
    )
}

/// A PNG whose encoder `setup` may add to.
pub fn png(
    pixels: &[u8],
    (width, height): (u32, u32),
    (color, depth): (png::ColorType, png::BitDepth),
    setup: impl FnOnce(&mut png::Info<'static>),
) -> Vec<u8> {
    let mut info = png::Info::with_size(width, height);
    (info.color_type, info.bit_depth) = (color, depth);
    setup(&mut info);
    let mut bytes = Vec::new();
    let mut writer = png::Encoder::with_info(&mut bytes, info)
        .unwrap()
        .write_header()
        .unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

pub fn png_rgb(pixels: &[u8], width: u32, height: u32) -> Vec<u8> {
    png(
        pixels,
        (width, height),
        (png::ColorType::Rgb, png::BitDepth::Eight),
        |_| {},
    )
}

/// A lossless WebP with whatever metadata is given.
pub fn webp(pixels: &[u8], (width, height): (u32, u32), exif: &[u8], icc: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
    if !exif.is_empty() {
        encoder.set_exif_metadata(exif.to_vec());
    }
    if !icc.is_empty() {
        encoder.set_icc_profile(icc.to_vec());
    }
    encoder
        .encode(pixels, width, height, image_webp::ColorType::Rgb8)
        .unwrap();
    bytes
}

/// An animation of two frames over a `screen`; the first is `indices` at `left`, `top`. Index 0
/// is [`RED`].
pub fn gif(
    indices: &[u8],
    (width, height): (u16, u16),
    (left, top): (u16, u16),
    screen: (u16, u16),
) -> Vec<u8> {
    let greys = (1..64).map(|level: u8| [level * 4; 3]);
    let palette: Vec<u8> = std::iter::once(RED).chain(greys).flatten().collect();
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, screen.0, screen.1, &[]).unwrap();
    let mut frame = gif::Frame::from_palette_pixels(width, height, indices, &*palette, None);
    (frame.left, frame.top) = (left, top);
    encoder.write_frame(&frame).unwrap();
    let indices = uniform(screen.0.into(), screen.1.into(), &[9]);
    let second = gif::Frame::from_palette_pixels(screen.0, screen.1, indices, palette, None);
    encoder.write_frame(&second).unwrap();
    drop(encoder);
    bytes
}

/// A small noisy picture in each format, whole and sound.
pub fn one_of_each() -> [(&'static str, Vec<u8>); 6] {
    let pixels = noise(96, 64);
    let indices: Vec<u8> = pixels.iter().step_by(3).map(|sample| sample % 64).collect();
    let mut progressive = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut progressive, 95);
    encoder.set_progressive(true);
    encoder
        .encode(&pixels, 96, 64, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    let plan = plan(&[None]);
    // Smaller ones are made without loss.
    let lossy = rendered(&png_rgb(&pixels, 96, 64), &plan).remove(0).1;
    [
        ("jpeg", jpeg_rgb(&pixels, 96, 64)),
        ("progressive jpeg", progressive),
        ("png", png_rgb(&pixels, 96, 64)),
        ("lossless webp", webp(&pixels, (96, 64), &[], &[])),
        ("lossy webp", lossy),
        ("gif", gif(&indices, (96, 64), (0, 0), (96, 64))),
    ]
}

pub fn plan(widths: &[Option<u32>]) -> RenderPlan {
    let output = |(index, &max_width): (usize, &Option<u32>)| OutputSpec {
        name: format!("out-{index}"),
        max_width,
        quality: 90,
        method: 2,
    };
    RenderPlan {
        outputs: widths.iter().enumerate().map(output).collect(),
        ..RenderPlan::default()
    }
}

pub fn probed(bytes: &[u8]) -> ImageProbe {
    probe(bytes, &ImageLimits::default()).unwrap()
}

pub fn rendered(bytes: &[u8], plan: &RenderPlan) -> Vec<(RenderedImage, Vec<u8>)> {
    try_rendered(bytes, plan, &ImageLimits::default()).unwrap()
}

pub fn try_rendered(
    bytes: &[u8],
    plan: &RenderPlan,
    limits: &ImageLimits,
) -> Result<Vec<(RenderedImage, Vec<u8>)>, ImageError> {
    let mut files = Vec::new();
    let images = render(bytes, &[], limits, plan, |_, webp| {
        files.push(webp.to_vec());
        Ok(())
    })?;
    Ok(images.pictures.into_iter().zip(files).collect())
}

/// The full-size rendering of `bytes`, decoded.
pub fn picture(bytes: &[u8]) -> Picture {
    Picture::open(&rendered(bytes, &plan(&[None]))[0].1)
}

/// Decoded pixels, for looking at.
pub struct Picture {
    pub width: u32,
    pub height: u32,
    channels: usize,
    data: Vec<u8>,
}

impl Picture {
    pub fn open(webp: &[u8]) -> Self {
        let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(webp)).unwrap();
        let (width, height) = decoder.dimensions();
        let mut data = vec![0; decoder.output_buffer_size().unwrap()];
        decoder.read_image(&mut data).unwrap();
        let channels = if decoder.has_alpha() { 4 } else { 3 };
        Self {
            width,
            height,
            channels,
            data,
        }
    }

    pub fn has_alpha(&self) -> bool {
        self.channels == 4
    }

    /// Red, green, blue and alpha.
    pub fn at(&self, x: u32, y: u32) -> [u8; 4] {
        let start = (y * self.width + x) as usize * self.channels;
        let pixel = &self.data[start..start + self.channels];
        [
            pixel[0],
            pixel[1],
            pixel[2],
            pixel.get(3).copied().unwrap_or(255),
        ]
    }

    #[track_caller]
    pub fn assert_near(&self, (x, y): (u32, u32), expected: [u8; 3], tolerance: u8) {
        let found = self.at(x, y);
        let near = found
            .iter()
            .zip(expected)
            .all(|(a, b)| a.abs_diff(b) <= tolerance);
        assert!(
            near,
            "at {x}, {y}: {found:?} is not within {tolerance} of {expected:?}"
        );
    }
}

/// The kinds of a WebP file's chunks.
pub fn chunks(webp: &[u8]) -> Vec<String> {
    let mut rest = &webp[12..];
    let mut kinds = Vec::new();
    while rest.len() >= 8 {
        kinds.push(String::from_utf8_lossy(&rest[..4]).trim().to_owned());
        let length = u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        rest = rest
            .get(8 + length.next_multiple_of(2)..)
            .unwrap_or_default();
    }
    kinds
}
