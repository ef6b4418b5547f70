//! Aligned columns, for people.

use std::io::{IsTerminal, stdout};

use crate::output::{OutputError, harmless, out};

/// On a terminal, text that came from elsewhere is cut off after so many characters. Whoever reads it from a pipe or a
/// file gets all of it.
const WIDEST: usize = 80;

/// Prints a head and rows of as many cells. Nothing but the head says that there are no rows.
pub fn print<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), OutputError> {
    let widest = if stdout().is_terminal() {
        WIDEST
    } else {
        usize::MAX
    };
    let rows: Vec<[String; N]> = std::iter::once(head.map(str::to_owned))
        .chain(
            rows.into_iter()
                .map(|row| row.map(|cell| plain(&cell, widest))),
        )
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

/// A cell: harmless, cut off where it is wider than `widest`, and never empty.
fn plain(text: &str, widest: usize) -> String {
    let mut plain = harmless(text);
    if let Some((end, _)) = plain.char_indices().nth(widest) {
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
        let row = ["ä", "\n", ""].map(|cell| plain(cell, WIDEST));
        assert_eq!(line(&row, &[3, 3, 1]), r"ä    \n   -");
        let long = "x".repeat(200);
        assert_eq!(width(&plain(&long, WIDEST)), WIDEST + 1);
        assert_eq!(plain(&long, usize::MAX), long);
    }
}
