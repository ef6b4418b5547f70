//! Aligned columns, for people.

use crate::output::{OutputError, out};

/// Text that came from elsewhere is cut off after so many characters.
const WIDEST: usize = 80;

/// Prints a head and rows of as many cells. Nothing but the head says that there are no rows.
pub fn print<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), OutputError> {
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned))
        .chain(rows.into_iter().map(|row| row.map(|cell| plain(&cell))))
        .collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| width(&row[column]))
            .max()
            .unwrap_or(0)
    });
    for row in &rows {
        out!("{}", line(row, &widths))?;
    }
    Ok(())
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, widest) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', widest - width(cell) + 2));
    }
    line.truncate(line.trim_end().len());
    line
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

/// One line without anything that could steer a terminal.
pub fn harmless(text: &str) -> String {
    let harmless = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(harmless).collect()
}

/// The same for a cell: cut off where it is too wide, and never empty.
pub fn plain(text: &str) -> String {
    let mut plain = harmless(text);
    if let Some((end, _)) = plain.char_indices().nth(WIDEST) {
        plain.truncate(end);
        plain.push('…');
    }
    if plain.is_empty() {
        plain.push('-');
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_aligned_and_harmless() {
        let row = ["ä".to_owned(), plain("\x1b[2J\n"), plain("")];
        assert_eq!(line(&row, &[3, 5, 1]), "ä     [2J   -");
        assert_eq!(width(&plain(&"x".repeat(200))), WIDEST + 1);
    }
}
