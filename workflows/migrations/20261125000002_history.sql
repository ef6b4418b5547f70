-- What was: attempts, dead letters, and who worked.

-- Every attempt that ended, append-only.
CREATE TABLE workflows.attempts (
    run_id     uuid        NOT NULL,
    token      bigint      NOT NULL,
    task_id    uuid        NOT NULL,
    lane       integer     NOT NULL,
    fan_out_id uuid,
    child      integer,
    -- `crashed`: the process died of it. `lost`: its process or its lease was lost, and the task is
    -- not to blame. `unavailable`: a dependency was down, which is not the task's fault either.
    outcome    text        NOT NULL CHECK (outcome IN
               ('done', 'error', 'unavailable', 'rejected', 'crashed', 'lost', 'interrupted', 'cancelled')),
    -- Kept of steps that are done, for a later re-drive from there.
    input      json,
    -- Kept of the children of a fan-out, for their join.
    output     json,
    error      json,
    worker_id  bigint      NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, token)
);

-- A letter is one death of a task, whole, until someone decides about it. The task may be re-driven
-- and die again, which is another letter.
CREATE TABLE workflows.dead_letters (
    letter_id     uuid        PRIMARY KEY,
    task_id       uuid        NOT NULL,
    run_id        uuid        NOT NULL,
    lane          integer     NOT NULL,
    fairness_key  text        NOT NULL,
    key           bigint      NOT NULL,
    rank          bigint      NOT NULL,
    fan_out_id    uuid,
    child         integer,
    input         json        NOT NULL,
    errors        integer     NOT NULL,
    crashes       integer     NOT NULL,
    interruptions integer     NOT NULL,
    token         bigint      NOT NULL,
    -- A limit was reached, or the step said that no retry will help.
    cause         text        NOT NULL CHECK (cause IN ('errors', 'crashes', 'interruptions', 'failed')),
    error         json        NOT NULL,
    -- Alike for deaths of the same kind, for grouping.
    fingerprint   text        NOT NULL,
    worker_id     bigint      NOT NULL,
    died_at       timestamptz NOT NULL DEFAULT now(),
    resolved_at   timestamptz,
    -- `skipped`: the join went on without it. `obsolete`: its run ended otherwise.
    resolution    text        CHECK (resolution IN ('redriven', 'discarded', 'skipped', 'obsolete')),
    resolved_by   text,
    reason        text,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
CREATE INDEX dead_letters_by_run ON workflows.dead_letters (run_id);
CREATE UNIQUE INDEX dead_letters_open ON workflows.dead_letters (task_id) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_open_by_fingerprint
    ON workflows.dead_letters (fingerprint, letter_id) WHERE resolved_at IS NULL;

-- One row per worker process. Its presence is a session advisory lock on (`work`, worker_id) that
-- each of its connections shares: when the process dies, the lock is gone.
CREATE TABLE workflows.workers (
    worker_id  bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text        NOT NULL,
    build      text        NOT NULL,
    -- What this build can run: [{"workflow", "version", "steps": [{"step", "queue", "slots"}]}].
    knows      jsonb       NOT NULL DEFAULT '[]',
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    -- Tasks that it had when it was found to be gone. Set back when it shows that it is not.
    lost_tasks integer,
    -- Leases were taken from it, so that it may be at more tasks than it has leases, until it shows
    -- that it is not.
    robbed     boolean     NOT NULL DEFAULT false,
    -- The attempt that was charged because it seemed to have died of it, until it has heard of that.
    charged_run   uuid,
    charged_token bigint,
    -- Workers stay on record after they left, because the history names them.
    left_at    timestamptz
);
CREATE INDEX workers_at_work ON workflows.workers (worker_id) WHERE left_at IS NULL;

-- Since when the server is what it is: one row. A server that was started or promoted a moment ago
-- has no session of anybody yet, which says nothing about the workers.
CREATE TABLE workflows.servers (
    one        boolean     PRIMARY KEY DEFAULT true CHECK (one),
    -- Time of the start and timeline.
    identity   text        NOT NULL,
    since      timestamptz NOT NULL DEFAULT now()
);
