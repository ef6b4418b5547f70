-- What people do with runs and queues: pause, re-drive, discard, schedule, and the record of it.

-- Only queues that somebody paused have a row.
CREATE TABLE workflows.queues (
    queue     text        PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT now(),
    paused_by text        NOT NULL,
    reason    text        NOT NULL
);

-- A re-drive of many letters: works itself off at a rate, and survives restarts.
CREATE TABLE workflows.redrives (
    redrive_id uuid             PRIMARY KEY,
    filter     jsonb            NOT NULL,
    per_second double precision NOT NULL CHECK (per_second > 0),
    -- At most so many letters.
    cap        integer          NOT NULL CHECK (cap > 0),
    actor      text             NOT NULL,
    reason     text             NOT NULL,
    -- Letters that matched when it was asked for; younger ones are left alone.
    matched    bigint           NOT NULL,
    -- The runs start again from this step. Without it each goes on where it died.
    from_step  text,
    redriven   integer          NOT NULL DEFAULT 0,
    -- Letters left as they are, because their runs have not been through that step.
    skipped    integer          NOT NULL DEFAULT 0,
    -- The last letter looked at, and until when the rate is used up.
    position   uuid,
    -- Some runs were locked by somebody when they were looked at: the next round begins behind this
    -- letter. The nil id is the beginning.
    again_from uuid,
    ticked_at  timestamptz      NOT NULL DEFAULT now(),
    created_at timestamptz      NOT NULL DEFAULT now(),
    ended_at   timestamptz
);
CREATE INDEX redrives_going_on ON workflows.redrives (redrive_id) WHERE ended_at IS NULL;

-- Who did what, when and why.
CREATE TABLE workflows.audit (
    audit_id bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text        NOT NULL,
    action   text        NOT NULL,
    -- What it was done to: a run, a letter, a queue, a bulk re-drive.
    target   text        NOT NULL,
    reason   text        NOT NULL,
    details  jsonb       NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_target ON workflows.audit (target, audit_id);

-- Runs that start by the clock. The row's lock decides which worker fires a tick.
CREATE TABLE workflows.schedules (
    name     text        PRIMARY KEY,
    next_at  timestamptz NOT NULL,
    last_run uuid
);

-- How much waits where, counted by one process for all: one row, and whoever finds it too old and
-- gets its lock counts anew.
CREATE TABLE workflows.depths (
    one        boolean     PRIMARY KEY DEFAULT true CHECK (one),
    counted_at timestamptz NOT NULL,
    -- [{"queue", "workflow", "step", "ready", …}], one for each step that has tasks.
    counts     jsonb       NOT NULL
);
INSERT INTO workflows.depths (counted_at, counts) VALUES ('epoch', '[]');

-- Dependencies of steps that are down: while there is a row, tasks of steps that need it stay where
-- they are, but for one at a time that tries whether it is back.
CREATE TABLE workflows.breakers (
    dependency text        PRIMARY KEY,
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When the next task may try. It was tried so often.
    probe_at   timestamptz NOT NULL,
    probes     integer     NOT NULL DEFAULT 0,
    -- The last error.
    error      text        NOT NULL
);

-- Which builds may work on this schema: one row. A migration that takes something away that older
-- builds need raises `oldest_build` to the schema level (`SCHEMA_LEVEL`) of the first build that can do without.
CREATE TABLE workflows.schema_compatibility (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    oldest_build integer NOT NULL
);
INSERT INTO workflows.schema_compatibility (oldest_build) VALUES (1);
