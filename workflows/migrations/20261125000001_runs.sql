-- The durable engine's own schema. No other schema is touched, and nothing here
-- knows what the runs are about: a run has an opaque `subject`.
CREATE SCHEMA IF NOT EXISTS workflows;

-- One execution of a workflow. Written at the start and at the end, and locked
-- (not updated) by each step in between.
CREATE TABLE workflows.runs (
    run_id       uuid        PRIMARY KEY,
    workflow     text        NOT NULL,
    version      integer     NOT NULL,
    -- What the run is about, in the caller's terms.
    subject      uuid        NOT NULL,
    -- Slots are shared evenly between these keys.
    fairness_key text        NOT NULL,
    -- Minutes by which the run is treated as started later (negative: earlier).
    priority     smallint    NOT NULL DEFAULT 0,
    -- Among the runs of a workflow that have not ended, at most one has this key.
    unique_key   text,
    -- `dead` has not ended: it waits for somebody to re-drive or discard its dead letters.
    state        text        NOT NULL DEFAULT 'running'
                 CHECK (state IN ('running', 'succeeded', 'rejected', 'dead', 'cancelled')),
    -- Payloads are `json`, not `jsonb`: they come back to the last digit as they were written.
    input        json        NOT NULL,
    -- The last step's output, why the run was rejected, or who cancelled it.
    result       json,
    -- W3C trace context (`traceparent`) of whatever started the run.
    trace_parent text,
    paused_at    timestamptz,
    paused_by    text,
    pause_reason text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
) WITH (fillfactor = 60);
CREATE INDEX runs_by_subject ON workflows.runs (subject, created_at DESC, run_id DESC);
CREATE INDEX runs_by_owner ON workflows.runs (fairness_key, run_id DESC);
CREATE INDEX runs_paused ON workflows.runs (run_id) WHERE paused_at IS NOT NULL;
CREATE UNIQUE INDEX runs_unique ON workflows.runs (workflow, unique_key)
    WHERE unique_key IS NOT NULL AND ended_at IS NULL;

-- The durable identity of a step: workflow, version and name. Tasks wait in the lane of their
-- step. Rows are never removed.
CREATE TABLE workflows.lanes (
    lane     integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    workflow text    NOT NULL,
    version  integer NOT NULL,
    step     text    NOT NULL,
    -- The queue in which the newest build runs the step. Builds claim by their own routes, so
    -- this is for people, and a deploy may change it.
    queue    text    NOT NULL,
    -- What the newest build gives the step and lets follow it, for the check before a deploy.
    shape    jsonb,
    UNIQUE (workflow, version, step)
);

-- A task is the point of a run at which work goes on. It moves from step to step; a fan-out
-- replaces it by its children, and the last child by the join.
CREATE TABLE workflows.tasks (
    task_id       uuid        PRIMARY KEY,
    run_id        uuid        NOT NULL,
    lane          integer     NOT NULL,
    -- Hash of the run's fairness key.
    key           bigint      NOT NULL,
    -- Orders the tasks of one key: the start of the run in microseconds since 1970, later by a
    -- minute for each step of priority.
    rank          bigint      NOT NULL,
    -- Set on the children of a fan-out.
    fan_out_id    uuid,
    child         integer,
    input         json        NOT NULL,
    -- Three counters, because they mean three things: the step failed, the process died of it,
    -- the worker gave it back or lost it without blame.
    errors        integer     NOT NULL DEFAULT 0,
    crashes       integer     NOT NULL DEFAULT 0,
    interruptions integer     NOT NULL DEFAULT 0,
    -- In how many processes it was, among others, when they died: 0, 1, or 2 and more.
    suspicion     smallint    NOT NULL DEFAULT 0,
    -- Token of the last attempt. The next one's is greater, whatever the clock says.
    token         bigint      NOT NULL DEFAULT 0,
    ready_at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 60);
CREATE INDEX tasks_by_run ON workflows.tasks (run_id);

-- A live task is in exactly one of `ready`, `suspects`, `deferred` and `leases`, but for those of
-- a paused run, which are in none or in `leases`.

-- Claimable now. Keys take turns: a claim hops from key to key along the primary key.
CREATE TABLE workflows.ready (
    lane    integer NOT NULL,
    key     bigint  NOT NULL,
    rank    bigint  NOT NULL,
    task_id uuid    NOT NULL,
    PRIMARY KEY (lane, key, rank, task_id)
);

-- Claimable now, but one at a time in each process: one of them may have killed the last process.
CREATE TABLE workflows.suspects (
    lane      integer  NOT NULL,
    rank      bigint   NOT NULL,
    task_id   uuid     NOT NULL,
    -- As in `tasks`. From 2 on the process does nothing else meanwhile.
    suspicion smallint NOT NULL,
    PRIMARY KEY (lane, rank, task_id)
);

-- Claimable later: retries and delayed starts. Never scanned by a claim.
CREATE TABLE workflows.deferred (
    due_at  timestamptz NOT NULL,
    task_id uuid        NOT NULL,
    PRIMARY KEY (due_at, task_id)
);
CREATE INDEX deferred_by_task ON workflows.deferred (task_id);

-- Being worked on. Whoever does not hold the current token can write nothing.
CREATE SEQUENCE workflows.attempt_tokens;
CREATE TABLE workflows.leases (
    task_id     uuid        PRIMARY KEY,
    run_id      uuid        NOT NULL,
    token       bigint      NOT NULL,
    worker_id   bigint      NOT NULL,
    -- The step's own limit, as the build that works on it has it.
    crash_limit integer     NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A fan-out in progress: how many children have not ended yet, and what the join will be given
-- beside their outputs.
CREATE TABLE workflows.fan_outs (
    fan_out_id uuid    PRIMARY KEY,
    run_id     uuid    NOT NULL,
    total      integer NOT NULL,
    remaining  integer NOT NULL CHECK (remaining >= 0),
    -- Bytes of what the join will be given.
    bytes      bigint  NOT NULL,
    carry      json    NOT NULL,
    -- The join follows even when children died, and is told which.
    partial    boolean NOT NULL,
    -- Where the run goes on when no child remains.
    join_lane  integer NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX fan_outs_by_run ON workflows.fan_outs (run_id);
