//! What the database tells of who was blamed, and strangers who hold what the engine needs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use uuid::Uuid;
use workflows::{Attempt, BoxError, Done, Record, Workflow};

use crate::world::{World, quick, step};

/// Who the innocent are: another owner than that of the one who makes trouble.
pub const OTHER: &str = "other";
/// What a run takes that nothing holds up, with much to spare.
pub const AT_ONCE: Duration = Duration::from_secs(2);

step!(Innocent "innocent": u32 => u32, quick(1), |cx, n| {
    Ok(Done::new(n).recording(Innocence(cx.subject)))
});

struct Innocence(Uuid);

impl Record for Innocence {
    const SHARES_COMMIT: bool = true;

    async fn record(&self, tx: &mut PgConnection) -> Result<(), BoxError> {
        let insert = sqlx::query("INSERT INTO effects VALUES ($1, 'innocent')").bind(self.0);
        insert.execute(tx).await?;
        Ok(())
    }
}

/// One step that does no harm.
pub fn innocent() -> Workflow<u32> {
    Workflow::named("innocent", 1).step::<Innocent>().build()
}

/// How often steps were executed, by what their runs are about.
#[derive(Debug, Clone, Default)]
pub struct Executions(Arc<Mutex<HashMap<Uuid, u32>>>);

impl Executions {
    pub fn note<C>(&self, cx: &Attempt<C>) {
        *self.lock().entry(cx.subject).or_default() += 1;
    }

    /// Of all runs.
    pub fn total(&self) -> usize {
        self.lock().values().sum::<u32>() as usize
    }

    pub fn assert_once_each(&self, runs: usize) {
        let counts: Vec<u32> = self.lock().values().copied().collect();
        assert_eq!(counts, vec![1; runs], "executions of each run's step");
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Waits for what `look` finds, and says what it waited for when that takes longer than `limit`.
    pub async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut look: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                began.elapsed() < limit,
                "waited {limit:?} for {what}; {}",
                self.open_tasks().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How attempts ended, and a few of the tasks that have not.
    async fn open_tasks(&self) -> String {
        let sql =
            "SELECT concat_ws(' ', workflow, version, step, t.errors, t.crashes, t.interruptions,
                        t.suspicion, 'token', l.token, 'worker', l.worker_id, 'until', l.expires_at,
                        'due', d.due_at, 'of', now())
                   FROM workflows.tasks t JOIN workflows.lanes USING (lane)
                   LEFT JOIN workflows.leases l USING (task_id)
                   LEFT JOIN workflows.deferred d USING (task_id) LIMIT 8";
        let tasks: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&self.pool)
            .await
            .unwrap_or_default();
        format!("attempts: {:?}, tasks: {tasks:#?}", self.outcomes().await)
    }

    /// Waits until so many runs of a workflow have succeeded.
    pub async fn succeed(&self, workflow: &str, runs: i64, limit: Duration) {
        let what = format!("{runs} runs of {workflow} to succeed");
        self.within(limit, &what, async || {
            (self.runs_in(workflow, "succeeded").await >= runs).then_some(())
        })
        .await;
    }

    pub async fn runs_in(&self, workflow: &str, state: &str) -> i64 {
        let sql = "SELECT count(*) FROM workflows.runs WHERE workflow = $1 AND state = $2";
        let count = sqlx::query_scalar(sql).bind(workflow).bind(state);
        count.fetch_one(&self.pool).await.expect("a count")
    }

    /// How many attempts ended in which way.
    pub async fn outcomes(&self) -> Vec<(String, i64)> {
        let sql = "SELECT outcome, count(*) FROM workflows.attempts GROUP BY 1 ORDER BY 1";
        let outcomes = sqlx::query_as(sql).fetch_all(&self.pool).await;
        outcomes.unwrap_or_default()
    }

    /// How the attempts of a workflow's runs ended, in order.
    pub async fn attempts_of(&self, workflow: &str) -> Vec<String> {
        let sql = "SELECT outcome FROM workflows.attempts JOIN workflows.lanes USING (lane)
                   WHERE workflow = $1 ORDER BY token";
        let outcomes = sqlx::query_scalar(sql).bind(workflow);
        outcomes.fetch_all(&self.pool).await.expect("attempts")
    }

    /// Every attempt there ever was is done, and there were so many.
    pub async fn assert_each_done_once(&self, attempts: i64) {
        let expected = [("done".to_owned(), attempts)];
        assert_eq!(self.outcomes().await, expected, "each once, none charged");
    }

    /// Nothing counts against any task: what was lost was tried again at no charge.
    pub async fn assert_nobody_charged(&self) {
        let outcomes = self.outcomes().await;
        let free = |(outcome, _): &(String, i64)| {
            ["done", "lost", "interrupted"].contains(&outcome.as_str())
        };
        assert!(
            outcomes.iter().all(free),
            "someone was charged: {outcomes:?}"
        );
        let sql = "SELECT (SELECT count(*) FROM workflows.dead_letters)
                        + (SELECT count(*) FROM workflows.tasks WHERE errors + crashes > 0)";
        let charged: i64 = sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .expect("a count");
        assert_eq!(charged, 0, "dead letters, and tasks with a charge");
    }

    /// Starts runs of another owner.
    pub async fn start_innocents(&self, runs: u32) {
        for n in 0..runs {
            self.start_for(OTHER, &innocent().starter(), &n).await;
        }
    }

    /// Twenty runs of another owner, from start to end.
    pub async fn others_go_on(&self) {
        let before = self.runs_in("innocent", "succeeded").await;
        self.start_innocents(20).await;
        self.succeed("innocent", before + 20, AT_ONCE).await;
    }

    /// No innocent run needed more than one attempt.
    pub async fn assert_innocents_untouched(&self) {
        let attempts = self.attempts_of("innocent").await;
        assert!(!attempts.is_empty(), "there were some");
        let done = attempts.iter().all(|outcome| outcome == "done");
        assert!(done, "an innocent run was touched: {attempts:?}");
        let runs = self.runs_in("innocent", "succeeded").await;
        assert_eq!(attempts.len(), usize::try_from(runs).unwrap(), "one each");
    }

    pub async fn execute(&self, sql: &'static str) -> u64 {
        let done = sqlx::raw_sql(sql).execute(&self.pool).await;
        done.expect("a statement").rows_affected()
    }

    /// What steps make of a shared table: `rows` rows with a zero.
    pub async fn app_table(&self, rows: i32) {
        self.execute("CREATE TABLE app (id int PRIMARY KEY, v int NOT NULL)")
            .await;
        let fill = sqlx::query("INSERT INTO app SELECT n, 0 FROM generate_series(1, $1) n");
        fill.bind(rows).execute(&self.pool).await.expect("rows");
    }

    /// Sum of what steps have added to it.
    pub async fn app_sum(&self) -> i64 {
        let sum = sqlx::query_scalar("SELECT sum(v) FROM app");
        sum.fetch_one(&self.pool).await.expect("a sum")
    }

    /// Somebody with a client of his own, who begins a transaction with `sql` and leaves it open.
    pub async fn stranger(&self, sql: &'static str) -> Stranger {
        let mut connection = PgConnection::connect(self.url()).await.expect("a client");
        let begin = sqlx::raw_sql("BEGIN").execute(&mut connection).await;
        begin.expect("a transaction");
        let held = sqlx::raw_sql(sql).execute(&mut connection).await;
        held.expect("what it holds");
        Stranger(connection)
    }

    /// Ends sessions of the engine whose application name is like this. Returns how many.
    pub async fn terminate(&self, like: &str) -> usize {
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name LIKE $1 AND datname = current_database()";
        let ended = sqlx::query(sql).bind(like).fetch_all(&self.pool).await;
        ended.expect("an answer").len()
    }

    /// Makes everything due that waits for its time.
    pub async fn make_due(&self) {
        self.execute("UPDATE workflows.deferred SET due_at = now() - interval '1 second'")
            .await;
    }

    /// How the newest run about `subject` stands.
    pub async fn state_of(&self, subject: Uuid) -> String {
        let run = workflows::inspect::latest_run(&self.pool, subject).await;
        run.expect("an answer").expect("a run").state.to_string()
    }
}

/// Holds rows until it lets go.
pub struct Stranger(PgConnection);

impl Stranger {
    pub async fn let_go(mut self) {
        let end = sqlx::raw_sql("ROLLBACK").execute(&mut self.0).await;
        end.expect("the end of a transaction");
        let _ = self.0.close().await;
    }
}
