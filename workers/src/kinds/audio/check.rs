//! Whether everything that the plan has was made, and what it must be. No I/O.

use video::audio::AudioTask;
use video::gate::SoundAlone;

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
    Other(AudioTask),
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
        let fits = match (task, output) {
            (AudioTask::Sound, Output::Sound(sound)) => {
                sound.renditions.len() == probe.plan.bitrates.len()
            }
            (AudioTask::Cover, Output::Covers(_)) => true,
            _ => false,
        };
        if !fits {
            return Err(Incomplete::Other(task));
        }
    }
    Ok(())
}

/// What the playlists of the sound must lead to.
pub fn expected(probe: &Probe, duration_us: u64) -> SoundAlone {
    let plan = &probe.plan;
    SoundAlone {
        duration_us,
        segment_us: plan.segment_us,
        sample_rate: plan.sample_rate,
        channels: plan.channels,
        renditions: plan.bitrates.len(),
    }
}
