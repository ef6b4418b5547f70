//! The gate: whether what lies there is right, by the rules of HLS.
//!
//! It reads the outputs as a player does, from the multivariant playlist to the last segment, and
//! measures. It believes nothing of what the encodes said of themselves. A film that does not come
//! through is not shown.

mod facts;
mod kind;
mod outputs;
mod rules;
mod segment;
mod sound;

use serde::{Deserialize, Serialize};

pub use outputs::{Folder, Outputs};
pub use sound::{SoundAlone, check as check_sound};

use crate::gate::facts::Facts;
use crate::gate::kind::Kind;
use crate::plan::Plan;

/// A rule. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Every file that a playlist names is there and can be read.
    Readable,
    /// 1: each segment of pictures begins with an IDR picture, at the same times in every rung.
    AlignedIdr,
    /// 2: segments are near the target duration, and all playlists name the same one.
    SegmentLength,
    /// 3: the lengths in a playlist add up to the film's, and are what is in the segments.
    Duration,
    /// 4: media playlists are complete (`VOD`, `ENDLIST`), have a map, and a version that allows it.
    Complete,
    /// 5: segments are declared to be independent.
    Independent,
    /// 6: `CODECS` is what the initialisations say.
    Codecs,
    /// 7: `RESOLUTION`, `FRAME-RATE` and `VIDEO-RANGE` are what is shown.
    Picture,
    /// 8: `BANDWIDTH` and `AVERAGE-BANDWIDTH` are within a tenth of what is measured.
    Bandwidth,
    /// 9: the peak is at most twice the average.
    Peak,
    /// 10: sound is a group of its own with names, every variant refers to it, and it is stereo AAC.
    Sound,
    /// 11: no rung is larger than the film, all have its shape, at most 60 Hz and H.264 High 5.2.
    Ladder,
    /// 12: clocks go on without a gap, and pictures and sound begin together.
    Clock,
    /// 13: there are playlists of keyframes.
    Keyframes,
    /// 14: files are served with their types.
    Types,
    /// 15: the first variant is the one nearest to 2 Mb/s.
    FirstVariant,
}

/// What a broken rule means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The film is not shown.
    Error,
    /// Advice that some films cannot follow.
    Warning,
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub rule: Rule,
    /// What it means.
    pub severity: Severity,
    /// The file in question.
    pub file: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

/// What the gate found. Stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Everything that is not as it should be.
    pub findings: Vec<Finding>,
    /// Rules that could not be looked at here, as types where nothing is served.
    pub unchecked: Vec<Rule>,
    /// Playlists read.
    pub playlists: u64,
    /// Segments read.
    pub segments: u64,
    /// Bytes read.
    pub bytes: u64,
}

impl Report {
    /// Whether the film may be shown.
    pub fn passed(&self) -> bool {
        !self.broken().any(|_| true)
    }

    /// The rules that are broken, warnings not counted.
    pub fn broken(&self) -> impl Iterator<Item = Rule> {
        let errors = self
            .findings
            .iter()
            .filter(|found| found.severity == Severity::Error);
        errors.map(|found| found.rule)
    }
}

/// Checks `outputs` against the rules and the plan they were made by.
pub fn check(outputs: &impl Outputs, plan: &Plan) -> Report {
    let mut findings = Findings::default();
    let facts = facts::collect(outputs, Kind::Pictures, &mut findings);
    let mut unchecked = Vec::new();
    if let Some(facts) = &facts {
        rules::segments::check(facts, plan, &mut findings);
        rules::playlists::check(facts, &mut findings);
        rules::variants::check(facts, plan, &mut findings);
        rules::clock::check(facts, plan, &mut findings);
        if !rules::types::check(outputs, facts, &mut findings) {
            unchecked.push(Rule::Types);
        }
    }
    findings.report(unchecked, facts.as_ref())
}

/// Findings as they come; of one rule and file only the first few.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// The most findings of one rule about one file.
    const MOST: usize = 3;

    /// `file` breaks `rule`, unless `holds`.
    pub fn demand(
        &mut self,
        rule: Rule,
        holds: bool,
        file: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        if !holds {
            self.add(rule, Severity::Error, file, expected.into(), found.into());
        }
    }

    /// `file` does not follow the advice of `rule`, unless `holds`.
    pub fn advise(
        &mut self,
        rule: Rule,
        holds: bool,
        file: &str,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        if !holds {
            self.add(rule, Severity::Warning, file, expected.into(), found.into());
        }
    }

    /// The report, with what was read.
    fn report(mut self, unchecked: Vec<Rule>, facts: Option<&Facts>) -> Report {
        self.0.sort_by_key(|found| found.rule);
        let tracks = || facts.into_iter().flat_map(|facts| &facts.tracks);
        Report {
            findings: self.0,
            unchecked,
            playlists: tracks().count() as u64 + u64::from(facts.is_some()),
            segments: tracks().map(|track| track.segments.len() as u64).sum(),
            bytes: tracks()
                .flat_map(|track| &track.segments)
                .map(|segment| segment.bytes)
                .sum(),
        }
    }

    fn add(&mut self, rule: Rule, severity: Severity, file: &str, expected: String, found: String) {
        let same = self
            .0
            .iter()
            .filter(|known| known.rule == rule && known.file == file);
        if same.count() < Self::MOST {
            let file = file.to_owned();
            self.0.push(Finding {
                rule,
                severity,
                file,
                expected,
                found,
            });
        }
    }
}
