//! Why a run is not running, in a sentence.

use chrono::{DateTime, Utc};
use workflows::admin::explain::{Answer, Lack, Progress, Tried};
use workflows::admin::limits::HeldBy;

use super::super::admin::time;
use crate::output::harmless;

#[rustfmt::skip] // A table: two lines for each reason.
pub fn sentence(answer: &Answer) -> String {
    use Answer as A;
    let text = match answer {
        A::Running { step, worker, build, since, progress, tried, .. } =>
            format!("{step} runs on {worker} (build {build}) since {}{}{}", time(*since), done_so_far(progress.as_deref()), before(tried)),
        A::WorkerLost { step, worker, build, since, gone, seen_at, taken_soon } =>
            format!("{step} was on {worker} (build {build}) since {}, which {}", time(*since), lost(*gone, *seen_at, *taken_soon)),
        A::Ended { state, at } =>
            format!("it is over: {state}{}", since_then(*at)),
        A::RunPaused { by, at, reason } =>
            format!("{by} paused the run at {}: {reason}", time(*at)),
        A::Dead { letter_id, letters, step, error } =>
            format!("{step} died ({error}); it waits for a decision about {letters} dead letter(s), the newest is {letter_id}"),
        A::WaitingForRetry { step, due_at, tried } =>
            format!("{step} is due at {}{}", time(*due_at), before(tried)),
        A::DependencyDown { step, dependency, since, error, probe_at } =>
            format!("{step} waits for {dependency}, which is down since {} ({error}); one task tries it at {}", time(*since), time(*probe_at)),
        A::QueuePaused { queue, by, at, reason } =>
            format!("{by} paused the queue {queue} at {}: {reason}", time(*at)),
        A::NoWorker { workflow, version, step, lack, queue } =>
            format!("{step} of {workflow} v{version} waits for a worker: {}", lacking(*lack, queue)),
        A::Suspect { queue, step, since, ahead } =>
            format!("{step} was in a process that died: it waits in {queue} since {} to run alone; {ahead} like it go first", time(*since)),
        A::HeldByLimit { queue, step, since, held_by, running, ahead, .. } =>
            format!("{step} is held by the limit of {queue} ({}; {running} run) since {}; {ahead} of the same owner go first", used_up(*held_by), time(*since)),
        A::WaitingForSlot { queue, step, since, ahead, keys } =>
            format!("{step} waits for a slot of {queue} since {}: {ahead} of the same owner go first, {keys} owner(s) take turns", time(*since)),
    };
    // An error is somebody else's text.
    harmless(&text)
}

fn lost(gone: bool, seen_at: Option<DateTime<Utc>>, taken_soon: bool) -> String {
    let how = if gone {
        "is gone"
    } else {
        "gives no sign of life"
    };
    let next = if taken_soon {
        "another takes it within a second or two"
    } else {
        "nobody is there to take it"
    };
    format!("{how}{}; {next}", since_then(seen_at))
}

/// What an attempt has behind it, and how much before it.
fn before(tried: &Tried) -> String {
    let attempt = i64::from(tried.errors) + 1;
    let which = match tried.attempts {
        Some(attempts) => format!(", attempt {attempt}, and it gives up after {attempts}"),
        None if tried.errors > 0 => format!(", attempt {attempt}"),
        None => String::new(),
    };
    match &tried.error {
        Some(error) => format!("{which}; last error: {error}"),
        None => which,
    }
}

fn lacking(lack: Lack, queue: &str) -> String {
    match lack {
        Lack::Workers => "none is alive".to_owned(),
        Lack::Step => "none that is alive knows it".to_owned(),
        Lack::Slots => format!("none that is alive has a slot for its queue {queue}"),
    }
}

fn since_then(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(String::new, |at| format!(" since {}", time(at)))
}

fn done_so_far(progress: Option<&Progress>) -> String {
    progress.map_or_else(String::new, |progress| {
        let percent = progress.done * 100.0;
        format!(
            "; {percent:.0} % done at {}: {}",
            time(progress.at),
            progress.note
        )
    })
}

fn used_up(held_by: HeldBy) -> &'static str {
    match held_by {
        HeldBy::Concurrency => "as many tasks run as may",
        HeldBy::Key => "as many tasks of its owner run as may",
        HeldBy::Rate => "the rate is used up",
    }
}
