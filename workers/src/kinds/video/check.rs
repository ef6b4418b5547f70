//! Whether everything that the plan has was made. No I/O.

use video::encode::Made as Files;
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
