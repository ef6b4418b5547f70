//! Why a run is not running, in a sentence.

use workflows::admin::explain::{Answer, Lack};

use super::super::admin::{harmless, time};

pub fn sentence(answer: &Answer) -> String {
    let text = match answer {
        Answer::Running {
            step,
            worker,
            build,
            since,
            ..
        } => format!(
            "{step} runs on {worker} (build {build}) since {}",
            time(*since)
        ),
        Answer::WorkerLost {
            step,
            worker,
            build,
            since,
            gone,
            seen_at,
            taken_soon,
        } => {
            let seen = seen_at.map_or_else(String::new, |at| format!(" since {}", time(at)));
            let how = if *gone {
                "is gone"
            } else {
                "gives no sign of life"
            };
            let next = if *taken_soon {
                "another takes it within a second or two"
            } else {
                "nobody is there to take it"
            };
            format!(
                "{step} was on {worker} (build {build}) since {}, which {how}{seen}; {next}",
                time(*since)
            )
        }
        Answer::Ended { state, at } => {
            let at = at.map_or_else(String::new, |at| format!(" since {}", time(at)));
            format!("it is over: {state}{at}")
        }
        Answer::RunPaused { by, at, reason } => {
            format!("{by} paused the run at {}: {reason}", time(*at))
        }
        Answer::Dead {
            letter_id,
            letters,
            step,
            error,
        } => format!(
            "{step} died ({error}); it waits for a decision about {letters} dead letter(s), the newest is {letter_id}"
        ),
        Answer::WaitingForRetry {
            step,
            due_at,
            errors: 0,
        } => format!("{step} is due at {}", time(*due_at)),
        Answer::WaitingForRetry {
            step,
            due_at,
            errors,
        } => format!(
            "{step} failed {errors} time(s); the next attempt is due at {}",
            time(*due_at)
        ),
        Answer::QueuePaused {
            queue,
            by,
            at,
            reason,
        } => format!("{by} paused the queue {queue} at {}: {reason}", time(*at)),
        Answer::NoWorker {
            workflow,
            version,
            step,
            lack,
            queue,
        } => match lack {
            Lack::Workers => format!("{step} waits for a worker: none is alive"),
            Lack::Step => {
                format!(
                    "{step} waits for a worker: none that is alive knows it in {workflow} v{version}"
                )
            }
            Lack::Slots => {
                format!(
                    "{step} waits for a worker: none that is alive has a slot for its queue {queue}"
                )
            }
        },
        Answer::Suspect {
            queue,
            step,
            since,
            ahead,
        } => format!(
            "{step} was in a process that died: it waits in {queue} since {} to run alone; {ahead} like it go first",
            time(*since)
        ),
        Answer::WaitingForSlot {
            queue,
            step,
            since,
            ahead,
            keys,
        } => format!(
            "{step} waits for a slot of {queue} since {}: {ahead} of the same owner go first, {keys} owner(s) take turns",
            time(*since)
        ),
    };
    // An error is somebody else's text.
    harmless(&text)
}
