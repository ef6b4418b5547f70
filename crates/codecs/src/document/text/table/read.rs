//! Rows of values (RFC 4180), whatever stands between the values.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Bytes of a value that are kept; more are never shown.
const VALUE_BYTES: usize = 512;
/// Values of a row that are kept; more are never shown.
pub(super) const ROW_VALUES: usize = 128;

/// Bytes and rows of the beginning by which the manner is judged.
const JUDGED_BYTES: usize = 64 << 10;
const JUDGED_ROWS: usize = 100;

/// How the values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// What stands between two values.
    separator: u8,
    /// Whether quotes enclose values that have separators, quotes and ends of lines in them.
    quotes: bool,
}

impl Manner {
    /// Judged by the first rows. `None` where no row has more than one value.
    pub(super) fn of(text: &str) -> Option<Self> {
        [true, false]
            .into_iter()
            .find_map(|quotes| Self::with_quotes(text, quotes).filter(|manner| manner.fits(text)))
    }

    /// The separator by which nearly all rows have equally many values, or else most do. A comma is the last that is
    /// asked: in half of the world it stands in numbers.
    fn with_quotes(text: &str, quotes: bool) -> Option<Self> {
        let judged = beginning(text);
        let mut best = (0, None);
        for separator in *b"\t;|," {
            let manner = Self { separator, quotes };
            let (equal, rows) = manner.equal_rows(judged);
            if equal * 10 >= rows * 9 && equal > 0 {
                return Some(manner);
            }
            if equal > best.0 {
                best = (equal, Some(manner));
            }
        }
        best.1
    }

    /// How many of the first rows have the most frequent number of values above one, and how many there are.
    fn equal_rows(self, text: &str) -> (usize, usize) {
        let (mut counts, mut rows) = ([0_usize; ROW_VALUES + 1], 0);
        let mut reader = Rows::new(text, self);
        while rows < JUDGED_ROWS
            && let Some(row) = reader.next()
        {
            rows += 1;
            counts[row.len()] += 1;
        }
        (counts[2..].iter().copied().max().unwrap_or(0), rows)
    }

    /// Not where a quote is never closed, and would make one value of all that follows.
    fn fits(self, text: &str) -> bool {
        if !self.quotes || text.bytes().filter(|byte| *byte == b'"').count() % 2 == 0 {
            return true;
        }
        let mut rows = Rows::new(text, self);
        while rows.skip_row() {}
        rows.lines_of_last <= 1
    }
}

/// Whole lines, where there are any.
fn beginning(text: &str) -> &str {
    let end = text.floor_char_boundary(JUDGED_BYTES);
    let judged = &text[..end];
    match judged.rfind('\n') {
        Some(line_end) if end < text.len() => &judged[..line_end],
        _ => judged,
    }
}

/// The rows of a text, one after the other. Lines without anything are none.
pub(super) struct Rows<'a> {
    reader: Reader,
    rest: &'a [u8],
    is_done: bool,
    /// Lines that the value which was read last stands on.
    lines_of_last: u64,
}

/// One piece of reading.
enum Value {
    Last,
    More,
    None,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str, manner: Manner) -> Self {
        let text = text.trim_start_matches('\u{feff}');
        let reader = ReaderBuilder::new()
            .delimiter(manner.separator)
            .quoting(manner.quotes)
            .build();
        Self {
            reader,
            rest: without_declaration(text).as_bytes(),
            is_done: false,
            lines_of_last: 0,
        }
    }

    /// The next row, as far as it is kept.
    pub(super) fn next(&mut self) -> Option<Vec<String>> {
        let mut row = Vec::new();
        loop {
            let mut value = Vec::new();
            match self.value(Some(&mut value)) {
                Value::None => return (!row.is_empty()).then_some(row),
                found => {
                    if row.len() < ROW_VALUES {
                        row.push(readable(&value));
                    }
                    if let Value::Last = found {
                        return Some(row);
                    }
                }
            }
        }
    }

    /// Passes over a row. Whether there was one.
    pub(super) fn skip_row(&mut self) -> bool {
        let mut found = false;
        loop {
            match self.value(None) {
                Value::None => return found,
                Value::Last => return true,
                Value::More => found = true,
            }
        }
    }

    fn value(&mut self, mut kept: Option<&mut Vec<u8>>) -> Value {
        let (mut buffer, begun) = ([0; VALUE_BYTES], self.reader.line());
        while !self.is_done {
            let (found, read, written) = self.reader.read_field(self.rest, &mut buffer);
            self.rest = &self.rest[read..];
            if let Some(kept) = &mut kept {
                let room = VALUE_BYTES.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..written.min(room)]);
            }
            match found {
                // Without more input, the next call says what the end of the file makes of it.
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    self.lines_of_last = self.reader.line() - begun;
                    return if record_end { Value::Last } else { Value::More };
                }
                ReadFieldResult::End => self.is_done = true,
            }
        }
        Value::None
    }
}

/// Without the line in which some programs say what the separator is.
fn without_declaration(text: &str) -> &str {
    let said = text
        .get(..4)
        .is_some_and(|said| said.eq_ignore_ascii_case("sep="));
    match text.split_once('\n') {
        Some((line, rest)) if said && line.trim_end().len() == 5 => rest,
        _ => text,
    }
}

/// On one line, without what is not seen.
fn readable(value: &[u8]) -> String {
    let text = match str::from_utf8(value) {
        Ok(text) => text,
        // It was cut within a letter.
        Err(error) => str::from_utf8(&value[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut line = String::with_capacity(text.len());
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::{Manner, Rows};

    fn rows(text: &str) -> Vec<Vec<String>> {
        let mut rows = Rows::new(text, Manner::of(text).unwrap());
        std::iter::from_fn(|| rows.next()).collect()
    }

    #[test]
    fn separators_are_told_by_the_rows() {
        for text in [
            "name,price\nA,1\nB,2\n",
            "name;price\r\nA;1\r\nB;2",
            "name\tprice\nA\t1\nB\t2\n",
            "name|price\nA|1\n\nB|2\n",
            "sep=;\nname;price\nA;1\nB;2\n",
            "\u{feff}name,price\nA,1\nB,2\n",
        ] {
            assert_eq!(
                rows(text),
                [["name", "price"], ["A", "1"], ["B", "2"]],
                "{text}"
            );
        }
        assert_eq!(rows("1,5;2,5\n3,7;4,1\n"), [["1,5", "2,5"], ["3,7", "4,1"]]);
        assert_eq!(Manner::of("one column\nof words\n"), None);
    }

    #[test]
    fn quotes_enclose_what_would_end_a_value() {
        let text = "a,\"b, \"\"c\"\"\"\n\"two\nlines\",d\ntail,5\" pipe\n";
        assert_eq!(
            rows(text),
            [["a", "b, \"c\""], ["two lines", "d"], ["tail", "5\" pipe"]]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_is_a_letter() {
        let text = "a,\"b\nc,d\ne,f\n";
        assert_eq!(rows(text), [["a", "\"b"], ["c", "d"], ["e", "f"]]);
    }

    #[test]
    fn rows_may_be_ragged_and_values_endless() {
        let text = format!(
            "a,b\nc\n{}\n{},e,f\n",
            ",".repeat(3000),
            "漢".repeat(90_000)
        );
        let rows = rows(&text);
        let lengths: Vec<_> = rows.iter().map(Vec::len).collect();
        assert_eq!(lengths, [2, 1, super::ROW_VALUES, 3]);
        assert_eq!(rows[3][0].chars().count(), super::VALUE_BYTES / 3);
    }
}
