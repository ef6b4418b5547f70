-- The hot path, slimmer: a lane number instead of three names in every row, one row per task for its
-- whole way through the steps, and no foreign keys that fire on every insert.

-- Where tasks wait: the tasks of one queue that belong to one version of one workflow. A worker
-- reads only the lanes it knows. Rows are never removed.
CREATE TABLE workflows.lanes (
    lane     integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    queue    text    NOT NULL,
    workflow text    NOT NULL,
    version  integer NOT NULL,
    UNIQUE (queue, workflow, version)
);
INSERT INTO workflows.lanes (queue, workflow, version)
SELECT queue, workflow, version FROM workflows.tasks
UNION SELECT queue, workflow, version FROM workflows.dead_letters;

-- `rank` orders the tasks of one fairness key: the start of the run in microseconds, later by a
-- minute for each step of priority. So old runs are finished before new ones begin, and what has
-- waited long enough goes before what is more urgent.
ALTER TABLE workflows.runs
    ADD COLUMN priority     smallint NOT NULL DEFAULT 0,
    -- W3C trace context (`traceparent`) of whatever started the run.
    ADD COLUMN trace_parent text,
    ADD COLUMN paused_at    timestamptz,
    ADD COLUMN paused_by    text,
    ADD COLUMN pause_reason text,
    SET (fillfactor = 60);
CREATE INDEX runs_paused ON workflows.runs (run_id) WHERE paused_at IS NOT NULL;

-- A task is the place in a run at which work goes on. It moves from step to step; a fan-out
-- replaces it by its children, and the last child by the join.
ALTER TABLE workflows.tasks
    DROP CONSTRAINT tasks_run_id_fkey,
    ADD COLUMN lane     integer,
    ADD COLUMN key      bigint,
    ADD COLUMN rank     bigint,
    ADD COLUMN ready_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE workflows.tasks t
SET lane = l.lane, key = hashtextextended(r.fairness_key, 0),
    rank = (extract(epoch FROM r.created_at) * 1000000)::bigint
FROM workflows.lanes l, workflows.runs r
WHERE (l.queue, l.workflow, l.version) = (t.queue, t.workflow, t.version) AND r.run_id = t.run_id;
ALTER TABLE workflows.tasks
    ALTER COLUMN lane SET NOT NULL,
    ALTER COLUMN key SET NOT NULL,
    ALTER COLUMN rank SET NOT NULL,
    DROP COLUMN queue, DROP COLUMN workflow, DROP COLUMN version,
    DROP COLUMN priority, DROP COLUMN created_at,
    SET (fillfactor = 60);

-- A live task is in exactly one of `ready`, `deferred` and `leases`, but for those of a paused run,
-- which are in none.

-- Claimable now. `key` is the hash of the run's fairness key: keys take turns, and a claim hops
-- from key to key along the primary key.
DROP TABLE workflows.ready;
CREATE TABLE workflows.ready (
    lane    integer NOT NULL,
    key     bigint  NOT NULL,
    rank    bigint  NOT NULL,
    task_id uuid    NOT NULL,
    PRIMARY KEY (lane, key, rank, task_id)
);
INSERT INTO workflows.ready
SELECT lane, key, rank, task_id FROM workflows.tasks t
WHERE NOT EXISTS (SELECT FROM workflows.leases l WHERE l.task_id = t.task_id)
  AND NOT EXISTS (SELECT FROM workflows.deferred d WHERE d.task_id = t.task_id);

-- A fan-out now says where it joins, which those of before do not know.
DO $$ BEGIN
    IF EXISTS (SELECT FROM workflows.fan_outs) THEN
        RAISE EXCEPTION 'runs are in the middle of a fan-out: let the old version finish them, then migrate';
    END IF;
END $$;
ALTER TABLE workflows.fan_outs
    DROP CONSTRAINT fan_outs_run_id_fkey,
    -- The join follows even when children died, and is told which.
    ADD COLUMN partial   boolean NOT NULL DEFAULT false,
    -- Where the run goes on when no child remains.
    ADD COLUMN join_step text    NOT NULL DEFAULT '',
    ADD COLUMN join_lane integer NOT NULL DEFAULT 0;
ALTER TABLE workflows.fan_outs
    ALTER COLUMN join_step DROP DEFAULT,
    ALTER COLUMN join_lane DROP DEFAULT;

-- `input` (and its lane) is kept of steps that are done, for a later re-drive from there; `output` of the
-- children of a fan-out, for their join.
ALTER TABLE workflows.attempts
    DROP CONSTRAINT attempts_pkey,
    DROP CONSTRAINT attempts_outcome_check,
    ADD PRIMARY KEY (run_id, token),
    ADD CHECK (outcome IN ('done', 'error', 'rejected', 'crashed', 'interrupted', 'cancelled')),
    ADD COLUMN input jsonb,
    ADD COLUMN lane  integer;
DROP INDEX workflows.attempts_by_run;
DROP INDEX workflows.attempts_by_fan_out;

-- Workers stay on record after they left, because the history names them.
ALTER TABLE workflows.workers
    ADD COLUMN left_at timestamptz,
    -- What this build can run: [{"workflow", "version", "steps": [..]}].
    ADD COLUMN knows   jsonb NOT NULL DEFAULT '[]';
CREATE INDEX workers_at_work ON workflows.workers (worker_id) WHERE left_at IS NULL;
