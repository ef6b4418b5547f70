//! Pictures of telephones, and animations that are too long.

use std::process::Command;

use crate::{
    films::{body, upload, urls},
    fixtures::{decode_webp, phone_photo, webp_chunks},
    stack::Stack,
};

/// A HEIC of that photo, as heif-enc writes it: with the photo's Exif.
fn heic(stack: &Stack) -> Vec<u8> {
    let photo = stack.file("photo.jpg", &phone_photo(320, 200));
    let heic = photo.with_extension("heic");
    let made = Command::new("heif-enc")
        .arg(&photo)
        .arg("-o")
        .arg(&heic)
        .output()
        .expect("heif-enc is installed");
    assert!(made.status.success(), "{made:?}");
    std::fs::read(heic).unwrap()
}

/// A GIF of one pixel in so many frames.
fn long_gif(frames: usize) -> Vec<u8> {
    let head = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\xff";
    let frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0";
    [&head[..], &frame.repeat(frames), b"\x3b"].concat()
}

#[tokio::test]
async fn a_heic_becomes_pictures_without_metadata_and_too_long_an_animation_its_first_frame() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);

    let photo = heic(&stack);
    let file = upload(&stack, &api, &stack.file("IMG_1.HEIC", &photo)).await;
    assert_eq!(file["content_type"], "image/heic");
    assert_eq!(file["warnings"], serde_json::json!([]));
    assert_eq!(
        urls(&file, "thumbnail").len(),
        2,
        "what Exif says of turning is not for HEIC"
    );
    let webp = body(&urls(&file, "full")[0], "image/webp").await;
    let chunks = webp_chunks(&webp);
    let bare = |chunk: &String| ["VP8 ", "VP8L"].contains(&&**chunk);
    assert!(chunks.iter().all(bare), "{chunks:?}");
    let (width, height, pixels) = decode_webp(&webp);
    assert_eq!(width.max(height), 320);
    // One of the photo's corners is red, one green, one blue, the last white.
    let corner = |x: u32, y: u32| {
        let at = ((y * width + x) * 3) as usize;
        [0, 1, 2].map(|channel| pixels[at + channel] > 128)
    };
    let (right, bottom) = (width - 4, height - 4);
    let mut corners = [
        corner(3, 3),
        corner(right, 3),
        corner(3, bottom),
        corner(right, bottom),
    ];
    corners.sort_unstable();
    let [red, green, blue] = [0, 1, 2].map(|lit| [0, 1, 2].map(|channel| channel == lit));
    assert_eq!(corners, [blue, green, red, [true; 3]]);

    let file = upload(&stack, &api, &stack.file("long.gif", &long_gif(2_001))).await;
    assert_eq!(file["warnings"], serde_json::json!(["first_frame_only"]));
}
