//! Where lines and pages end.

use std::mem::take;

/// Cells of a line. A letter of Chinese, Japanese or Korean takes two.
pub(super) const COLUMNS: usize = 80;
/// Lines of a page.
pub(super) const ROWS: usize = 58;
/// Every so many cells is where a tab leads.
const TAB: usize = 8;

/// A text as it lies on pages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// Pages of all of it.
    pub(super) pages: u32,
    /// The lines of the one that is shown, in the order in which they are read.
    pub(super) shown: Vec<String>,
}

/// Breaks lines that are too long where there is a blank, or else anywhere. Page `number`, counted from 1, is shown.
pub(super) fn lay_out(text: &str, number: u32) -> Lines {
    let (mut pages, mut rows, mut shown) = (1_u32, 0, Vec::new());
    let mut sheets = text.trim_end().split('\x0c').peekable();
    while let Some(sheet) = sheets.next() {
        for paragraph in sheet.trim_end_matches('\r').split('\n') {
            break_lines(paragraph.trim_end(), |line| {
                if rows == ROWS {
                    (pages, rows) = (pages.saturating_add(1), 0);
                }
                rows += 1;
                if pages == number {
                    shown.push(line);
                }
            });
        }
        if sheets.peek().is_some() {
            (pages, rows) = (pages.saturating_add(1), 0);
        }
    }
    Lines { pages, shown }
}

fn break_lines(paragraph: &str, mut take_line: impl FnMut(String)) {
    let (mut line, mut column, mut blank) = (String::new(), 0, None);
    for letter in paragraph.chars() {
        let cells = match letter {
            '\t' => TAB - column % TAB,
            letter => width(letter),
        };
        if column + cells > COLUMNS {
            let rest = blank
                .take()
                .map_or_else(String::new, |at| line.split_off(at));
            column = rest.chars().map(width).sum();
            take_line(take(&mut line));
            line = rest;
        }
        match letter {
            '\t' => line.extend(std::iter::repeat_n(' ', cells)),
            letter if letter.is_control() => {}
            letter => line.push(letter),
        }
        column += cells;
        if cells > 0 && letter.is_whitespace() {
            blank = Some(line.len());
        }
    }
    take_line(line);
}

/// How many cells a letter takes: none of what is drawn over the one before, or not at all.
pub(super) const fn width(letter: char) -> usize {
    match letter {
        '\0'..='\x1f'
        | '\x7f'..='\u{9f}'
        | '\u{300}'..='\u{36f}'
        | '\u{591}'..='\u{5bd}'
        | '\u{64b}'..='\u{652}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff01}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, ROWS, lay_out};

    #[test]
    fn long_lines_are_broken_at_blanks_or_else_anywhere() {
        let words = "word ".repeat(20);
        let lines = lay_out(&words, 1).shown;
        assert_eq!(
            lines,
            ["word ".repeat(16), "word word word word".to_owned()]
        );
        let lines = lay_out(&"x".repeat(200), 1).shown;
        let lengths: Vec<_> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [COLUMNS, COLUMNS, 40]);
        let lines = lay_out(&"漢".repeat(50), 1).shown;
        assert_eq!(lines[0].chars().count(), 40);
    }

    #[test]
    fn tabs_lead_to_the_next_stop() {
        assert_eq!(lay_out("a\tb\r\n\tc", 1).shown, ["a       b", "        c"]);
    }

    #[test]
    fn pages_end_after_their_last_line_or_where_the_text_says() {
        for (text, pages, first) in [
            ("a".to_owned(), 1, 1),
            ("a\n".repeat(ROWS), 1, ROWS),
            ("a\n".repeat(ROWS + 1), 2, ROWS),
            ("a\n".repeat(10 * ROWS + 1), 11, ROWS),
            ("a\x0cb\nc".to_owned(), 2, 1),
        ] {
            let lines = lay_out(&text, 1);
            assert_eq!((lines.pages, lines.shown.len()), (pages, first));
        }
    }

    #[test]
    fn any_page_can_be_shown() {
        let text = "a\n".repeat(ROWS) + "b\nc\x0cd";
        for (number, shown) in [(2, &["b", "c"][..]), (3, &["d"]), (4, &[]), (0, &[])] {
            let lines = lay_out(&text, number);
            assert_eq!(
                (lines.pages, &lines.shown[..]),
                (
                    3,
                    &shown.iter().map(ToString::to_string).collect::<Vec<_>>()[..]
                )
            );
        }
    }
}
