-- As claim.sql, for queues with limits, under the locks of their limits: `slots` is what the limit of
-- the queue leaves, and a key gets no more than the limit of keys leaves it. Keys that have all that
-- they may have are stepped over.
WITH running AS MATERIALIZED (
    SELECT queue, key, count(*)::int AS tasks
    FROM workflows.permits WHERE queue = ANY($2) GROUP BY queue, key
), lane AS MATERIALIZED (
    SELECT l.*, (SELECT count(*)::int FROM running r WHERE r.queue = l.queue AND r.tasks >= l.per_key) AS capped
    FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[], $9::int[])
         WITH ORDINALITY AS l (lane, queue, grp, slots, after, crash_limit, per_key, grp_turn)
    WHERE NOT EXISTS (SELECT FROM workflows.queues q WHERE q.queue = l.queue)
), waiting AS MATERIALIZED (
    SELECT lane.*, found.key, found.turn AS place, found.rank AS front, lane.per_key - coalesce(r.tasks, 0) AS room
    FROM lane CROSS JOIN LATERAL workflows.waiting_fronts(lane.lane, lane.after, lane.slots + lane.capped) found
    LEFT JOIN running r ON (r.queue, r.key) = (lane.queue, found.key)
    WHERE lane.per_key > coalesce(r.tasks, 0)
), share AS (
    SELECT queue, grp, key, least(room, greatest(1, slots / count(*) OVER (PARTITION BY queue))) AS quota,
           row_number() OVER (PARTITION BY queue ORDER BY grp_place, grp_turn) AS turn
    FROM (SELECT queue, grp, key, min(slots) AS slots, min(room) AS room, min(grp_turn) AS grp_turn,
                 row_number() OVER (PARTITION BY queue, grp ORDER BY min(place), key) AS grp_place
          FROM waiting GROUP BY queue, grp, key) waiting
), front AS MATERIALIZED (
    SELECT f.*, w.queue, w.grp, w.crash_limit, w.room, share.quota
    FROM share JOIN waiting w USING (queue, grp, key) CROSS JOIN LATERAL (
        SELECT r.lane, r.key, r.rank, r.task_id
        FROM workflows.ready r
        WHERE r.lane = w.lane AND r.key = w.key AND r.rank >= w.front
        ORDER BY r.rank, r.task_id
        LIMIT share.quota
        FOR UPDATE SKIP LOCKED
    ) f
    WHERE share.turn <= w.slots
), chosen AS MATERIALIZED (
    -- A key may wait in several lanes of a group, and in several groups of a queue.
    SELECT * FROM (
        SELECT shared.*, row_number() OVER (PARTITION BY queue, key ORDER BY rank, task_id) AS of_key
        FROM (SELECT front.*,
                     row_number() OVER (PARTITION BY queue, grp, key ORDER BY rank, task_id) AS number
              FROM front) shared
        WHERE number <= quota) permitted
    WHERE of_key <= room
), claimed AS MATERIALIZED (
    SELECT c.queue, c.lane, c.key, c.rank, c.task_id, c.quota, c.crash_limit, t.run_id, t.fan_out_id, t.child,
           t.input, t.errors, t.crashes, t.interruptions, t.suspicion, t.ready_at,
           workflows.next_token(t.token) AS token,
           clock_timestamp() AS started_at
    FROM chosen c JOIN workflows.tasks t USING (task_id)
), gone AS (
    DELETE FROM workflows.ready r USING claimed c
    WHERE (r.lane, r.key, r.rank, r.task_id) = (c.lane, c.key, c.rank, c.task_id)
), leased AS (
    INSERT INTO workflows.leases (task_id, run_id, token, worker_id, crash_limit, started_at, expires_at)
    SELECT task_id, run_id, token, $7, crash_limit, started_at, started_at + make_interval(secs => $8)
    FROM claimed
), permitted AS (
    INSERT INTO workflows.permits (queue, key, task_id, token)
    SELECT queue, key, task_id, token FROM claimed
), spent AS (
    UPDATE workflows.limits l
    SET saved = least(burst, saved + greatest(0, extract(epoch FROM clock_timestamp() - filled_at)::float8) * per_second)
                - begun.steps,
        filled_at = clock_timestamp()
    FROM (SELECT queue, count(*) AS steps FROM claimed GROUP BY queue) begun
    WHERE l.queue = begun.queue AND l.per_second IS NOT NULL
)
SELECT c.task_id, c.run_id, r.subject, r.trace_parent, c.lane, c.key AS fairness_hash, c.rank,
       c.fan_out_id AS "fan_out_id: _", c.child, c.input::text AS "input!", c.errors, c.crashes, c.interruptions, c.suspicion,
       c.token AS "token!", c.started_at AS "started_at!",
       extract(epoch FROM c.started_at - c.ready_at)::float8 AS "waited!", c.quota AS "quota!",
       extract(epoch FROM clock_timestamp() - statement_timestamp())::float8 AS "took!"
FROM claimed c JOIN workflows.runs r USING (run_id)
