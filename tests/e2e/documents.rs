//! Documents: from upload to the picture of their first page.

use std::fmt::Write as _;

use serde_json::Value;

use crate::{
    films::{body, upload, urls},
    fixtures::{decode_webp, webp_chunks},
    stack::Stack,
};

/// A PDF of these objects, numbered from 1, the first being the catalogue.
fn pdf(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = String::new();
    for (index, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", bytes.len()).unwrap();
        bytes.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let (start, count) = (bytes.len(), objects.len() + 1);
    let end = format!(
        "xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\n\
         startxref\n{start}\n%%EOF\n"
    );
    bytes.extend(end.bytes());
    bytes
}

/// Pages of 400 × 300 points, each with a red and a blue part of the left and right half of its lower edge; turned by
/// so many degrees, and cropped to `crop`.
pub fn pages(count: usize, turned: u32, crop: &str) -> Vec<u8> {
    let content = "1 0 0 rg 0 0 200 100 re f 0 0 1 rg 200 0 200 100 re f";
    let kids: Vec<String> = (0..count).map(|page| format!("{} 0 R", page + 4)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {count} >>",
            kids.join(" ")
        ),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
    ];
    let page = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] {crop} /Rotate {turned} /Contents 3 0 R >>"
    );
    objects.extend(vec![page; count]);
    pdf(&objects, "/Info << /Author (SECRET) >>")
}

/// A document of one page that says this of itself in its catalogue.
fn with_catalogue(catalogue: &str) -> Vec<u8> {
    let objects = [
        format!("<< /Type /Catalog /Pages 2 0 R {catalogue} >>"),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] >>".to_owned(),
    ];
    pdf(&objects, "")
}

fn colour(pixels: &[u8], width: u32, x: u32, y: u32) -> &'static str {
    let at = (y * width + x) as usize * 3;
    match [0, 1, 2].map(|channel| pixels[at + channel] / 64) {
        [3, 0, 0] => "red",
        [0, 0, 3] => "blue",
        [3, 3, 3] => "white",
        _ => "another",
    }
}

/// The colours of the four corners of a document's first page, from the top left, and the picture's size.
async fn corners(file: &Value) -> ([&'static str; 4], (u32, u32)) {
    let url = file["cdn_url"].as_str().unwrap();
    assert_eq!(urls(file, "page")[0], url);
    let webp = body(url, "image/webp").await;
    let chunks = webp_chunks(&webp);
    assert!(
        chunks
            .iter()
            .all(|chunk| ["VP8 ", "VP8L"].contains(&&**chunk)),
        "{chunks:?}"
    );
    let (width, height, pixels) = decode_webp(&webp);
    let colour = |x: u32, y: u32| colour(&pixels, width, x, y);
    let (right, bottom) = (width - 20, height - 20);
    let corners = [
        colour(20, 20),
        colour(right, 20),
        colour(20, bottom),
        colour(right, bottom),
    ];
    (corners, (width, height))
}

#[tokio::test]
async fn a_document_shows_its_first_page_as_viewers_do() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let file = upload(&stack, &api, &stack.file("letter.pdf", &pages(3, 0, ""))).await;
    assert_eq!(file["content_type"], "application/pdf");
    assert_eq!(file["document"]["pages"], 3);
    assert_eq!(file["document"]["width_points"], 400.0);
    assert_eq!(file["document"]["height_points"], 300.0);
    assert_eq!(numbers(&file), [1, 1, 1]);
    assert_eq!(
        corners(&file).await,
        (["white", "white", "red", "blue"], (1280, 960))
    );

    let turned = upload(&stack, &api, &stack.file("turned.pdf", &pages(1, 90, ""))).await;
    assert_eq!(turned["document"]["width_points"], 300.0);
    assert_eq!(
        corners(&turned).await,
        (["red", "white", "blue", "white"], (1280, 1707))
    );

    let crop = "/CropBox [100 0 300 100]";
    let cropped = upload(&stack, &api, &stack.file("cropped.pdf", &pages(1, 0, crop))).await;
    assert_eq!(
        corners(&cropped).await,
        (["red", "blue", "red", "blue"], (1280, 640))
    );

    // The table of objects is cut off: viewers find them all the same.
    let whole = pages(2, 0, "");
    let damaged = &whole[..whole.len() - 60];
    let damaged = upload(&stack, &api, &stack.file("damaged.pdf", damaged)).await;
    assert_eq!(damaged["document"]["pages"], 2);
}

#[tokio::test]
async fn documents_without_a_page_to_show_are_refused_by_a_code_of_their_own() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let key = "<00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff>";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] >>".to_owned(),
        format!("<< /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -4 >>"),
    ];
    let encrypted = pdf(&objects, "/Encrypt 4 0 R /ID [<00> <00>]");
    let form = with_catalogue("/NeedsRendering true /AcroForm << /XFA (x) /Fields [] >>");
    let empty = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [] /Count 0 >>".to_owned(),
    ];
    let noise = b"%PDF-1.7\nthere is nothing of a document in here\n%%EOF\n";
    for (name, bytes, code) in [
        ("encrypted.pdf", &encrypted[..], "encrypted"),
        ("form.pdf", &form, "xfa_only"),
        ("empty.pdf", &pdf(&empty, ""), "empty"),
        ("noise.pdf", noise, "malformed"),
    ] {
        let (well, printed) = stack.upload(&api, &stack.file(name, bytes)).await;
        assert!(!well, "{name}: {printed}");
        let rejection = &printed["file"]["rejection"];
        assert_eq!(rejection["code"], code, "{name}: {printed}");
        // That it asks for a password, the scanner may find first.
        assert!(rejection["step"] == "probe" || code == "encrypted");
    }
    let signed = with_catalogue("/AcroForm << /XFA (x) /Fields [3 0 R] >>");
    let (well, printed) = stack.upload(&api, &stack.file("form.pdf", &signed)).await;
    assert!(well, "a form with fields of its own is shown: {printed}");
}

/// The numbers of the pages that are shown, as often as there are pictures of them.
fn numbers(file: &Value) -> Vec<u64> {
    let variants = file["variants"].as_array().unwrap().iter();
    variants
        .map(|variant| variant["page"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn as_many_pages_are_shown_as_are_wanted_and_can_be_drawn() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [("MEDIAMILL_DOCUMENT_PAGES", "3")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let file = upload(&stack, &api, &stack.file("letter.pdf", &pages(5, 0, ""))).await;
    assert_eq!(numbers(&file), [1, 1, 1, 2, 3]);
    for variant in file["variants"].as_array().unwrap() {
        let placeholder = &variant["placeholder"];
        assert!(placeholder["thumbhash"].is_string(), "{variant}");
        assert!(placeholder["color"].is_string(), "{variant}");
    }
    assert_eq!(file["variants"][0]["placeholder"], file["placeholder"]);
    assert_eq!(corners(&file).await.1, (1280, 960));
    assert_eq!(file["warnings"], serde_json::json!([]));
    let pictures = urls(&file, "page");
    for (picture, name) in [
        (&pictures[3], "page-2-640.webp"),
        (&pictures[4], "page-3-640.webp"),
    ] {
        assert!(picture.ends_with(name), "{picture}");
        let (width, height, pixels) = decode_webp(&body(picture, "image/webp").await);
        assert_eq!((width, height), (640, 480));
        assert_eq!(colour(&pixels, width, 10, 470), "red");
    }

    let short = upload(&stack, &api, &stack.file("short.pdf", &pages(2, 0, ""))).await;
    assert_eq!(numbers(&short), [1, 1, 1, 2]);

    let text = "first\x0csecond\x0cthird\x0cfourth";
    let text = upload(&stack, &api, &stack.file("text.txt", text.as_bytes())).await;
    assert_eq!(numbers(&text), [1, 1, 1, 2, 3]);

    // The second page is larger than viewers take; the first is narrower than what is made of the third.
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R] /Count 3 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 20 2000] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1000000 300] >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] >>",
    ];
    let odd = pdf(&objects.map(str::to_owned), "");
    let odd = upload(&stack, &api, &stack.file("odd.pdf", &odd)).await;
    assert_eq!(numbers(&odd), [1, 3]);
    assert_eq!(odd["warnings"], serde_json::json!(["pages_left_out"]));
    assert_eq!(odd["cdn_url"], odd["variants"][0]["url"]);
}

/// How much of a picture is dark, in millionths of its pixels.
fn ink(pixels: &[u8]) -> usize {
    let dark = pixels.chunks_exact(3).filter(|pixel| pixel[0] < 128);
    dark.count() * 3_000_000 / pixels.len()
}

#[tokio::test]
async fn letters_are_shown_whose_fonts_the_document_does_not_bring() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let content = "BT /F1 100 Tf 50 100 Td (\\223\\372\\226\\173) Tj ET";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 300] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type0 /BaseFont /MS-Gothic /Encoding /90ms-RKSJ-H /DescendantFonts [<< /Type /Font \
         /Subtype /CIDFontType2 /BaseFont /MS-Gothic /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) \
         /Supplement 2 >> >>] >>"
            .to_owned(),
    ];
    let file = upload(&stack, &api, &stack.file("nihon.pdf", &pdf(&objects, ""))).await;
    let webp = body(file["cdn_url"].as_str().unwrap(), "image/webp").await;
    let ink = ink(&decode_webp(&webp).2);
    assert!(
        (20_000..200_000).contains(&ink),
        "{ink} of a million pixels are dark"
    );
}

#[tokio::test]
async fn texts_become_pages() {
    let stack = Stack::served_by_the_edge().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    let utf16: Vec<u8> = "\u{feff}Ein Brief\n"
        .repeat(3)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, bytes, mime, pages) in [
        (
            "letter.txt",
            "Grüße, 漢字, שלום, Привет\n".repeat(130).into_bytes(),
            "text/plain",
            3,
        ),
        (
            "notes.md",
            b"# Notes\n\n* one\n* two\n".to_vec(),
            "text/markdown",
            1,
        ),
        (
            "table.csv",
            b"name,price\nm\xfcsli,3.50\n".to_vec(),
            "text/csv",
            1,
        ),
        ("utf16.txt", utf16, "text/plain", 1),
        ("bmw.txt", b"BMW is a car.\n".to_vec(), "text/plain", 1),
    ] {
        let file = upload(&stack, &api, &stack.file(name, &bytes)).await;
        assert_eq!(file["content_type"], mime, "{name}");
        assert_eq!(file["document"]["pages"], pages, "{name}");
        assert_eq!(file["document"]["height_points"], 842.0, "{name}");
        let webp = body(file["cdn_url"].as_str().unwrap(), "image/webp").await;
        let ink = ink(&decode_webp(&webp).2);
        assert!(ink > 0, "{name} is blank");
    }
}

#[tokio::test]
async fn what_is_no_text_or_is_run_by_browsers_is_refused_whatever_its_name() {
    let stack = Stack::new().await;
    let (api, _worker) = (stack.api().await, stack.worker().await);
    for (name, bytes, code) in [
        (
            "page.txt",
            &b"<!DOCTYPE html><script>alert(1)</script>"[..],
            "unsupported_type",
        ),
        ("script.txt", b"#!/bin/sh\necho\n", "unsupported_type"),
        (
            "picture.txt",
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            "unsupported_type",
        ),
        ("noise.txt", b"some\x00noise\x01", "unsupported_type"),
        ("blank.md", b" \n\t\n", "empty"),
    ] {
        let (well, printed) = stack.upload(&api, &stack.file(name, bytes)).await;
        assert!(!well, "{name}: {printed}");
        assert_eq!(
            printed["file"]["rejection"]["code"], code,
            "{name}: {printed}"
        );
    }
}
