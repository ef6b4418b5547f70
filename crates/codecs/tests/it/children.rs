//! Decodes in real child processes.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use codecs::{
    DecodeError, Decoders, Encoding, HDR_FILE, HdrPlan, ImageLimits, RenderPlan, RenderedImage,
};
use media::RejectionCode;
use media::formats::ImageFormat;
use sandbox::{Limits, Resource};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::fixtures::{Picture, jpeg_rgb, noise, plan, png_rgb, with_exif};

const HELPER: &str = env!("CARGO_BIN_EXE_codecs-test-helper");

fn decoders(deed: &str) -> Decoders {
    Decoders::new(HELPER.into(), vec![deed.into()])
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn photo() -> File {
    file(&with_exif(&jpeg_rgb(&noise(320, 200), 320, 200), 6))
}

/// The outputs of a file that takes more than one child, and ffmpeg.
pub fn rendered_by_children(
    bytes: &[u8],
    plan: &RenderPlan,
    limits: &ImageLimits,
) -> Result<Vec<(RenderedImage, Vec<u8>)>, DecodeError> {
    let folder = tempfile::tempdir().unwrap();
    let rendering = render("decode", file(bytes), plan, folder.path(), limits);
    let images = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(rendering)?;
    let read = |image: RenderedImage| {
        let extension = match plan.encoding {
            Encoding::Webp => "webp",
            Encoding::Avif => "avif",
        };
        let path = folder.path().join(format!("{}.{extension}", image.name));
        (image, fs::read(path).unwrap())
    };
    Ok(images.into_iter().map(read).collect())
}

/// The picture with a gain map of a file.
pub fn hdr_by_children(bytes: &[u8]) -> Result<Option<Vec<u8>>, DecodeError> {
    let (folder, cancel) = (tempfile::tempdir().unwrap(), CancellationToken::new());
    let (limits, decoders) = (ImageLimits::default(), decoders("decode"));
    let plan = HdrPlan {
        quality: 90,
        keep_rights: false,
    };
    let rendering = decoders.render_hdr(file(bytes), &plan, folder.path(), &limits, &cancel);
    let image = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(rendering)?;
    let made = folder.path().join(HDR_FILE);
    assert_eq!(image.is_some(), made.exists());
    Ok(image.map(|_| fs::read(made).unwrap()))
}

#[tokio::test]
async fn the_libraries_of_each_format_do_with_the_few_calls_that_a_child_may_make() {
    let limits = ImageLimits::default();
    let pixels = noise(96, 400);
    for (name, bytes) in [
        ("avif", crate::heif::avif(&[[200, 30, 30]])),
        (
            "avif of frames",
            crate::heif::avif(&[[200, 30, 30], [9; 3]]),
        ),
        ("heic", crate::heif::heic([200, 30, 30])),
        (
            "jxl",
            crate::jxl::jxl("p.png", &png_rgb(&pixels, 96, 400), &[]),
        ),
        ("bmp", crate::partial::bmp(&pixels, (96, 400))),
        ("tiff", crate::partial::tiff(&pixels, (96, 400))),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(&[None, Some(16)]);
        let images = render("decode", file(&bytes), &plan, folder.path(), &limits).await;
        assert_eq!(images.unwrap().len(), 2, "{name}");
    }
}

fn with_memory(memory_bytes: u64) -> ImageLimits {
    let usual = ImageLimits::default();
    ImageLimits {
        process: Limits {
            memory_bytes,
            ..usual.process
        },
        ..usual
    }
}

fn code_of(error: &DecodeError) -> Option<RejectionCode> {
    match error {
        DecodeError::Rejected(rejection) => Some(rejection.code),
        _ => None,
    }
}

async fn render(
    deed: &str,
    input: File,
    plan: &RenderPlan,
    folder: &Path,
    limits: &ImageLimits,
) -> Result<Vec<RenderedImage>, DecodeError> {
    decoders(deed)
        .render_image(input, plan, folder, limits, &CancellationToken::new())
        .await
        .map(|rendered| rendered.pictures)
}

#[tokio::test]
async fn a_photo_is_probed_and_rendered_in_a_confined_child() {
    let limits = ImageLimits::default();
    let cancel = CancellationToken::new();
    let mut input = photo();
    input.seek(SeekFrom::End(0)).unwrap(); // where a writer left it
    let copy = input.try_clone().unwrap();
    let probe = decoders("decode")
        .probe_image(copy, &limits, &cancel)
        .await
        .unwrap();
    assert_eq!(
        (probe.format, probe.width, probe.height),
        (ImageFormat::Jpeg, 200, 320)
    );

    let folder = TempDir::new().unwrap();
    let plan = plan(&[Some(640), Some(64), Some(128), None]);
    let images = render("decode", input, &plan, folder.path(), &limits)
        .await
        .unwrap();
    let names: Vec<_> = images.iter().map(|image| &*image.name).collect();
    assert_eq!(names, ["out-1", "out-2", "out-3"]);
    for image in &images {
        let bytes = fs::read(folder.path().join(format!("{}.webp", image.name))).unwrap();
        let picture = Picture::open(&bytes);
        assert_eq!((image.width, image.height), (picture.width, picture.height));
        assert_eq!(image.size_bytes, bytes.len() as u64);
    }
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 3, "the file of the output that was left out is gone");
}

#[tokio::test]
async fn a_refused_file_says_why() {
    let bomb = [
        &b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x01\x86\xA0\0\x01\x86\xA0"[..],
        &[8, 6, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let cases = [
        (&bomb[..], RejectionCode::TooManyPixels),
        (b"PK\x03\x04", RejectionCode::UnsupportedType),
    ];
    for (bytes, code) in cases {
        let limits = with_memory(64 << 20);
        let cancel = CancellationToken::new();
        let error = decoders("decode")
            .probe_image(file(bytes), &limits, &cancel)
            .await
            .unwrap_err();
        assert_eq!(code_of(&error), Some(code), "{error:?}");
    }
}

#[tokio::test]
async fn a_file_over_the_size_limit_is_not_read() {
    let limits = ImageLimits {
        max_input_bytes: 1000,
        ..ImageLimits::default()
    };
    let folder = TempDir::new().unwrap();
    let error = render("decode", photo(), &plan(&[None]), folder.path(), &limits).await;
    assert_eq!(
        code_of(&error.unwrap_err()),
        Some(RejectionCode::FileTooLarge)
    );
}

#[tokio::test]
async fn a_picture_that_needs_more_memory_than_allowed_is_the_files_fault() {
    let bytes = png_rgb(&vec![9; 6000 * 4000 * 3], 6000, 4000);
    let limits = with_memory(64 << 20);
    let folder = TempDir::new().unwrap();
    let error = render(
        "decode",
        file(&bytes),
        &plan(&[None]),
        folder.path(),
        &limits,
    )
    .await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, DecodeError::LimitHit { resource: Resource::Memory, allowed } if allowed == "64 MiB"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_starts_nothing() {
    let folder = TempDir::new().unwrap();
    let mut plan = plan(&[None]);
    "../escape".clone_into(&mut plan.outputs[0].name);
    let error = render(
        "decode",
        photo(),
        &plan,
        folder.path(),
        &ImageLimits::default(),
    )
    .await;
    assert!(matches!(error, Err(DecodeError::InvalidJob(_))));
}

#[tokio::test]
async fn an_answer_that_is_untrue_is_not_believed() {
    let folder = TempDir::new().unwrap();
    let limits = ImageLimits::default();
    let rendered = render("lie", photo(), &plan(&[None]), folder.path(), &limits).await;
    assert!(
        matches!(rendered, Err(DecodeError::Protocol(_))),
        "{rendered:?}"
    );
}
