//! `GET /v1/files/{file_id}/conformance`: what was found when the outputs of a film or a sound were checked.

use media::conformance::{self, Checked};
use media::{FileId, OwnerId};
use poem_openapi::Object;

use crate::ApiState;
use crate::contract::{Count, Time};
use crate::http::problem::Problem;
use crate::v1::codes::Severity;

/// What was found when the outputs of a film or a sound were checked by the rules of HLS, before it was served.
#[derive(Debug, Object)]
#[oai(rename = "ConformanceReport")]
pub struct ReportView {
    /// When they were checked.
    pub checked_at: Time,
    /// Everything that is not as it should be. Of what is served, advice alone.
    pub findings: Vec<FindingView>,
    /// Names of rules that could not be looked at.
    pub unchecked: Vec<String>,
    /// Playlists read.
    pub playlists: Count,
    /// Segments read.
    pub segments: Count,
    /// Bytes of the segments.
    pub bytes: Count,
}

/// One thing that is not as it should be.
#[derive(Debug, Object)]
#[oai(rename = "ConformanceFinding")]
pub struct FindingView {
    /// The stable name of the rule.
    pub rule: String,
    /// What it means.
    pub severity: Severity,
    /// The file in question, from the folder of the playlist.
    pub file: String,
    /// What should be.
    pub expected: String,
    /// What is.
    pub found: String,
}

/// Reads the report of a file of the owner.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    file_id: FileId,
) -> Result<ReportView, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let checked = conformance::get(&mut connection, owner_id, file_id).await?;
    let checked = checked.ok_or_else(|| Problem::not_found("conformance report"))?;
    Ok(checked.into())
}

impl From<Checked> for ReportView {
    fn from(Checked { report, checked_at }: Checked) -> Self {
        let finding = |finding: conformance::Finding| FindingView {
            rule: finding.rule,
            severity: finding.severity.into(),
            file: finding.file,
            expected: finding.expected,
            found: finding.found,
        };
        Self {
            checked_at: checked_at.into(),
            findings: report.findings.into_iter().map(finding).collect(),
            unchecked: report.unchecked,
            playlists: report.playlists.into(),
            segments: report.segments.into(),
            bytes: report.bytes.into(),
        }
    }
}
