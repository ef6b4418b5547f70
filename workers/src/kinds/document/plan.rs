//! What is to be made of a document. No I/O.

use std::time::Duration;

use codecs::{OutputSpec, RenderPlan};
use media::formats::DocumentFormat;
use media::recipes::document::{self as recipe, Unit as Family};
use media::variants::VariantKind;
use serde::{Deserialize, Serialize};

use super::Probe;
use crate::kinds::{self, Plan};

/// One unit of the recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// The first page in all widths.
    FirstPage {
        /// Of which document.
        format: DocumentFormat,
    },
    /// One of the pages behind it.
    FurtherPage {
        /// Of which document.
        format: DocumentFormat,
        /// Its number; the first page's is 1.
        page: u32,
    },
    /// The first pages of a document that has to become a PDF for that.
    OfficePages {
        /// Of which document.
        format: DocumentFormat,
        /// So many, if there are so many.
        pages: u32,
    },
}

impl Unit {
    /// How long an attempt may take: fetching the original, drawing, and storing.
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// The same where LibreOffice comes first, twice if need be.
    pub const LONGEST: Duration = Duration::from_mins(30);

    /// How long an attempt may take.
    pub const fn timeout(self) -> Duration {
        if self.is_office() {
            Self::LONGEST
        } else {
            Self::TIMEOUT
        }
    }

    /// Whether LibreOffice has to open it.
    pub const fn is_office(self) -> bool {
        matches!(self, Self::OfficePages { .. })
    }

    /// The unit of a page alone.
    pub const fn of_page(format: DocumentFormat, page: u32) -> Self {
        match page {
            0 | 1 => Self::FirstPage { format },
            page => Self::FurtherPage { format, page },
        }
    }
}

/// The recipe's units, each for a task of its own: a page that is hard to draw costs no other. Of what has to become a PDF
/// first, all pages are of one: that costs more than to draw.
pub fn plan(probe: &Probe) -> Plan {
    let format = probe.format;
    let pages = probe.shown_pages;
    let units = if format.is_office() {
        vec![Unit::OfficePages { format, pages }]
    } else {
        let further = probe.further_pages();
        let further = further.map(|page| Unit::of_page(format, page));
        std::iter::once(Unit::of_page(format, 1))
            .chain(further)
            .collect()
    };
    Plan {
        recipe: recipe::recipe().hash(),
        units: units.into_iter().map(kinds::Unit::Document).collect(),
    }
}

/// What the renderer is told to make of a unit.
pub fn render_plan(unit: Unit) -> RenderPlan {
    let kind = VariantKind::Page.as_str();
    let mut outputs = Vec::new();
    for family in recipe::recipe().units {
        match (family, unit) {
            (
                Family::FirstPage {
                    widths,
                    quality,
                    effort,
                },
                Unit::FirstPage { .. },
            ) => outputs.extend(widths.into_iter().map(|width| OutputSpec {
                name: format!("{kind}-{width}"),
                max_width: Some(width),
                quality,
                method: effort,
            })),
            (
                Family::FurtherPages {
                    width,
                    quality,
                    effort,
                },
                Unit::FurtherPage { page, .. },
            ) => outputs.push(OutputSpec {
                name: format!("{kind}-{page}-{width}"),
                max_width: Some(width),
                quality,
                method: effort,
            }),
            _ => {}
        }
    }
    RenderPlan {
        outputs,
        placeholder: true,
        ..RenderPlan::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_is_made_in_all_widths_and_others_in_one() {
        let format = DocumentFormat::Pdf;
        for (unit, expected) in [
            (
                Unit::FirstPage { format },
                &["page-1280", "page-640", "page-320"][..],
            ),
            (Unit::FurtherPage { format, page: 7 }, &["page-7-640"]),
        ] {
            let plan = render_plan(unit);
            let names: Vec<_> = plan.outputs.iter().map(|output| &*output.name).collect();
            assert_eq!(names, expected);
        }
    }
}
