//! Where in its queue a task waits.

use sqlx::PgPool;

use crate::store::error::StoreError;
use crate::{
    admin::{
        answer::Answer,
        live_tasks::{COUNTED, Place, Surroundings},
    },
    store::live_tasks,
};

impl Place {
    pub(super) async fn in_the_queue(
        &self,
        pool: &PgPool,
        queue: String,
        around: &Surroundings<'_>,
    ) -> Result<Answer, StoreError> {
        if self.suspect {
            return self.among_suspects(pool, queue).await;
        }
        let place = live_tasks::ahead(pool, self, COUNTED).await?;
        if let Some(entry) = around.limits.get(&queue)
            && let Some(held_by) = entry.holds(pool, self.fairness_hash).await?
        {
            return Ok(Answer::HeldByLimit {
                queue,
                step: self.step.clone(),
                since: self.ready_at,
                held_by,
                limit: entry.limit,
                running: entry.running,
                ahead: place.ahead,
            });
        }
        Ok(Answer::WaitingForSlot {
            queue,
            step: self.step.clone(),
            since: self.ready_at,
            ahead: place.ahead,
            keys: place.keys,
        })
    }

    async fn among_suspects(&self, pool: &PgPool, queue: String) -> Result<Answer, StoreError> {
        let ahead = live_tasks::suspects_ahead(pool, self, COUNTED).await?;
        Ok(Answer::Suspect {
            queue,
            step: self.step.clone(),
            since: self.ready_at,
            ahead,
        })
    }
}
