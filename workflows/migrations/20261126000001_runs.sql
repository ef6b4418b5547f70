-- The durable engine's own schema. No other schema is touched, and nothing here knows what the runs
-- are about: a run has an opaque `subject`.
CREATE SCHEMA IF NOT EXISTS workflows;

CREATE TABLE workflows.runs (
    run_id       uuid        PRIMARY KEY,
    workflow     text        NOT NULL,
    version      integer     NOT NULL,
    subject      uuid        NOT NULL,
    fairness_key text        NOT NULL,
    priority     smallint    NOT NULL DEFAULT 0,
    unique_key   text,
    state        text        NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'succeeded', 'rejected', 'dead', 'cancelled')),
    input        json        NOT NULL,
    result       json,
    trace_parent text,
    paused_at    timestamptz,
    paused_by    text,
    pause_reason text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
) WITH (fillfactor = 60);
COMMENT ON TABLE workflows.runs IS
    'One execution of a workflow. Written at the start and at the end; each step in between locks the row and '
    'does not update it.';
COMMENT ON COLUMN workflows.runs.run_id IS 'Made by the client, a UUIDv7: sorts by the time of the start.';
COMMENT ON COLUMN workflows.runs.workflow IS 'Durable name of the workflow.';
COMMENT ON COLUMN workflows.runs.version IS 'Version of the workflow that the run was started with.';
COMMENT ON COLUMN workflows.runs.subject IS 'What the run is about, in the caller''s terms.';
COMMENT ON COLUMN workflows.runs.fairness_key IS 'Slots are shared evenly between these keys: owners or tenants.';
COMMENT ON COLUMN workflows.runs.priority IS
    'Minutes by which the run is ranked as if it had been started later. Negative: earlier.';
COMMENT ON COLUMN workflows.runs.unique_key IS
    'Among the runs of a workflow that have not ended, at most one has this key.';
COMMENT ON COLUMN workflows.runs.state IS
    'A dead run has not ended: it waits until its dead letters are re-driven or discarded.';
COMMENT ON COLUMN workflows.runs.input IS
    'What the first step is given. Payloads are json, not jsonb: they come back to the last digit as they were '
    'written.';
COMMENT ON COLUMN workflows.runs.result IS
    'The last step''s output, the rejection, or who cancelled the run. NULL while it has not ended.';
COMMENT ON COLUMN workflows.runs.trace_parent IS 'W3C trace context (traceparent) of whatever started the run.';
COMMENT ON COLUMN workflows.runs.paused_at IS 'Since when an operator holds the run. NULL: not paused.';
COMMENT ON COLUMN workflows.runs.paused_by IS 'Who paused it.';
COMMENT ON COLUMN workflows.runs.pause_reason IS 'Why it was paused.';
COMMENT ON COLUMN workflows.runs.created_at IS 'When it was started: the time of the starting transaction.';
COMMENT ON COLUMN workflows.runs.ended_at IS 'When it ended. NULL for running and dead runs.';
CREATE INDEX runs_by_subject ON workflows.runs (subject, created_at DESC, run_id DESC);
CREATE INDEX runs_by_fairness_key ON workflows.runs (fairness_key, run_id DESC);
CREATE INDEX runs_paused ON workflows.runs (run_id) WHERE paused_at IS NOT NULL;
CREATE UNIQUE INDEX runs_unique ON workflows.runs (workflow, unique_key)
    WHERE unique_key IS NOT NULL AND ended_at IS NULL;

CREATE FUNCTION workflows.fairness_hash(fairness_key text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(fairness_key, 0);
COMMENT ON FUNCTION workflows.fairness_hash IS 'The hash by which the tasks of one fairness key are found.';

CREATE FUNCTION workflows.task_rank(started_at timestamptz, priority smallint) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (extract(epoch FROM started_at) * 1000000)::bigint + priority::bigint * 60000000;
COMMENT ON FUNCTION workflows.task_rank IS
    'Orders the tasks of one key: the start of the run in microseconds since 1970, later by a minute for each '
    'step of priority.';

CREATE TABLE workflows.lanes (
    lane     integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    workflow text    NOT NULL,
    version  integer NOT NULL,
    step     text    NOT NULL,
    queue    text    NOT NULL,
    shape    jsonb,
    events   text    NOT NULL DEFAULT 'none' CHECK (events IN ('none', 'runs', 'steps')),
    UNIQUE (workflow, version, step)
);
COMMENT ON TABLE workflows.lanes IS
    'The durable identity of a step: workflow, version and name. Tasks wait in the lane of their step. Rows are '
    'never removed.';
COMMENT ON COLUMN workflows.lanes.lane IS 'Number of the lane.';
COMMENT ON COLUMN workflows.lanes.workflow IS 'Durable name of the workflow.';
COMMENT ON COLUMN workflows.lanes.version IS 'Version of the workflow.';
COMMENT ON COLUMN workflows.lanes.step IS 'Durable name of the step.';
COMMENT ON COLUMN workflows.lanes.queue IS
    'The queue in which the newest build runs the step. Builds claim by their own routes, so this is for people, '
    'and a deploy may change it.';
COMMENT ON COLUMN workflows.lanes.shape IS
    'The shape of the step''s input and what follows it, as the newest build has them, for the check before a '
    'deploy.';
COMMENT ON COLUMN workflows.lanes.events IS 'How much the newest build tells of the runs of the lane''s workflow.';
