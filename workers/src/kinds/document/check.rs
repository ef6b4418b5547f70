//! Whether everything that a document is served with was made. No I/O.

use super::{Output, Probe, Unit, plan};

/// A set of outputs that may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Some are missing, or there are more than planned.
    #[error("{made} pictures of the first page were made, of {planned}")]
    Pictures {
        /// So many were made.
        made: usize,
        /// So many are planned.
        planned: usize,
    },
    /// It was not planned, or not twice.
    #[error("page {0} is one too many")]
    Page(u32),
}

/// Whether the set is whole. Of a page that is a narrow strip, pictures are left out that would be wider than it; of
/// the pages behind the first, those that cannot be drawn.
pub fn check<'a>(
    probe: &Probe,
    outputs: impl Iterator<Item = &'a Output>,
) -> Result<(), Incomplete> {
    let format = probe.format;
    let planned = plan::render_plan(Unit::FirstPage { format }).outputs.len();
    let (first, further): (Vec<_>, Vec<_>) = outputs.partition(|output| output.page == 1);
    let made = first.len();
    if !(1..=planned).contains(&made) {
        return Err(Incomplete::Pictures { made, planned });
    }
    let mut left: Vec<_> = probe.further_pages().collect();
    for Output { page, .. } in further {
        let found = left.iter().position(|planned| planned == page);
        left.remove(found.ok_or(Incomplete::Page(*page))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use media::document::Facts;
    use media::formats::DocumentFormat;

    use super::*;

    #[test]
    fn the_first_page_must_be_there_and_none_twice() {
        let probe = |pages, shown_pages| Probe {
            format: DocumentFormat::Pdf,
            facts: Some(Facts {
                pages,
                width_points: 595.0,
                height_points: 842.0,
            }),
            shown_pages,
        };
        let none = Incomplete::Pictures {
            made: 0,
            planned: 3,
        };
        for (pages, shown, made, verdict) in [
            (9, 1, &[1, 1, 1][..], Ok(())),
            (9, 3, &[1, 1, 1, 2, 3], Ok(())),
            (9, 3, &[1, 3], Ok(())),
            (9, 3, &[2, 3], Err(none)),
            (9, 3, &[1, 4], Err(Incomplete::Page(4))),
            (2, 3, &[1, 3], Err(Incomplete::Page(3))),
            (9, 3, &[1, 2, 2], Err(Incomplete::Page(2))),
        ] {
            let outputs = made.iter().map(|&page| Output {
                page,
                width: 640,
                height: 905,
                placeholder: None,
            });
            let outputs: Vec<_> = outputs.collect();
            assert_eq!(
                check(&probe(pages, shown), outputs.iter()),
                verdict,
                "{made:?}"
            );
        }
    }
}
