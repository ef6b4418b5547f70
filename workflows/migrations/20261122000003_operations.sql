-- What people do with runs and queues: pause, re-drive, discard, and the record of it.

CREATE INDEX runs_by_owner ON workflows.runs (fairness_key, run_id DESC);

-- Only queues that somebody paused have a row.
CREATE TABLE workflows.queues (
    queue     text        PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT now(),
    paused_by text        NOT NULL,
    reason    text        NOT NULL
);

-- A letter is one death. The task may be re-driven and die again, which is another letter.
ALTER TABLE workflows.dead_letters
    DROP CONSTRAINT dead_letters_pkey,
    ADD COLUMN letter_id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ADD COLUMN fairness_key text,
    ADD COLUMN lane         integer,
    ADD COLUMN key          bigint,
    ADD COLUMN rank         bigint,
    ADD COLUMN resolved_at  timestamptz,
    -- `redriven`, `discarded`, `skipped` (the join went on without it) or `obsolete` (its run ended otherwise).
    ADD COLUMN resolution   text,
    ADD COLUMN resolved_by  text,
    ADD COLUMN reason       text;
UPDATE workflows.dead_letters d
SET lane = l.lane, fairness_key = r.fairness_key, key = hashtextextended(r.fairness_key, 0),
    rank = (extract(epoch FROM r.created_at) * 1000000)::bigint
FROM workflows.lanes l, workflows.runs r
WHERE (l.queue, l.workflow, l.version) = (d.queue, d.workflow, d.version) AND r.run_id = d.run_id;
ALTER TABLE workflows.dead_letters
    ALTER COLUMN letter_id DROP DEFAULT,
    ALTER COLUMN fairness_key SET NOT NULL,
    ALTER COLUMN lane SET NOT NULL,
    ALTER COLUMN key SET NOT NULL,
    ALTER COLUMN rank SET NOT NULL,
    DROP COLUMN queue, DROP COLUMN priority,
    ADD CHECK ((resolved_at IS NULL) = (resolution IS NULL));
DROP INDEX workflows.dead_letters_by_fingerprint;
CREATE UNIQUE INDEX dead_letters_open ON workflows.dead_letters (task_id) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_open_by_fingerprint
    ON workflows.dead_letters (fingerprint, letter_id) WHERE resolved_at IS NULL;

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
    redriven   integer          NOT NULL DEFAULT 0,
    -- The last letter looked at, and until when the rate is used up.
    position   uuid,
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
