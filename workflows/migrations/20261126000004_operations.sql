-- What people do with runs and queues, and what holds work back.

CREATE TABLE workflows.queues (
    queue     text        PRIMARY KEY,
    paused_at timestamptz NOT NULL DEFAULT now(),
    paused_by text        NOT NULL,
    reason    text        NOT NULL
);
COMMENT ON TABLE workflows.queues IS 'Paused queues. Others have no row.';
COMMENT ON COLUMN workflows.queues.queue IS 'The queue.';
COMMENT ON COLUMN workflows.queues.paused_at IS 'Since when.';
COMMENT ON COLUMN workflows.queues.paused_by IS 'Who paused it.';
COMMENT ON COLUMN workflows.queues.reason IS 'Why.';

CREATE TABLE workflows.limits (
    queue       text             PRIMARY KEY,
    concurrency integer          CHECK (concurrency > 0),
    per_key     integer          CHECK (per_key > 0),
    per_second  double precision CHECK (per_second > 0),
    burst       double precision GENERATED ALWAYS AS (greatest(1, per_second / 4)) STORED,
    saved       double precision NOT NULL DEFAULT 1,
    filled_at   timestamptz      NOT NULL DEFAULT clock_timestamp(),
    set_at      timestamptz      NOT NULL DEFAULT now(),
    set_by      text             NOT NULL,
    reason      text             NOT NULL,
    CHECK (num_nonnulls(concurrency, per_key, per_second) > 0)
) WITH (fillfactor = 50);
COMMENT ON TABLE workflows.limits IS
    'Limits of queues over all processes. Queues without a limit have no row. The row''s lock is the right to '
    'hand out what the limit allows.';
COMMENT ON COLUMN workflows.limits.queue IS 'The queue.';
COMMENT ON COLUMN workflows.limits.concurrency IS 'Tasks that may run at once. NULL: no such limit.';
COMMENT ON COLUMN workflows.limits.per_key IS 'Tasks of one fairness key that may run at once. NULL: no such limit.';
COMMENT ON COLUMN workflows.limits.per_second IS 'Steps that may begin in a second. NULL: no such limit.';
COMMENT ON COLUMN workflows.limits.burst IS
    'How many steps the rate saves up: a quarter of a second''s, one at least.';
COMMENT ON COLUMN workflows.limits.saved IS 'Steps that might have begun at filled_at.';
COMMENT ON COLUMN workflows.limits.filled_at IS 'The time for which saved was computed.';
COMMENT ON COLUMN workflows.limits.set_at IS 'When the limit was set.';
COMMENT ON COLUMN workflows.limits.set_by IS 'Who set it.';
COMMENT ON COLUMN workflows.limits.reason IS 'Why.';

CREATE TABLE workflows.permits (
    queue   text   NOT NULL,
    key     bigint NOT NULL,
    task_id uuid   NOT NULL,
    token   bigint NOT NULL,
    PRIMARY KEY (queue, task_id, token)
);
COMMENT ON TABLE workflows.permits IS
    'Attempts in queues with a limit. A row counts as long as its attempt holds the lease: nobody has to remove '
    'it in time. Written and removed under the lock of the limit.';
COMMENT ON COLUMN workflows.permits.queue IS 'The queue.';
COMMENT ON COLUMN workflows.permits.key IS 'Hash of the run''s fairness key.';
COMMENT ON COLUMN workflows.permits.task_id IS 'The task.';
COMMENT ON COLUMN workflows.permits.token IS 'Fencing token of the attempt.';

CREATE TABLE workflows.redrives (
    redrive_id uuid             PRIMARY KEY,
    filter     jsonb            NOT NULL,
    per_second double precision NOT NULL CHECK (per_second > 0),
    cap        integer          NOT NULL CHECK (cap > 0),
    actor      text             NOT NULL,
    reason     text             NOT NULL,
    matched    bigint           NOT NULL,
    from_step  text,
    redriven   integer          NOT NULL DEFAULT 0,
    skipped    integer          NOT NULL DEFAULT 0,
    position   uuid,
    again_from uuid,
    ticked_at  timestamptz      NOT NULL DEFAULT now(),
    created_at timestamptz      NOT NULL DEFAULT now(),
    ended_at   timestamptz
);
COMMENT ON TABLE workflows.redrives IS
    'Re-drives of many letters. Each works itself off at a rate, and survives restarts.';
COMMENT ON COLUMN workflows.redrives.redrive_id IS 'The re-drive.';
COMMENT ON COLUMN workflows.redrives.filter IS 'Which letters: the arguments of workflows.matching_letters.';
COMMENT ON COLUMN workflows.redrives.per_second IS 'Letters in a second.';
COMMENT ON COLUMN workflows.redrives.cap IS 'Letters at most.';
COMMENT ON COLUMN workflows.redrives.actor IS 'Who asked for it.';
COMMENT ON COLUMN workflows.redrives.reason IS 'Why.';
COMMENT ON COLUMN workflows.redrives.matched IS
    'Letters that matched when it was asked for. Younger ones are left alone.';
COMMENT ON COLUMN workflows.redrives.from_step IS
    'The runs start again from this step. NULL: each goes on where it died.';
COMMENT ON COLUMN workflows.redrives.redriven IS 'Letters re-driven so far.';
COMMENT ON COLUMN workflows.redrives.skipped IS
    'Letters left as they are, because their runs have not been through from_step.';
COMMENT ON COLUMN workflows.redrives.position IS 'The last letter that was looked at.';
COMMENT ON COLUMN workflows.redrives.again_from IS
    'The next round begins behind this letter, because somebody held a run there. The nil id is the beginning.';
COMMENT ON COLUMN workflows.redrives.ticked_at IS 'Until when the rate is used up.';
COMMENT ON COLUMN workflows.redrives.created_at IS 'When it was asked for.';
COMMENT ON COLUMN workflows.redrives.ended_at IS 'When it was done or stopped. NULL: it goes on.';
CREATE INDEX redrives_going_on ON workflows.redrives (redrive_id) WHERE ended_at IS NULL;

CREATE TABLE workflows.audit (
    audit_id bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at       timestamptz NOT NULL DEFAULT now(),
    actor    text        NOT NULL,
    action   text        NOT NULL,
    target   text        NOT NULL,
    reason   text        NOT NULL,
    details  jsonb       NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE workflows.audit IS 'Who did what, when and why.';
COMMENT ON COLUMN workflows.audit.audit_id IS 'Number of the entry.';
COMMENT ON COLUMN workflows.audit.at IS 'When.';
COMMENT ON COLUMN workflows.audit.actor IS 'Who.';
COMMENT ON COLUMN workflows.audit.action IS 'What, such as run.cancel.';
COMMENT ON COLUMN workflows.audit.target IS
    'What it was done to: the id of a run, a letter or a re-drive, or the name of a queue.';
COMMENT ON COLUMN workflows.audit.reason IS 'Why.';
COMMENT ON COLUMN workflows.audit.details IS 'What else is known of it.';
CREATE INDEX audit_by_target ON workflows.audit (target, audit_id);

CREATE TABLE workflows.schedules (
    name     text        PRIMARY KEY,
    next_at  timestamptz NOT NULL,
    last_run uuid
);
COMMENT ON TABLE workflows.schedules IS
    'Runs that start by the clock. The row''s lock decides which worker fires a tick.';
COMMENT ON COLUMN workflows.schedules.name IS 'Name of the schedule.';
COMMENT ON COLUMN workflows.schedules.next_at IS 'When it fires next.';
COMMENT ON COLUMN workflows.schedules.last_run IS 'The run that it started last.';

CREATE TABLE workflows.depths (
    one        boolean     PRIMARY KEY DEFAULT true CHECK (one),
    counted_at timestamptz NOT NULL,
    counts     jsonb       NOT NULL
);
COMMENT ON TABLE workflows.depths IS
    'How much waits where, counted by one process for all: one row. Whoever finds it too old and gets its lock '
    'counts anew.';
COMMENT ON COLUMN workflows.depths.one IS 'There is one row.';
COMMENT ON COLUMN workflows.depths.counted_at IS 'When it was counted.';
COMMENT ON COLUMN workflows.depths.counts IS
    '[{"queue", "workflow", "step", "ready", …}], one for each step that has tasks.';
INSERT INTO workflows.depths (counted_at, counts) VALUES ('epoch', '[]');

CREATE TABLE workflows.breakers (
    dependency text        PRIMARY KEY,
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    probe_at   timestamptz NOT NULL,
    probes     integer     NOT NULL DEFAULT 0,
    error      text        NOT NULL,
    failed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    lanes      integer[]   NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE workflows.breakers IS
    'Dependencies of steps that are down. While there is a row, tasks of steps that need it stay where they are, '
    'but for one at a time that tries whether it is back. A step may also find a service down that it did not '
    'declare, such as the disk of one machine: one of which nothing was heard for some minutes is forgotten.';
COMMENT ON COLUMN workflows.breakers.dependency IS 'Name of the dependency.';
COMMENT ON COLUMN workflows.breakers.opened_at IS 'Since when it is down.';
COMMENT ON COLUMN workflows.breakers.probe_at IS 'When the next task may try.';
COMMENT ON COLUMN workflows.breakers.probes IS 'How often a task was let through to try.';
COMMENT ON COLUMN workflows.breakers.error IS 'The last error.';
COMMENT ON COLUMN workflows.breakers.failed_at IS 'When a task failed for it last.';
COMMENT ON COLUMN workflows.breakers.lanes IS 'The steps at which tasks failed for it.';

CREATE TABLE workflows.schema_compatibility (
    one          boolean PRIMARY KEY DEFAULT true CHECK (one),
    oldest_build integer NOT NULL
);
COMMENT ON TABLE workflows.schema_compatibility IS
    'Which builds may work on this schema: one row. A migration that takes something away that older builds need '
    'raises the level.';
COMMENT ON COLUMN workflows.schema_compatibility.one IS 'There is one row.';
COMMENT ON COLUMN workflows.schema_compatibility.oldest_build IS
    'Schema level (SCHEMA_LEVEL) that a build must have.';
INSERT INTO workflows.schema_compatibility (oldest_build) VALUES (1);
