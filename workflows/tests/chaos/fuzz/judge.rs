//! What must be true when everything has come to its end.

use sqlx::PgPool;

/// What there must be none of.
const NONE: [(&str, &str); 21] = [
    (
        "runs that have not ended",
        "FROM workflows.runs WHERE ended_at IS NULL",
    ),
    (
        "ended runs that are paused",
        "FROM workflows.runs WHERE ended_at IS NOT NULL AND paused_at IS NOT NULL",
    ),
    ("tasks", "FROM workflows.tasks"),
    ("ready", "FROM workflows.ready"),
    ("suspects", "FROM workflows.suspects"),
    ("deferred", "FROM workflows.deferred"),
    ("leases", "FROM workflows.leases"),
    ("fan-outs", "FROM workflows.fan_outs"),
    ("paused queues", "FROM workflows.queues"),
    (
        "re-drives that go on",
        "FROM workflows.redrives WHERE ended_at IS NULL",
    ),
    (
        "open letters",
        "FROM workflows.dead_letters WHERE resolved_at IS NULL",
    ),
    (
        "letters without a run",
        "FROM workflows.dead_letters d
        WHERE NOT EXISTS (SELECT FROM workflows.runs r WHERE r.run_id = d.run_id)",
    ),
    (
        "attempts without a run",
        "FROM workflows.attempts a
        WHERE NOT EXISTS (SELECT FROM workflows.runs r WHERE r.run_id = a.run_id)",
    ),
    (
        "traces of attempts that are not done",
        "FROM traces t
        WHERE NOT EXISTS (SELECT FROM workflows.attempts a
                          WHERE (a.run_id, a.token, a.outcome) = (t.run_id, t.token, 'done'))",
    ),
    (
        "attempts that are done without a trace",
        "FROM workflows.attempts a
        WHERE outcome = 'done' AND NOT EXISTS (SELECT FROM traces t WHERE t.token = a.token)",
    ),
    (
        "runs that succeeded otherwise than with their last step",
        "FROM workflows.runs r
        WHERE state = 'succeeded' AND 'finish' IS DISTINCT FROM (
            SELECT step FROM workflows.attempts a JOIN workflows.lanes USING (lane)
            WHERE a.run_id = r.run_id AND outcome = 'done' ORDER BY token DESC LIMIT 1)",
    ),
    (
        "children that were done twice in their fan-out",
        "FROM (
        SELECT FROM workflows.attempts WHERE outcome = 'done' AND fan_out_id IS NOT NULL
        GROUP BY fan_out_id, child HAVING count(*) > 1) twice",
    ),
    (
        "joins that were told wrong",
        "FROM workflows.dead_letters WHERE error::text LIKE '%wrong number%'",
    ),
    (
        "attempts that are blamed for a crash",
        "FROM workflows.attempts WHERE outcome = 'crashed'",
    ),
    (
        "letters of crashes",
        "FROM workflows.dead_letters WHERE cause = 'crashes'",
    ),
    (
        "charges that were not taken back",
        "FROM workflows.workers WHERE charged_token IS NOT NULL AND left_at IS NULL",
    ),
];

pub async fn judge(pool: &PgPool) {
    for (what, from) in NONE {
        let count = count(pool, from).await;
        assert_eq!(count, 0, "{what}");
    }
}

pub async fn count(pool: &PgPool, from: &'static str) -> i64 {
    let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) {from}"));
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}
