//! What is waited for between Ctrl-C and the end.

use std::{convert::Infallible, time::Duration};

use sqlx::PgPool;
use workflows::admin::workers;

use crate::{output::note, signals::Stop};

/// Between two lines.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// From the moment of being asked to stop, says what is still waited for.
pub async fn tell(pool: &PgPool, stop: &Stop) -> Infallible {
    stop.stop.cancelled().await;
    loop {
        // It goes without saying when nobody is at work, and when the database is gone.
        let workers = workers::list(pool).await.unwrap_or_default();
        let tasks: i64 = workers
            .iter()
            .filter(|worker| worker.alive)
            .map(|worker| worker.tasks)
            .sum();
        if tasks > 0 {
            note!(
                "stopping: waits for {tasks} step(s) under way; Ctrl-C once more gives them up, to be done again later"
            );
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}
