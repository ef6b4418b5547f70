-- Every task the run ever had, live, dead or in the history, grouped by step.
WITH task AS (
    SELECT t.task_id, t.lane,
           CASE WHEN l.task_id IS NOT NULL THEN 'running'
                WHEN EXISTS (SELECT FROM workflows.deferred d WHERE d.task_id = t.task_id) THEN 'retrying'
                ELSE 'ready' END AS state,
           p.done AS told
    FROM workflows.tasks t
    LEFT JOIN workflows.leases l ON l.task_id = t.task_id
    LEFT JOIN workflows.progress p ON (p.task_id, p.token) = (l.task_id, l.token)
    WHERE t.run_id = $1
    UNION ALL
    SELECT task_id, lane, 'dead', NULL FROM workflows.dead_letters
    WHERE run_id = $1 AND (resolved_at IS NULL OR resolution = 'skipped')
    UNION ALL
    SELECT task_id, lane, outcome, NULL FROM workflows.attempts
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
            ELSE 'done' END AS "state!: StepState",
       count(*) FILTER (WHERE state = 'done') AS "done!",
       count(*) AS "total!",
       coalesce(max(attempts), 0) AS "attempts!",
       max(last_error) AS last_error,
       CASE WHEN bool_or(told IS NOT NULL)
            THEN sum(coalesce(told, (state = 'done')::int)) / count(*) END AS progress
FROM task JOIN workflows.lanes USING (lane) LEFT JOIN history USING (lane)
GROUP BY step
ORDER BY min(first_at) NULLS LAST, step
