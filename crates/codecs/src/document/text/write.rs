//! Letters and lines as a PDF of one page.

use std::fmt::Write as _;

use skrifa::charmap::Charmap;
use skrifa::{FontRef, MetadataProvider};
use unicode_bidi::BidiInfo;

use super::lines::width;
use crate::document::fonts::Face;

/// A4, in points of 1/72 inch.
const A4: (u16, u16) = (595, 842);
/// Points from the left edge.
const LEFT: f32 = 56.0;
/// Points from the lower edge to where the first line stands.
const TOP: f32 = 776.0;
/// Points from line to line.
const LEADING: f32 = 12.5;
/// Points of a letter's height.
const SIZE: f32 = 10.0;
/// From cell to cell, in letters' heights, which is what the font for texts has.
pub(super) const CELL: f32 = 0.602;
/// What stands where no font has a letter.
const UNKNOWN: char = '\u{fffd}';
/// Points of the lines of tables.
const RULE: f32 = 0.5;

/// How thick letters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Regular,
    /// Made of the regular letters, each with an outline.
    Bold,
}

/// A page that is being written.
pub(super) struct Page {
    /// Points.
    size: (u16, u16),
    content: String,
    fonts: [Option<Charmap<'static>>; 2],
}

/// A page of lines.
pub(super) fn page(lines: &[String]) -> Vec<u8> {
    let mut page = Page::new(A4);
    let mut height = TOP;
    for line in lines {
        page.letters(line, (LEFT, height), SIZE, Weight::Regular);
        height -= LEADING;
    }
    page.into_pdf()
}

impl Page {
    /// An empty one, of so many points.
    pub(super) fn new(size: (u16, u16)) -> Self {
        Self {
            size,
            content: String::new(),
            fonts: [Face::Mono, Face::EastAsian].map(charmap),
        }
    }

    /// Writes a line from these points on, its letters `size` points high. Letters that no font has are shown as an open
    /// question.
    pub(super) fn letters(&mut self, line: &str, at: (f32, f32), size: f32, weight: Weight) {
        self.content += "BT\n";
        if weight == Weight::Bold {
            let _ = writeln!(self.content, "2 Tr {:.2} w", size * 0.04);
        }
        let line = in_the_order_of_sight(line);
        write_line(&mut self.content, &self.fonts, &line, at, size);
        if weight == Weight::Bold {
            self.content += "0 Tr\n";
        }
        self.content += "ET\n";
    }

    /// Fills a rectangle whose lower left corner is at these points.
    pub(super) fn ground(
        &mut self,
        (left, bottom): (f32, f32),
        (width, height): (f32, f32),
        grey: f32,
    ) {
        let _ = writeln!(
            self.content,
            "q {grey} g {left:.2} {bottom:.2} {width:.2} {height:.2} re f Q"
        );
    }

    /// Draws a straight line.
    pub(super) fn rule(&mut self, from: (f32, f32), to: (f32, f32), grey: f32) {
        let _ = writeln!(
            self.content,
            "q {grey} G {RULE} w {:.2} {:.2} m {:.2} {:.2} l S Q",
            from.0, from.1, to.0, to.1
        );
    }

    /// The PDF of it.
    pub(super) fn into_pdf(self) -> Vec<u8> {
        let Self {
            size: (wide, high),
            content,
            ..
        } = self;
        let font = |face: Face, cells: u32| {
            let name = face.name();
            format!(
                "<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H /DescendantFonts [\
                 << /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /DW {} \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> \
                 /FontDescriptor << /Type /FontDescriptor /FontName /{name} /Flags 4 >> >>] >>",
                602 * cells
            )
        };
        file(&[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {wide} {high}] /Contents 4 0 R \
                 /Resources << /Font << /F0 5 0 R /F1 6 0 R >> >> >>"
            ),
            format!(
                "<< /Length {} >>\nstream\n{content}\nendstream",
                content.len()
            ),
            font(Face::Mono, 1),
            font(Face::EastAsian, 2),
        ])
    }
}

fn charmap(face: Face) -> Option<Charmap<'static>> {
    Some(FontRef::from_index(face.bytes(), 0).ok()?.charmap())
}

/// Hebrew and Arabic run from right to left.
fn in_the_order_of_sight(line: &str) -> String {
    let directions = BidiInfo::new(line, None);
    match directions.paragraphs.first() {
        Some(paragraph) if directions.has_rtl() => {
            let all = paragraph.range.clone();
            directions.reorder_line(paragraph, all).into_owned()
        }
        _ => line.to_owned(),
    }
}

/// Each letter stands in its own cell, whatever its font thinks of its width.
fn write_line(
    content: &mut String,
    fonts: &[Option<Charmap<'_>>; 2],
    line: &str,
    (start, height): (f32, f32),
    size: f32,
) {
    let mut column = 0_u16;
    for letter in line.chars() {
        let cells = u16::try_from(width(letter)).unwrap_or(0);
        let is_shown = letter.is_alphanumeric() || !letter.is_whitespace() && cells > 0;
        if let Some((font, glyph)) = find(fonts, letter).filter(|_| is_shown || is_over(letter)) {
            let cell = if cells == 0 {
                column.saturating_sub(1)
            } else {
                column
            };
            let left = start + f32::from(cell) * size * CELL;
            let _ = writeln!(
                content,
                "/F{font} {size} Tf 1 0 0 1 {left:.2} {height:.1} Tm <{glyph:04x}> Tj"
            );
        }
        column += cells;
    }
}

/// Marks that are drawn over the letter before.
const fn is_over(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{64b}'..='\u{652}')
}

/// The first font that has the letter, and its number there.
fn find(fonts: &[Option<Charmap<'_>>; 2], letter: char) -> Option<(usize, u32)> {
    let in_fonts = |letter: char| {
        (fonts.iter().enumerate()).find_map(|(font, map)| {
            let glyph = map.as_ref()?.map(letter)?.to_u32();
            (glyph > 0 && glyph <= 0xffff).then_some((font, glyph))
        })
    };
    in_fonts(letter).or_else(|| in_fonts(UNKNOWN))
}

/// A PDF of these objects, numbered from 1, the first being the catalogue.
fn file(objects: &[String]) -> Vec<u8> {
    let mut text = String::from("%PDF-1.7\n");
    let mut table = String::new();
    for (index, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", text.len());
        let _ = writeln!(text, "{} 0 obj\n{object}\nendobj", index + 1);
    }
    let (start, count) = (text.len(), objects.len() + 1);
    let _ = write!(
        text,
        "xref\n0 {count}\n0000000000 65535 f \n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    text.into_bytes()
}
