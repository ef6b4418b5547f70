//! Whether everything that the plan has was made, and whether it is right. No I/O.

use video::encode::Made as Files;
use video::gate::{Report, Severity};
use video::plan::Task;

use super::{Output, Probe};

/// A set of outputs that may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Some are missing, or there are more than planned.
    #[error("{made} tasks of the plan were carried out, of {planned}")]
    Tasks {
        /// So many were made.
        made: usize,
        /// So many are planned.
        planned: usize,
    },
    /// One is not what it should be.
    #[error("{0:?} has made something else")]
    Other(Task),
    /// The film breaks rules of HLS.
    #[error("the film breaks {count} rules, the first being {first}")]
    Broken {
        /// How many findings there are.
        count: usize,
        /// One of them in words.
        first: String,
    },
}

/// Whether the set is whole, in the order of the plan.
pub fn check<'a>(
    probe: &Probe,
    outputs: impl Iterator<Item = &'a Output>,
) -> Result<(), Incomplete> {
    let (tasks, outputs) = (probe.plan.tasks(), outputs.collect::<Vec<_>>());
    if tasks.len() != outputs.len() {
        return Err(Incomplete::Tasks {
            made: outputs.len(),
            planned: tasks.len(),
        });
    }
    for (task, output) in tasks.into_iter().zip(outputs) {
        let fits = match (task, &output.files) {
            (Task::Chunk(number), Files::Chunk(rungs)) => {
                let segments = probe
                    .plan
                    .chunks
                    .get(number)
                    .map_or(0, |chunk| chunk.segments);
                let whole =
                    |rung: &video::encode::Rendition| rung.segments.len() as u64 == segments;
                rungs.len() == probe.plan.rungs.len() && rungs.iter().all(whole)
            }
            (Task::Sound(_), Files::Sound(_)) | (Task::Subtitles(_), Files::Subtitles(_)) => true,
            (Task::Poster | Task::Preview | Task::Storyboard, Files::Pictures(pictures)) => {
                !pictures.is_empty()
            }
            _ => false,
        };
        if !fits {
            return Err(Incomplete::Other(task));
        }
    }
    Ok(())
}

/// Whether a film of which `report` was made may be shown.
pub fn passed(report: &Report) -> Result<(), Incomplete> {
    let errors = report.findings.iter();
    let mut errors = errors.filter(|finding| finding.severity == Severity::Error);
    let Some(first) = errors.next() else {
        return Ok(());
    };
    Err(Incomplete::Broken {
        count: 1 + errors.count(),
        first: format!(
            "{:?} in {}: {} where {} should be",
            first.rule, first.file, first.found, first.expected
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_with_an_error_names_the_rule() {
        let mut report: Report = serde_json::from_str(
            r#"{"findings": [{"rule": "peak", "severity": "warning", "file": "a", "expected": "b", "found": "c"}],
                "unchecked": [], "playlists": 1, "segments": 1, "bytes": 1}"#,
        )
        .unwrap();
        assert_eq!(passed(&report), Ok(()));
        let mut worse = report.findings[0].clone();
        worse.severity = Severity::Error;
        report.findings.push(worse);
        let refused = passed(&report).unwrap_err().to_string();
        assert!(
            refused.contains("Peak in a: c where b should be"),
            "{refused}"
        );
    }
}
