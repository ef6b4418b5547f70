//! Dead runs made by hand, as many as a test wants, without waiting for them to die.

use sqlx::PgPool;
use uuid::Uuid;

use crate::world::World;

/// What the letters of a planting have in common.
pub struct Planted {
    pub workflow: &'static str,
    pub step: &'static str,
    pub owner: &'static str,
    pub fingerprint: &'static str,
    /// The error, as JSON.
    pub error: String,
}

impl Planted {
    /// Letters of `workflow`, which all died of the same.
    pub fn of(workflow: &'static str, step: &'static str) -> Self {
        Self {
            workflow,
            step,
            owner: "owner",
            fingerprint: "planted",
            error: r#"{"message":"outer","chain":["outer","middle","inner"]}"#.to_owned(),
        }
    }

    /// Plants as many dead runs of one task each, whose inputs count from 0. Returns their letters,
    /// the oldest first.
    pub async fn plant(&self, world: &World, count: i32) -> Vec<Uuid> {
        let letters: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
        let runs: Vec<Uuid> = (0..count).map(|_| Uuid::now_v7()).collect();
        self.enter_lane(&world.pool).await;
        let sql = "WITH run AS (
                INSERT INTO workflows.runs (run_id, workflow, version, subject, fairness_key, state, input)
                SELECT run_id, $3, 1, run_id, $5, 'dead', to_json(n - 1)
                FROM unnest($1) WITH ORDINALITY AS r (run_id, n))
             INSERT INTO workflows.dead_letters
                (letter_id, task_id, run_id, lane, fairness_key, key, rank, input, errors, crashes,
                 interruptions, token, cause, error, fingerprint, worker_id)
             SELECT letter_id, gen_random_uuid(), run_id, lane, $5, hashtextextended($5, 0), n, to_json(n - 1), 1, 0, 0,
                    4000000000000000000 + n, 'failed', $6::json, $7, 1
             FROM unnest($1, $2) WITH ORDINALITY AS d (run_id, letter_id, n), workflows.lanes
             WHERE (workflow, version, step) = ($3, 1, $4)";
        sqlx::query(sql)
            .bind(&runs)
            .bind(&letters)
            .bind(self.workflow)
            .bind(self.step)
            .bind(self.owner)
            .bind(&self.error)
            .bind(self.fingerprint)
            .execute(&world.pool)
            .await
            .expect("dead runs");
        letters
    }

    async fn enter_lane(&self, pool: &PgPool) {
        let sql = "INSERT INTO workflows.lanes (workflow, version, step, queue) VALUES ($1, 1, $2, 'default')
             ON CONFLICT DO NOTHING";
        sqlx::query(sql)
            .bind(self.workflow)
            .bind(self.step)
            .execute(pool)
            .await
            .expect("a lane");
    }
}

/// The run of a letter.
pub async fn run_of(world: &World, letter: Uuid) -> Uuid {
    let sql = "SELECT run_id FROM workflows.dead_letters WHERE letter_id = $1";
    let run = sqlx::query_scalar(sql).bind(letter);
    run.fetch_one(&world.pool).await.expect("a letter")
}
