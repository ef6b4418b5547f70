-- The durable engine's own schema. No other schema is touched, and nothing here
-- knows what the runs are about: a run has an opaque `subject`.

CREATE SCHEMA IF NOT EXISTS workflows;

-- One execution of a workflow. Written at the start and at the end, and locked
-- (never updated) by each step in between.
CREATE TABLE workflows.runs (
    run_id       uuid        PRIMARY KEY,
    workflow     text        NOT NULL,
    version      integer     NOT NULL,
    -- What the run is about, in the caller's terms.
    subject      uuid        NOT NULL,
    -- Work is shared fairly between these keys.
    fairness_key text        NOT NULL,
    state        text        NOT NULL DEFAULT 'running'
                 CHECK (state IN ('running', 'succeeded', 'rejected', 'dead', 'cancelled')),
    input        jsonb       NOT NULL,
    -- The last step's output, or why the run was rejected.
    result       jsonb,
    created_at   timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
);
CREATE INDEX runs_by_subject ON workflows.runs (subject, run_id DESC);

-- What a worker can claim, one row per live task, gone when the task is done.
-- The payload stays here while the narrow tables below say where the task is.
CREATE TABLE workflows.tasks (
    task_id       uuid        PRIMARY KEY,
    run_id        uuid        NOT NULL REFERENCES workflows.runs,
    workflow      text        NOT NULL,
    version       integer     NOT NULL,
    step          text        NOT NULL,
    queue         text        NOT NULL,
    priority      smallint    NOT NULL,
    -- Set on the children of a fan-out.
    fan_out_id    uuid,
    child         integer,
    input         jsonb       NOT NULL,
    -- Three counters, because they mean three things: the step failed, the
    -- worker was lost under it, the worker handed it back.
    errors        integer     NOT NULL DEFAULT 0,
    crashes       integer     NOT NULL DEFAULT 0,
    interruptions integer     NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX tasks_by_run ON workflows.tasks (run_id);

-- A live task is in exactly one of the next three tables.

-- Claimable now. The primary key is the claim order.
CREATE TABLE workflows.ready (
    queue     text     NOT NULL,
    workflow  text     NOT NULL,
    version   integer  NOT NULL,
    priority  smallint NOT NULL,
    task_id   uuid     NOT NULL,
    PRIMARY KEY (queue, workflow, version, priority, task_id)
);

-- Claimable later: durable backoff. Never scanned by a claim.
CREATE TABLE workflows.deferred (
    due_at    timestamptz NOT NULL,
    task_id   uuid        NOT NULL,
    PRIMARY KEY (due_at, task_id)
);
CREATE INDEX deferred_by_task ON workflows.deferred (task_id);

-- Being worked on. The token only ever grows; whoever does not hold the
-- current one can write nothing.
CREATE SEQUENCE workflows.attempt_tokens;
CREATE TABLE workflows.leases (
    task_id    uuid        PRIMARY KEY,
    run_id     uuid        NOT NULL,
    token      bigint      NOT NULL,
    worker_id  bigint      NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A fan-out in progress: how many children have not ended yet, and what the
-- join will be given beside their outputs.
CREATE TABLE workflows.fan_outs (
    fan_out_id uuid    PRIMARY KEY,
    run_id     uuid    NOT NULL REFERENCES workflows.runs,
    step       text    NOT NULL,
    total      integer NOT NULL,
    remaining  integer NOT NULL CHECK (remaining >= 0),
    carry      jsonb   NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX fan_outs_by_run ON workflows.fan_outs (run_id);

-- Every attempt that ended, append-only.
CREATE TABLE workflows.attempts (
    token      bigint      PRIMARY KEY,
    run_id     uuid        NOT NULL,
    task_id    uuid        NOT NULL,
    step       text        NOT NULL,
    fan_out_id uuid,
    child      integer,
    outcome    text        NOT NULL
               CHECK (outcome IN ('done', 'error', 'rejected', 'crashed', 'interrupted')),
    output     jsonb,
    error      jsonb,
    worker_id  bigint      NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX attempts_by_run ON workflows.attempts (run_id);
CREATE INDEX attempts_by_fan_out ON workflows.attempts (fan_out_id) WHERE fan_out_id IS NOT NULL;

-- Tasks that used up their attempts, whole, until someone decides about them.
CREATE TABLE workflows.dead_letters (
    task_id       uuid        PRIMARY KEY,
    run_id        uuid        NOT NULL REFERENCES workflows.runs,
    workflow      text        NOT NULL,
    version       integer     NOT NULL,
    step          text        NOT NULL,
    queue         text        NOT NULL,
    priority      smallint    NOT NULL,
    fan_out_id    uuid,
    child         integer,
    input         jsonb       NOT NULL,
    errors        integer     NOT NULL,
    crashes       integer     NOT NULL,
    interruptions integer     NOT NULL,
    -- Why it died: `errors` (budget used up), `crashes` (poison), `failed` (the step said so).
    cause         text        NOT NULL,
    error         jsonb       NOT NULL,
    -- Alike for deaths of the same cause, for grouping.
    fingerprint   text        NOT NULL,
    worker_id     bigint      NOT NULL,
    died_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_by_run ON workflows.dead_letters (run_id);
CREATE INDEX dead_letters_by_fingerprint ON workflows.dead_letters (fingerprint, died_at);

-- One row per worker process. Its presence is a session advisory lock on
-- (`workflows`, worker_id): when the process dies, the lock is gone.
CREATE TABLE workflows.workers (
    worker_id  bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text        NOT NULL,
    build      text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
