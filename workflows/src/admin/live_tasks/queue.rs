//! Where in its queue a task waits.

use sqlx::PgPool;

use crate::admin::{
    answer::Answer,
    live_tasks::{COUNTED, Place, Surroundings},
};

impl Place {
    pub(super) async fn in_the_queue(
        &self,
        pool: &PgPool,
        queue: String,
        around: &Surroundings<'_>,
    ) -> Result<Answer, sqlx::Error> {
        if self.suspect {
            return self.among_suspects(pool, queue).await;
        }
        // Tasks of the same key that go first, and the keys that take turns.
        let place = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM (
                        SELECT FROM workflows.ready r
                        WHERE r.lane = $1 AND r.key = $2 AND r.rank < $3 LIMIT $4) ahead) AS "ahead!",
                      (SELECT count(DISTINCT key) FROM (
                        SELECT r.key FROM workflows.ready r WHERE r.lane = $1 LIMIT $4) keys) AS "keys!""#,
            self.lane,
            self.key,
            self.rank,
            COUNTED,
        )
        .fetch_one(pool)
        .await?;
        if let Some(entry) = around.limits.get(&queue)
            && let Some(held_by) = entry.holds(pool, self.key).await?
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

    async fn among_suspects(&self, pool: &PgPool, queue: String) -> Result<Answer, sqlx::Error> {
        let ahead = sqlx::query_scalar!(
            r#"SELECT count(*) AS "ahead!" FROM (
                SELECT FROM workflows.suspects
                WHERE lane = $1 AND (rank, task_id) < ($2, $3) LIMIT $4) ahead"#,
            self.lane,
            self.rank,
            self.task_id,
            COUNTED,
        );
        Ok(Answer::Suspect {
            queue,
            step: self.step.clone(),
            since: self.ready_at,
            ahead: ahead.fetch_one(pool).await?,
        })
    }
}
