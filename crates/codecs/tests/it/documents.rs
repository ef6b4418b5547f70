//! Pages as viewers show them, and documents that are none.

use std::fmt::Write as _;
use std::panic::catch_unwind;

use codecs::document::{DocumentProbe, probe, render};
use codecs::image::ImageError;
use media::formats::DocumentFormat::{self, Csv, Pdf, Text};
use media::{Rejection, RejectionCode};

use crate::fixtures::{Random, plan};

const CATALOGUE: &str = "<< /Type /Catalog /Pages 2 0 R >>";
const PAGES: &str = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";

/// A PDF of these objects, numbered from 1, the first being the catalogue.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let (mut text, mut table) = ("%PDF-1.7\n".to_owned(), String::new());
    for (index, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", text.len()).unwrap();
        writeln!(text, "{} 0 obj\n{object}\nendobj", index + 1).unwrap();
    }
    let (start, count) = (text.len(), objects.len() + 1);
    write!(
        text,
        "xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n"
    )
    .unwrap();
    text.into_bytes()
}

/// An appearance of 10 x 10 points in one colour.
fn appearance(colour: &str) -> String {
    let content = format!("{colour} rg 0 0 10 10 re f");
    format!(
        "<< /Type /XObject /Subtype /Form /BBox [0 0 10 10] /Length {} >>\nstream\n{content}\nendstream",
        content.len()
    )
}

/// The first page, 100 pixels wide, as red, green and blue.
pub fn drawn(bytes: &[u8], format: DocumentFormat) -> Result<(u32, Vec<u8>), ImageError> {
    let mut webp = Vec::new();
    let rendered = render(bytes, format, 1, &plan(&[Some(100)]), |_, bytes| {
        webp.extend_from_slice(bytes);
        Ok(())
    })?;
    let mut decoder = image_webp::WebPDecoder::new(std::io::Cursor::new(webp)).unwrap();
    let mut pixels = vec![0; decoder.output_buffer_size().unwrap()];
    decoder.read_image(&mut pixels).unwrap();
    let height = rendered.pictures[0].height;
    assert_eq!(pixels.len(), 100 * height as usize * 3);
    Ok((height, pixels))
}

/// `r`, `g`, `b` or `w` at the middle of each quarter: upper left, upper right, lower left, lower right.
fn quarters(bytes: &[u8]) -> String {
    let (height, pixels) = drawn(bytes, Pdf).unwrap();
    [(25, 1), (75, 1), (25, 3), (75, 3)]
        .map(|(left, quarter)| {
            let at = ((height * quarter / 4) as usize * 100 + left) * 3;
            match [0, 1, 2].map(|channel| pixels[at + channel] > 127) {
                [true, false, false] => 'r',
                [false, true, false] => 'g',
                [false, false, true] => 'b',
                [true, true, true] => 'w',
                _ => '?',
            }
        })
        .iter()
        .collect()
}

/// A page of 200 x 200 points, its lower left quarter red, the right one below blue, with `more` in its dictionary.
fn page(more: &str, others: &[&str]) -> Vec<u8> {
    let content = "1 0 0 rg 0 0 100 100 re f 0 0 1 rg 100 0 100 100 re f";
    let stream = format!(
        "<< /Length {} >>\nstream\n{content}\nendstream",
        content.len()
    );
    let page =
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R {more} >>");
    let objects = [&[CATALOGUE, PAGES, &page, &stream][..], others].concat();
    pdf(&objects)
}

#[test]
fn pages_are_turned_cropped_and_annotated_as_in_viewers() {
    let green = appearance("0 1 0");
    let annotation =
        |more: &str| format!("<< /Type /Annot /Rect [0 100 100 200] /AP << /N 5 0 R >> {more} >>");
    let annotated = |more: &str| {
        let annotation = annotation(more);
        page("/Annots [6 0 R]", &[&green, &annotation])
    };
    for (what, bytes, expected) in [
        ("as it is", page("", &[]), "wwrb"),
        ("turned right", page("/Rotate 90", &[]), "rwbw"),
        ("turned over", page("/Rotate 180", &[]), "brww"),
        ("turned left", page("/Rotate -90", &[]), "wbwr"),
        ("cropped", page("/CropBox [0 0 100 100]", &[]), "rrrr"),
        (
            "cropped to more than there is",
            page("/CropBox [-900 -900 900 900]", &[]),
            "wwrb",
        ),
        ("a stamp", annotated("/Subtype /Stamp"), "gwrb"),
        ("a hidden stamp", annotated("/Subtype /Stamp /F 2"), "wwrb"),
        (
            "a field",
            annotated("/Subtype /Widget /FT /Tx /T (name) /V (x)"),
            "gwrb",
        ),
        (
            "a script",
            page("/AA << /O << /S /JavaScript /JS (while\\(1\\);) >> >>", &[]),
            "wwrb",
        ),
    ] {
        assert_eq!(quarters(&bytes), expected, "{what}");
    }
}

fn code(probed: Result<DocumentProbe, Rejection>) -> Option<RejectionCode> {
    probed.err().map(|refusal| refusal.code)
}

#[test]
fn what_shows_no_page_is_refused_by_name() {
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>";
    let xfa = "<< /Type /Catalog /Pages 2 0 R /NeedsRendering true /AcroForm << /XFA (x) /Fields [] >> >>";
    let flat = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 1000000 200] >>";
    for (what, bytes, expected) in [
        (
            "empty",
            pdf(&[CATALOGUE, "<< /Type /Pages /Kids [] /Count 0 >>"]),
            Some(RejectionCode::Empty),
        ),
        (
            "a page that is not there",
            pdf(&[
                CATALOGUE,
                "<< /Type /Pages /Kids [9 0 R] /Count 213804087 >>",
            ]),
            Some(RejectionCode::Malformed),
        ),
        (
            "a form of a program",
            pdf(&[xfa, PAGES, page]),
            Some(RejectionCode::XfaOnly),
        ),
        (
            "too large a page",
            pdf(&[CATALOGUE, PAGES, flat]),
            Some(RejectionCode::Malformed),
        ),
        (
            "noise",
            b"%PDF-1.7\nnoise".to_vec(),
            Some(RejectionCode::Malformed),
        ),
        ("a blank page", pdf(&[CATALOGUE, PAGES, page]), None),
    ] {
        assert_eq!(code(probe(&bytes, Pdf)), expected, "{what}");
    }
}

#[test]
fn letters_of_many_scripts_are_drawn_or_marked_as_unknown() {
    for letters in [
        "Latin",
        "Ελληνικά",
        "Кириллица",
        "漢字かな",
        "한국어",
        "עברית",
        "العربية",
        "🦀",
    ] {
        let (_, pixels) = drawn(letters.repeat(20).as_bytes(), Text).unwrap();
        let darkest = pixels.iter().min().unwrap();
        assert!(*darkest < 200, "{letters}: {darkest}");
    }
}

#[test]
fn a_csv_is_drawn_as_a_table_under_a_head() {
    let table = "heading,heading\n".repeat(8);
    let numbers = table.replace("heading", "1234567");
    // The mean of a row of the table, from 0 for black to 255 for white, within its first column.
    let mean = |pixels: &[u8], row: usize| {
        let tops = 6 + row * 18 / 7..8 + row * 18 / 7;
        let shown = tops.flat_map(|y| &pixels[(y * 100 + 7) * 3..(y * 100 + 17) * 3]);
        let sum: usize = shown.copied().map(usize::from).sum();
        sum / 60
    };
    let (_, pixels) = drawn(table.as_bytes(), Csv).unwrap();
    assert!(
        mean(&pixels, 0) + 10 < mean(&pixels, 2),
        "the first row is emphasised"
    );
    let (_, pixels) = drawn(numbers.as_bytes(), Csv).unwrap();
    assert!(
        mean(&pixels, 0).abs_diff(mean(&pixels, 2)) < 8,
        "numbers are no head"
    );
    let (_, as_text) = drawn(numbers.as_bytes(), Text).unwrap();
    assert_ne!(pixels, as_text);
}

/// By hand over documents in a folder: `MUTATED_DOCUMENTS=folder:count`.
#[test]
fn damaged_documents_are_shown_or_refused() {
    let green = appearance("0 1 0");
    let stamp = "<< /Type /Annot /Subtype /Stamp /Rect [0 100 100 200] /AP << /N 5 0 R >> >>";
    let mut documents = vec![page("/Annots [6 0 R]", &[&green, stamp])];
    let mut rounds = 200;
    if let Ok(by_hand) = std::env::var("MUTATED_DOCUMENTS") {
        let (folder, count) = by_hand.split_once(':').unwrap();
        let files = std::fs::read_dir(folder).unwrap();
        documents = files
            .map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect();
        rounds = count.parse().unwrap();
    }
    let mut random = Random(1);
    let (mut shown, mut panics) = (0, 0);
    for round in 0..rounds {
        let mut bytes = documents[round % documents.len()].clone();
        if round % 2 == 0 {
            bytes.truncate(random.below(bytes.len()));
        } else {
            for _ in 0..=random.below(8) {
                let at = random.below(bytes.len());
                bytes[at] = u8::try_from(random.below(256)).unwrap();
            }
        }
        match catch_unwind(|| drawn(&bytes, Pdf).is_ok()) {
            Ok(true) => shown += 1,
            Ok(false) => {}
            Err(_) => panics += 1,
        }
    }
    assert_eq!(panics, 0, "of {rounds}, {shown} were shown");
    assert!(shown > 0);
}
