-- Every task the run ever had, live, dead or in the history, grouped by step.
WITH task AS (
    SELECT task_id, lane,
           CASE WHEN EXISTS (SELECT FROM workflows.leases l WHERE l.task_id = t.task_id) THEN 'running'
                WHEN EXISTS (SELECT FROM workflows.deferred d WHERE d.task_id = t.task_id) THEN 'retrying'
                ELSE 'ready' END AS state
    FROM workflows.tasks t WHERE run_id = $1
    UNION ALL
    SELECT task_id, lane, 'dead' FROM workflows.dead_letters
    WHERE run_id = $1 AND (resolved_at IS NULL OR resolution = 'skipped')
    UNION ALL
    SELECT task_id, lane, outcome FROM workflows.attempts
    WHERE run_id = $1 AND outcome IN ('done', 'rejected')
), history AS (
    SELECT lane, count(*) AS attempts, min(started_at) AS first_at,
           (array_agg(error ->> 'message' ORDER BY token DESC) FILTER (WHERE error IS NOT NULL))[1] AS last_error
    FROM workflows.attempts WHERE run_id = $1 GROUP BY lane
)
SELECT step AS "name!",
       CASE WHEN bool_or(state = 'dead') THEN 'dead'
            WHEN bool_or(state = 'rejected') THEN 'rejected'
            WHEN bool_or(state = 'running') THEN 'running'
            WHEN bool_or(state = 'retrying') THEN 'retrying'
            WHEN bool_or(state = 'ready') THEN 'ready'
            ELSE 'done' END AS "state!",
       count(*) FILTER (WHERE state = 'done') AS "done!",
       count(*) AS "total!",
       coalesce(max(attempts), 0) AS "attempts!",
       max(last_error) AS last_error
FROM task JOIN workflows.lanes USING (lane) LEFT JOIN history USING (lane)
GROUP BY step
ORDER BY min(first_at) NULLS LAST, step
