//! Following the stream without an end.

use std::{collections::VecDeque, time::Duration};

use futures::{Stream, stream};
use rand::Rng;
use sqlx::PgPool;

use crate::{
    client::events::{Event, EventsError, read},
    protocol::position::Position,
};

/// Events fetched at once.
const PAGE: u32 = 500;
/// Time between two looks, which doubles while there is nothing.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// Everything after a position, or from the oldest event that is kept, as it happens: about half a
/// second later. Ends with [`EventsError::Elsewhere`]; after [`EventsError::Missed`] it goes on with
/// the oldest event that is kept. A database that is away is waited for.
pub fn follow(
    pool: &PgPool,
    after: Option<Position>,
) -> impl Stream<Item = Result<Event, EventsError>> + Send + use<> {
    let follower = Follower {
        pool: pool.clone(),
        after,
        fetched: VecDeque::new(),
        wait: Duration::ZERO,
        over: false,
    };
    stream::unfold(follower, |mut follower| async {
        let next = follower.next().await?;
        Some((next, follower))
    })
}

struct Follower {
    pool: PgPool,
    after: Option<Position>,
    fetched: VecDeque<Event>,
    /// Before the next look.
    wait: Duration,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Event, EventsError>> {
        loop {
            if self.over {
                return None;
            }
            if let Some(event) = self.fetched.pop_front() {
                return Some(Ok(event));
            }
            tokio::time::sleep(self.wait).await;
            match read(&self.pool, self.after, PAGE).await {
                Ok(page) => {
                    self.after = page.next;
                    self.wait = match (page.more, page.events.is_empty()) {
                        (true, _) => Duration::ZERO,
                        (false, false) => jittered(SHORTEST),
                        (false, true) => self.longer(),
                    };
                    self.fetched.extend(page.events);
                }
                Err(EventsError::Database(error)) => {
                    tracing::warn!(error = %error, "events could not be read, trying again");
                    self.wait = self.longer();
                }
                Err(missed @ EventsError::Missed(_)) => {
                    self.after = None;
                    return Some(Err(missed));
                }
                Err(elsewhere @ EventsError::Elsewhere(_)) => {
                    self.over = true;
                    return Some(Err(elsewhere));
                }
            }
        }
    }

    fn longer(&self) -> Duration {
        jittered((self.wait * 2).clamp(SHORTEST, LONGEST))
    }
}

/// Between three quarters and five quarters of it, so that followers do not fall into step.
fn jittered(wait: Duration) -> Duration {
    wait.mul_f64(rand::rng().random_range(0.75..1.25))
}
