-- One task that was in a process when it died. Those that were in one such process come first:
-- they run beside others, so nothing has to wait for them.
WITH lane AS (
    SELECT l.* FROM unnest($1::int[], $2::text[], $3::int[]) AS l (lane, queue, crash_limit)
    WHERE NOT EXISTS (SELECT FROM workflows.queues q WHERE q.queue = l.queue)
      AND (l.queue = ANY($6::text[]) OR NOT EXISTS (SELECT FROM workflows.limits q WHERE q.queue = l.queue))
), chosen AS MATERIALIZED (
    SELECT s.lane, s.rank, s.task_id, l.crash_limit
    FROM workflows.suspects s JOIN lane l USING (lane)
    ORDER BY least(s.suspicion, 2), s.rank, s.task_id
    LIMIT 1 FOR UPDATE OF s SKIP LOCKED
), claimed AS MATERIALIZED (
    SELECT c.lane, t.key, c.rank, c.task_id, c.crash_limit, t.run_id, t.fan_out_id, t.child,
           t.input, t.errors, t.crashes, t.interruptions, t.suspicion, t.ready_at,
           workflows.next_token(t.token) AS token,
           clock_timestamp() AS started_at
    FROM chosen c JOIN workflows.tasks t USING (task_id)
), gone AS (
    DELETE FROM workflows.suspects s USING claimed c
    WHERE (s.lane, s.rank, s.task_id) = (c.lane, c.rank, c.task_id)
), leased AS (
    INSERT INTO workflows.leases (task_id, run_id, token, worker_id, crash_limit, started_at, expires_at)
    SELECT task_id, run_id, token, $4, crash_limit, started_at, started_at + make_interval(secs => $5)
    FROM claimed
)
SELECT c.task_id, c.run_id, r.subject, r.trace_parent, c.lane, c.key AS fairness_hash, c.rank,
       c.fan_out_id AS "fan_out_id: _", c.child, c.input::text AS "input!", c.errors, c.crashes, c.interruptions, c.suspicion,
       c.token AS "token!", c.started_at AS "started_at!",
       extract(epoch FROM c.started_at - c.ready_at)::float8 AS "waited!", 1::bigint AS "quota!",
       extract(epoch FROM clock_timestamp() - statement_timestamp())::float8 AS "took!"
FROM claimed c JOIN workflows.runs r USING (run_id)
