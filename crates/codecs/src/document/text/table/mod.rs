//! Values in rows and columns, drawn as a table.

mod layout;
mod read;

use layout::{Columns, MARGIN, PADDING, Paper, cells, is_number};
use read::{Manner, Rows};

use super::Typeset;
use super::lines::width;
use super::write::{Page, Weight};

/// Rows of the beginning by which paper and columns are chosen.
const JUDGED_ROWS: usize = 200;
/// Shades of grey, from 0 for black to 1 for white.
const HEAD_GROUND: f32 = 0.92;
const RULE: f32 = 0.8;
const HEAD_RULE: f32 = 0.45;

/// Draws page `number`, counted from 1, with the names of the columns on each. `None` of what has one column only.
pub(super) fn typeset(text: &str, number: u32) -> Option<Typeset> {
    let manner = Manner::of(text)?;
    let mut rows = Rows::new(text, manner);
    let judged: Vec<_> = std::iter::from_fn(|| rows.next())
        .take(JUDGED_ROWS)
        .collect();
    let paper = Paper::of(&judged);
    let head = judged.first().filter(|first| is_head(first));
    let on_a_page = paper.rows() - usize::from(head.is_some());

    let mut rows = Rows::new(text, manner);
    if head.is_some() {
        rows.skip_row();
    }
    let before = on_a_page.saturating_mul((number.max(1) - 1) as usize);
    let mut count = 0_usize;
    while count < before && rows.skip_row() {
        count += 1;
    }
    let shown: Vec<_> = std::iter::from_fn(|| rows.next()).take(on_a_page).collect();
    count += shown.len();
    while rows.skip_row() {
        count += 1;
    }

    let columns = paper.columns(&[&judged[..], &shown].concat(), head.is_some());
    let pages = u32::try_from(count.div_ceil(on_a_page).max(1)).unwrap_or(u32::MAX);
    let page = draw(paper, &columns, head, &shown);
    Some(Typeset { pages, page })
}

/// Names of columns, rather than a row as any other: there are some, and none is a number.
fn is_head(row: &[String]) -> bool {
    row.iter().any(|value| !value.is_empty()) && !row.iter().any(|value| is_number(value))
}

fn draw(
    paper: Paper,
    columns: &Columns,
    head: Option<&Vec<String>>,
    rows: &[Vec<String>],
) -> Vec<u8> {
    let mut page = Page::new(paper.size);
    let edges = edges(paper, columns);
    let (left, right) = (MARGIN, edges.last().copied().unwrap_or(MARGIN));
    let top = f32::from(paper.size.1) - MARGIN;
    let mut bottom = top;
    let shown = head.map(|head| (head, true)).into_iter();
    for (row, is_head) in shown.chain(rows.iter().map(|row| (row, false))) {
        bottom -= paper.row_height();
        if is_head {
            page.ground(
                (left, bottom),
                (right - left, paper.row_height()),
                HEAD_GROUND,
            );
        }
        write_row(&mut page, paper, (columns, &edges), (row, is_head), bottom);
        let shade = if is_head { HEAD_RULE } else { RULE };
        page.rule((left, bottom), (right, bottom), shade);
    }
    page.rule((left, top), (right, top), RULE);
    for edge in &edges {
        page.rule((*edge, top), (*edge, bottom), RULE);
    }
    page.into_pdf()
}

/// Points from the left, where columns begin and the last ends.
fn edges(paper: Paper, columns: &Columns) -> Vec<f32> {
    let more = columns.is_cut.then_some(1);
    let widths = columns.shown.iter().map(|column| column.cells).chain(more);
    let mut edges = vec![MARGIN];
    for cells in widths {
        let last = edges[edges.len() - 1];
        edges.push(last + points(cells + PADDING) * paper.cell());
    }
    edges
}

fn write_row(
    page: &mut Page,
    paper: Paper,
    (columns, edges): (&Columns, &[f32]),
    (row, is_head): (&[String], bool),
    bottom: f32,
) {
    let weight = if is_head {
        Weight::Bold
    } else {
        Weight::Regular
    };
    let height = bottom + (paper.row_height() - paper.letters) / 2.0 + paper.letters * 0.2;
    for ((column, value), edge) in columns.shown.iter().zip(row).zip(edges) {
        let shown = within(value, column.cells);
        let before = if column.is_of_numbers {
            column.cells - cells(&shown).min(column.cells)
        } else {
            0
        };
        let left = edge + points(PADDING / 2 + before) * paper.cell();
        page.letters(&shown, (left, height), paper.letters, weight);
    }
    if columns.is_cut && row.len() > columns.shown.len() {
        let left = edges[columns.shown.len()] + points(PADDING / 2) * paper.cell();
        page.letters("…", (left, height), paper.letters, weight);
    }
}

/// As much of a value as there is room for.
fn within(value: &str, room: usize) -> String {
    if cells(value) <= room {
        return value.to_owned();
    }
    let mut taken = 0;
    let fits = |letter: &char| {
        taken += width(*letter);
        taken < room
    };
    value.chars().take_while(fits).chain(['…']).collect()
}

#[expect(clippy::cast_precision_loss, reason = "some hundreds")]
const fn points(cells: usize) -> f32 {
    cells as f32
}

#[cfg(test)]
mod tests {
    use super::{is_head, typeset, within};

    fn pages(text: &str, number: u32) -> u32 {
        typeset(text, number).unwrap().pages
    }

    #[test]
    fn the_first_row_is_a_head_unless_it_has_numbers() {
        let row = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert!(is_head(&row(&["name", "price"])));
        assert!(!is_head(&row(&["Anna", "12"])));
        assert!(!is_head(&row(&["", ""])));
    }

    #[test]
    fn each_page_has_as_many_rows_and_any_can_be_shown() {
        let text = "name,price\n".to_owned() + &"A,1\n".repeat(500);
        let all = pages(&text, 1);
        assert!((8..=12).contains(&all), "{all}");
        for number in [0, 1, 2, all, all + 1, u32::MAX] {
            assert_eq!(pages(&text, number), all, "{number}");
        }
        assert_eq!(pages("name,price\n", 1), 1);
        assert!(typeset("words\nonly\n", 1).is_none());
    }

    #[test]
    fn values_that_are_too_long_end_in_a_mark() {
        assert_eq!(within("short", 5), "short");
        assert_eq!(within("longer", 5), "long…");
        assert_eq!(within("漢字漢字", 5), "漢字…");
        assert_eq!(within("ab", 1), "…");
    }

    #[test]
    fn whatever_stands_in_a_file_some_page_is_drawn_or_it_is_no_table() {
        let letters: Vec<_> = ",;\t|\"\"\r\n\n a1漢\u{202e}\u{301}ש".chars().collect();
        let (mut state, mut tables) = (7_u64, 0);
        let mut next = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % below as u64).unwrap()
        };
        for _ in 0..600 {
            let length = next(900);
            let text: String = (0..length).map(|_| letters[next(letters.len())]).collect();
            for number in [1, 2] {
                let table = typeset(&text, number);
                tables += usize::from(table.is_some_and(|table| table.pages > 0));
            }
        }
        assert!(tables > 600, "{tables}");
    }
}
