-- Each lane (queue, workflow, version) is read from the front of the primary key, so the cost
-- does not depend on how much is waiting. Rows that another worker is claiming are skipped.
WITH lane AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[])
                  AS l (queue, slots, workflow, version)
), front AS MATERIALIZED (
    SELECT r.*, lane.slots
    FROM lane
    CROSS JOIN LATERAL (
        SELECT queue, workflow, version, priority, task_id
        FROM workflows.ready
        WHERE queue = lane.queue AND workflow = lane.workflow AND version = lane.version
        ORDER BY priority, task_id
        LIMIT lane.slots
        FOR UPDATE SKIP LOCKED
    ) r
), picked AS (
    SELECT * FROM (
        SELECT *, row_number() OVER (PARTITION BY queue ORDER BY priority, task_id) AS place
        FROM front
    ) ranked
    WHERE place <= slots
), claimed AS (
    DELETE FROM workflows.ready r
    USING picked p
    WHERE (r.queue, r.workflow, r.version, r.priority, r.task_id)
        = (p.queue, p.workflow, p.version, p.priority, p.task_id)
    RETURNING r.task_id
), leased AS (
    INSERT INTO workflows.leases (task_id, run_id, token, worker_id, expires_at)
    SELECT t.task_id, t.run_id, nextval('workflows.attempt_tokens'), $5,
           clock_timestamp() + make_interval(secs => $6)
    FROM claimed JOIN workflows.tasks t USING (task_id)
    RETURNING task_id, token
)
SELECT t.task_id, t.run_id, r.subject, t.workflow, t.version, t.step, t.queue,
       t.fan_out_id, t.child, t.input, t.errors, t.crashes, t.interruptions, leased.token
FROM leased
JOIN workflows.tasks t USING (task_id)
JOIN workflows.runs r USING (run_id)
ORDER BY t.priority, t.task_id
