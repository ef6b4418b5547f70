-- Keys that have something waiting are found by hopping along the primary key of `ready`, from the
-- key after the one served last; each gets an equal share of its queue's free slots, oldest run
-- first. So the cost does not depend on how much is waiting, nor on what waits at steps that this
-- build does not have. Rows that another worker is claiming are skipped.
WITH lane AS (
    -- A group is a version of a workflow: the groups of a queue take turns as keys do.
    SELECT l.*
    FROM unnest($1::int[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[])
         WITH ORDINALITY AS l (lane, queue, grp, slots, after, crash_limit, grp_turn)
    WHERE NOT EXISTS (SELECT FROM workflows.queues q WHERE q.queue = l.queue)
      -- Those are claimed by claim_limited.sql.
      AND NOT EXISTS (SELECT FROM workflows.limits q WHERE q.queue = l.queue)
), waiting AS MATERIALIZED (
    SELECT lane.*, found.key, found.turn AS place, found.rank AS front
    FROM lane CROSS JOIN LATERAL workflows.waiting_fronts(lane.lane, lane.after, lane.slots) found
    WHERE $9
    UNION ALL
    -- Or the caller says which keys to look at, and from which rank on.
    SELECT lane.*, k.key, k.place, k.front
    FROM unnest($10::int[], $11::bigint[], $12::bigint[]) WITH ORDINALITY AS k (lane, key, front, place)
    JOIN lane USING (lane)
), share AS (
    SELECT queue, grp, key,
           greatest(1, slots / count(*) OVER (PARTITION BY queue)) AS quota,
           row_number() OVER (PARTITION BY queue ORDER BY grp_place, grp_turn) AS turn
    FROM (SELECT queue, grp, key, min(slots) AS slots, min(grp_turn) AS grp_turn,
                 row_number() OVER (PARTITION BY queue, grp ORDER BY min(place), key) AS grp_place
          FROM waiting GROUP BY queue, grp, key) waiting
), front AS MATERIALIZED (
    SELECT f.*, w.queue, w.grp, w.crash_limit, share.quota
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
    -- A key may wait in several lanes of a queue; its share is for all of them.
    SELECT * FROM (
        SELECT front.*, row_number() OVER (PARTITION BY queue, grp, key ORDER BY rank, task_id) AS number
        FROM front) front
    WHERE number <= quota
), claimed AS MATERIALIZED (
    SELECT c.lane, c.key, c.rank, c.task_id, c.quota, c.crash_limit, t.run_id, t.fan_out_id, t.child,
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
)
SELECT c.task_id, c.run_id, r.subject, r.trace_parent, c.lane, c.key AS fairness_hash, c.rank,
       c.fan_out_id AS "fan_out_id: _", c.child, c.input::text AS "input!", c.errors, c.crashes, c.interruptions, c.suspicion,
       c.token AS "token!", c.started_at AS "started_at!",
       extract(epoch FROM c.started_at - c.ready_at)::float8 AS "waited!", c.quota AS "quota!",
       extract(epoch FROM clock_timestamp() - statement_timestamp())::float8 AS "took!"
FROM claimed c JOIN workflows.runs r USING (run_id)
