//! How wide columns are, and on which paper they lie.

use super::super::lines::width;
use super::super::write::CELL;
use super::read::ROW_VALUES;

/// Points from each edge of the paper.
pub(super) const MARGIN: f32 = 36.0;
/// Rows are so many times as high as their letters.
const ROW: f32 = 1.7;
/// Cells of a value that a column would rather not be narrower than.
const WANTED: usize = 24;
/// Cells that a column has at least, if its values have as many.
const LEAST: usize = 8;
/// Cells beside the values of a column.
pub(super) const PADDING: usize = 2;

/// Paper, and how large letters are on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Paper {
    /// Points: width and height.
    pub(super) size: (u16, u16),
    /// Points of a letter's height.
    pub(super) letters: f32,
}

/// A4 upright, and then on its side, with letters that become smaller.
const PAPERS: [Paper; 4] = [
    Paper {
        size: (595, 842),
        letters: 9.0,
    },
    Paper {
        size: (842, 595),
        letters: 9.0,
    },
    Paper {
        size: (842, 595),
        letters: 8.0,
    },
    Paper {
        size: (842, 595),
        letters: 7.0,
    },
];

impl Paper {
    /// The first on which these rows are not cut too short, or else the last.
    pub(super) fn of(rows: &[Vec<String>]) -> Self {
        let needs = needs(rows);
        let fits = |paper: &&Self| {
            let wanted: usize = needs.iter().map(|need| need.min(&WANTED) + PADDING).sum();
            wanted <= paper.cells()
        };
        *PAPERS
            .iter()
            .find(fits)
            .unwrap_or(&PAPERS[PAPERS.len() - 1])
    }

    /// Points.
    pub(super) fn cell(self) -> f32 {
        self.letters * CELL
    }

    /// Points.
    pub(super) fn row_height(self) -> f32 {
        self.letters * ROW
    }

    /// Rows of a page.
    pub(super) fn rows(self) -> usize {
        fitting(self.size.1, self.row_height())
    }

    /// Cells of a row.
    fn cells(self) -> usize {
        fitting(self.size.0, self.cell())
    }

    /// The columns that these rows get.
    pub(super) fn columns(self, rows: &[Vec<String>], has_head: bool) -> Columns {
        let mut needs = needs(rows);
        let all = needs.len();
        let least = |needs: &[usize]| {
            let widths = needs.iter().map(|need| need.min(&LEAST) + PADDING);
            widths.sum::<usize>()
        };
        while needs.len() > 1 && least(&needs) + more(needs.len() < all) > self.cells() {
            needs.pop();
        }
        let is_cut = needs.len() < all;
        let room = self.cells() - more(is_cut) - PADDING * needs.len();
        // What the narrow columns leave is for the wide ones, all of which are cut at the same width.
        let sum = |level: usize| needs.iter().map(|need| *need.min(&level)).sum::<usize>();
        let level = (1..=room).rev().find(|level| sum(*level) <= room);
        let level = level.unwrap_or(1);
        let values = &rows[usize::from(has_head).min(rows.len())..];
        let column = |(index, need): (usize, &usize)| Column {
            cells: *need.min(&level),
            is_of_numbers: is_of_numbers(values, index),
        };
        Columns {
            shown: needs.iter().enumerate().map(column).collect(),
            is_cut,
        }
    }
}

/// How many of so many points find room along a side of the paper.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "some dozens"
)]
fn fitting(side: u16, points: f32) -> usize {
    ((f32::from(side) - 2.0 * MARGIN) / points) as usize
}

/// Cells of the column that says that there are more.
const fn more(is_cut: bool) -> usize {
    if is_cut { 1 + PADDING } else { 0 }
}

/// The columns that are shown.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) shown: Vec<Column>,
    /// Whether there are more of them.
    pub(super) is_cut: bool,
}

#[derive(Debug, PartialEq)]
pub(super) struct Column {
    /// Of its values.
    pub(super) cells: usize,
    pub(super) is_of_numbers: bool,
}

/// Cells that a text takes.
pub(super) fn cells(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Cells of the longest value of each column.
fn needs(rows: &[Vec<String>]) -> Vec<usize> {
    let mut needs = Vec::with_capacity(ROW_VALUES);
    for row in rows {
        needs.resize(needs.len().max(row.len()), 1);
        for (need, value) in needs.iter_mut().zip(row) {
            *need = cells(value).max(*need);
        }
    }
    needs
}

fn is_of_numbers(rows: &[Vec<String>], column: usize) -> bool {
    let values = rows.iter().filter_map(|row| row.get(column));
    let mut values = values.filter(|value| !value.is_empty()).peekable();
    values.peek().is_some() && values.all(|value| is_number(value))
}

/// Digits with what stands in numbers and amounts.
pub(super) fn is_number(value: &str) -> bool {
    let unsigned = value.trim_start_matches(['+', '-', '−', '(', '$', '€', '£', '¥', ' ']);
    let is_part = |letter: char| letter.is_ascii_digit() || ".,' eE%€$£¥)-+".contains(letter);
    let is_date = unsigned.chars().filter(|letter| *letter == '-').count() > 1;
    unsigned.starts_with(|letter: char| letter.is_ascii_digit() || ".,".contains(letter))
        && unsigned.contains(|letter: char| letter.is_ascii_digit())
        && unsigned.chars().all(is_part)
        && !is_date
}

#[cfg(test)]
mod tests {
    use super::{Column, Paper, is_number};

    fn row(cells: &[usize]) -> Vec<Vec<String>> {
        vec![cells.iter().map(|cells| "x".repeat(*cells)).collect()]
    }

    fn widths(paper: Paper, cells: &[usize]) -> (Vec<usize>, bool) {
        let columns = paper.columns(&row(cells), false);
        let shown = columns.shown.iter();
        (
            shown.map(|Column { cells, .. }| *cells).collect(),
            columns.is_cut,
        )
    }

    #[test]
    fn wide_tables_lie_on_their_side_in_smaller_letters() {
        for (cells, width, letters) in [
            (vec![5, 5], 595, 9.0),
            (vec![400], 595, 9.0),
            (vec![20; 6], 842, 9.0),
            (vec![20; 7], 842, 8.0),
            (vec![20; 90], 842, 7.0),
        ] {
            let paper = Paper::of(&row(&cells));
            assert_eq!((paper.size.0, paper.letters), (width, letters), "{cells:?}");
        }
    }

    #[test]
    fn narrow_columns_are_whole_and_wide_ones_share_what_is_left() {
        let paper = Paper::of(&row(&[5]));
        assert_eq!(widths(paper, &[5, 3]), (vec![5, 3], false));
        let (shared, is_cut) = widths(paper, &[5, 300, 200]);
        assert!(!is_cut && shared[0] == 5 && shared[1] == shared[2] && shared[1] > 30);
        let (many, is_cut) = widths(paper, &[20; 100]);
        assert!(is_cut && many.len() < 100 && many.iter().all(|cells| *cells >= 8));
    }

    #[test]
    fn amounts_are_numbers_and_dates_are_not() {
        for number in [
            "1",
            "-2.5",
            "1,234.50",
            "1.234,50 €",
            "$5",
            "(12)",
            "10%",
            "1e-5",
            ".5",
        ] {
            assert!(is_number(number), "{number}");
        }
        for other in ["", "a1", "2024-01-02", "1 apple", "-", "e5", "10:30"] {
            assert!(!is_number(other), "{other}");
        }
    }
}
