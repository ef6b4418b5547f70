-- Keys that have something waiting are found by hopping along the primary key of `ready`, from the
-- key after the one served last; each gets an equal share of its queue's free slots, oldest run
-- first. So the cost does not depend on how much is waiting. Rows that another worker is claiming
-- are skipped, and so are tasks at a step that this build does not have.
WITH RECURSIVE lane AS (
    SELECT l.*
    FROM unnest($1::int[], $2::text[], $3::int[], $4::bigint[])
         WITH ORDINALITY AS l (lane, queue, slots, after, lane_turn)
    WHERE NOT EXISTS (SELECT FROM workflows.queues q WHERE q.queue = l.queue)
), step AS MATERIALIZED (
    SELECT * FROM unnest($5::int[], $6::text[]) AS s (lane, step)
), waiting AS MATERIALIZED (
    SELECT lane.*, found.key, found.place, (-9223372036854775808)::bigint AS front
    FROM lane CROSS JOIN LATERAL (
        (WITH RECURSIVE hop AS (
            (SELECT r.key, 1 AS place FROM workflows.ready r JOIN workflows.tasks t USING (task_id)
             WHERE r.lane = lane.lane AND r.key > lane.after
               AND (r.lane, t.step) IN (SELECT lane, step FROM step)
             ORDER BY r.key LIMIT 1)
            UNION ALL
            SELECT next.key, hop.place + 1 FROM hop CROSS JOIN LATERAL (
                SELECT r.key FROM workflows.ready r JOIN workflows.tasks t USING (task_id)
                WHERE r.lane = lane.lane AND r.key > hop.key
                  AND (r.lane, t.step) IN (SELECT lane, step FROM step)
                ORDER BY r.key LIMIT 1) next)
         SELECT key, place FROM hop LIMIT lane.slots)
        UNION ALL
        (WITH RECURSIVE hop AS (
            (SELECT r.key, 1000001 AS place FROM workflows.ready r JOIN workflows.tasks t USING (task_id)
             WHERE r.lane = lane.lane AND r.key <= lane.after
               AND (r.lane, t.step) IN (SELECT lane, step FROM step)
             ORDER BY r.key LIMIT 1)
            UNION ALL
            SELECT next.key, hop.place + 1 FROM hop CROSS JOIN LATERAL (
                SELECT r.key FROM workflows.ready r JOIN workflows.tasks t USING (task_id)
                WHERE r.lane = lane.lane AND r.key > hop.key AND r.key <= lane.after
                  AND (r.lane, t.step) IN (SELECT lane, step FROM step)
                ORDER BY r.key LIMIT 1) next)
         SELECT key, place FROM hop LIMIT lane.slots)
        LIMIT lane.slots
    ) found
    WHERE $9
    UNION ALL
    -- Or the caller says which keys to look at, and from which rank on.
    SELECT lane.*, k.key, k.place, k.front
    FROM unnest($10::int[], $11::bigint[], $12::bigint[]) WITH ORDINALITY AS k (lane, key, front, place)
    JOIN lane USING (lane)
), share AS (
    -- The lanes of a queue take turns as its keys do.
    SELECT lane, key, slots, front,
           greatest(1, slots / count(*) OVER (PARTITION BY queue)) AS quota,
           row_number() OVER (PARTITION BY queue ORDER BY lane_place, lane_turn) AS turn
    FROM (SELECT *, row_number() OVER (PARTITION BY lane ORDER BY place) AS lane_place FROM waiting) waiting
), front AS MATERIALIZED (
    -- The token: milliseconds, and a running number below. It grows, and a number that a crash of
    -- the server gave out twice still makes another token.
    SELECT f.*, share.quota,
           ((extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20)
           | (nextval('workflows.attempt_tokens') & 1048575) AS token,
           clock_timestamp() AS started_at
    FROM share CROSS JOIN LATERAL (
        SELECT r.lane, r.key, r.rank, t.task_id, t.run_id, t.step, t.fan_out_id, t.child, t.input,
               t.errors, t.crashes, t.interruptions, t.ready_at
        FROM workflows.ready r JOIN workflows.tasks t USING (task_id)
        WHERE r.lane = share.lane AND r.key = share.key AND r.rank >= share.front
          AND (r.lane, t.step) IN (SELECT lane, step FROM step)
        ORDER BY r.rank, r.task_id
        LIMIT share.quota
        FOR UPDATE OF r SKIP LOCKED
    ) f
    WHERE share.turn <= share.slots
), claimed AS (
    DELETE FROM workflows.ready r
    USING front f
    WHERE (r.lane, r.key, r.rank, r.task_id) = (f.lane, f.key, f.rank, f.task_id)
), leased AS (
    INSERT INTO workflows.leases (task_id, run_id, token, worker_id, started_at, expires_at)
    SELECT task_id, run_id, token, $7, started_at, started_at + make_interval(secs => $8) FROM front
)
SELECT f.task_id, f.run_id, r.subject, r.trace_parent, f.lane, f.key, f.rank, f.step,
       f.fan_out_id, f.child, f.input, f.errors, f.crashes, f.interruptions, f.token AS "token!",
       f.started_at AS "started_at!", extract(epoch FROM f.started_at - f.ready_at)::float8 AS "waited!",
       f.quota AS "quota!"
FROM front f JOIN workflows.runs r USING (run_id)
