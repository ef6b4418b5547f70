//! What is to be made of a document. No I/O.

use std::time::Duration;

use codecs::{OutputSpec, RenderPlan};
use media::formats::DocumentFormat;
use media::recipes::document::{self as recipe, Unit as Family};
use media::variants::VariantKind;
use serde::{Deserialize, Serialize};

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
}

impl Unit {
    /// How long an attempt may take: fetching the original, drawing, and storing.
    const TIMEOUT: Duration = Duration::from_mins(10);
    /// The same where LibreOffice comes first, twice if need be.
    pub const LONGEST: Duration = Duration::from_mins(20);

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
        let Self::FirstPage { format } = self;
        format.is_office()
    }
}

/// The recipe's units, each for a task of its own.
pub fn plan(format: DocumentFormat) -> Plan {
    Plan {
        recipe: recipe::recipe().hash(),
        units: vec![kinds::Unit::Document(Unit::FirstPage { format })],
    }
}

/// What the renderer is told to make.
pub fn render_plan() -> RenderPlan {
    let mut outputs = Vec::new();
    for family in recipe::recipe().units {
        let Family::FirstPage {
            widths,
            quality,
            effort,
        } = family;
        outputs.extend(widths.into_iter().map(|width| OutputSpec {
            name: format!("{}-{width}", VariantKind::Page.as_str()),
            max_width: Some(width),
            quality,
            method: effort,
        }));
    }
    RenderPlan { outputs }
}
