-- What was: attempts, dead letters, and who worked.

CREATE TABLE workflows.attempts (
    run_id     uuid        NOT NULL,
    token      bigint      NOT NULL,
    task_id    uuid        NOT NULL,
    lane       integer     NOT NULL,
    fan_out_id uuid,
    child      integer,
    outcome    text        NOT NULL
        CHECK (outcome IN
            ('done', 'error', 'unavailable', 'rejected', 'crashed', 'lost', 'interrupted', 'cancelled')),
    input      json,
    output     json,
    error      json,
    worker_id  bigint      NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run_id, token)
);
COMMENT ON TABLE workflows.attempts IS 'Every attempt that ended. Rows are only added.';
COMMENT ON COLUMN workflows.attempts.run_id IS 'The run.';
COMMENT ON COLUMN workflows.attempts.token IS 'Fencing token of the attempt.';
COMMENT ON COLUMN workflows.attempts.task_id IS 'The task.';
COMMENT ON COLUMN workflows.attempts.lane IS 'The step.';
COMMENT ON COLUMN workflows.attempts.fan_out_id IS 'The fan-out of which the task is a child. NULL for other tasks.';
COMMENT ON COLUMN workflows.attempts.child IS 'Index among the children of the fan-out, from 0.';
COMMENT ON COLUMN workflows.attempts.outcome IS
    'How it ended. crashed: the process died of it. lost: its process or its lease was lost, and the task is not '
    'to blame. unavailable: a dependency was down, which is not the task''s fault either.';
COMMENT ON COLUMN workflows.attempts.input IS
    'What the step was given. Kept of steps that are done, for a later re-drive from there.';
COMMENT ON COLUMN workflows.attempts.output IS 'What a child of a fan-out handed on. Kept for the join.';
COMMENT ON COLUMN workflows.attempts.error IS 'The error with its sources. NULL where there was none.';
COMMENT ON COLUMN workflows.attempts.worker_id IS 'The process that worked on it.';
COMMENT ON COLUMN workflows.attempts.started_at IS 'When it began.';
COMMENT ON COLUMN workflows.attempts.ended_at IS 'When it ended.';

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
    cause         text        NOT NULL CHECK (cause IN ('errors', 'crashes', 'interruptions', 'failed')),
    error         json        NOT NULL,
    fingerprint   text        NOT NULL,
    worker_id     bigint      NOT NULL,
    died_at       timestamptz NOT NULL DEFAULT now(),
    resolved_at   timestamptz,
    resolution    text        CHECK (resolution IN ('redriven', 'discarded', 'skipped', 'obsolete')),
    resolved_by   text,
    reason        text,
    CHECK ((resolved_at IS NULL) = (resolution IS NULL))
);
COMMENT ON TABLE workflows.dead_letters IS
    'One death of a task, whole, until somebody decides about it. The task may be re-driven and die again, which '
    'is another letter.';
COMMENT ON COLUMN workflows.dead_letters.letter_id IS 'The letter, a UUIDv7: sorts by the time of the death.';
COMMENT ON COLUMN workflows.dead_letters.task_id IS 'The task.';
COMMENT ON COLUMN workflows.dead_letters.run_id IS 'Its run.';
COMMENT ON COLUMN workflows.dead_letters.lane IS 'The step at which it died.';
COMMENT ON COLUMN workflows.dead_letters.fairness_key IS 'The run''s fairness key.';
COMMENT ON COLUMN workflows.dead_letters.key IS 'Hash of the fairness key, as in tasks.';
COMMENT ON COLUMN workflows.dead_letters.rank IS 'As in tasks.';
COMMENT ON COLUMN workflows.dead_letters.fan_out_id IS 'As in tasks.';
COMMENT ON COLUMN workflows.dead_letters.child IS 'As in tasks.';
COMMENT ON COLUMN workflows.dead_letters.input IS 'What the step was given.';
COMMENT ON COLUMN workflows.dead_letters.errors IS 'Attempts at the step that failed.';
COMMENT ON COLUMN workflows.dead_letters.crashes IS 'Attempts at the step of which the process died.';
COMMENT ON COLUMN workflows.dead_letters.interruptions IS
    'Attempts at the step that a worker gave back or lost without blame.';
COMMENT ON COLUMN workflows.dead_letters.token IS 'Fencing token of the last attempt.';
COMMENT ON COLUMN workflows.dead_letters.cause IS
    'The limit that was reached, or failed: the step said that no retry will help.';
COMMENT ON COLUMN workflows.dead_letters.error IS 'The last error with its sources.';
COMMENT ON COLUMN workflows.dead_letters.fingerprint IS 'Alike for deaths of the same kind, for grouping.';
COMMENT ON COLUMN workflows.dead_letters.worker_id IS 'The process that worked on it last.';
COMMENT ON COLUMN workflows.dead_letters.died_at IS 'When it died.';
COMMENT ON COLUMN workflows.dead_letters.resolved_at IS 'When somebody decided about it. NULL: the letter is open.';
COMMENT ON COLUMN workflows.dead_letters.resolution IS
    'What was decided. skipped: the join went on without it. obsolete: its run ended otherwise.';
COMMENT ON COLUMN workflows.dead_letters.resolved_by IS 'Who decided.';
COMMENT ON COLUMN workflows.dead_letters.reason IS 'Why it was decided so.';
CREATE INDEX dead_letters_by_run ON workflows.dead_letters (run_id);
CREATE UNIQUE INDEX dead_letters_open ON workflows.dead_letters (task_id) WHERE resolved_at IS NULL;
CREATE INDEX dead_letters_open_by_fingerprint
    ON workflows.dead_letters (fingerprint, letter_id) WHERE resolved_at IS NULL;

CREATE VIEW workflows.named_letters AS
    SELECT d.*, l.workflow, l.version, l.step
    FROM workflows.dead_letters d JOIN workflows.lanes l USING (lane);
COMMENT ON VIEW workflows.named_letters IS 'Dead letters with the names of their steps.';

CREATE FUNCTION workflows.matching_letters(
    of_workflow text, at_step text, of_fingerprint text, of_fairness_key text,
    died_before timestamptz, died_since timestamptz
) RETURNS SETOF workflows.named_letters
    LANGUAGE sql STABLE ROWS 100
BEGIN ATOMIC
    SELECT l.* FROM workflows.named_letters l
    WHERE (of_workflow IS NULL OR l.workflow = of_workflow)
      AND (at_step IS NULL OR l.step = at_step)
      AND (of_fingerprint IS NULL OR l.fingerprint = of_fingerprint)
      AND (of_fairness_key IS NULL OR l.fairness_key = of_fairness_key)
      AND (died_before IS NULL OR l.died_at < died_before)
      AND (died_since IS NULL OR l.died_at >= died_since);
END;
COMMENT ON FUNCTION workflows.matching_letters IS
    'The letters that match a filter, open and resolved ones. What is NULL does not matter.';

CREATE TABLE workflows.workers (
    worker_id     bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name          text        NOT NULL,
    build         text        NOT NULL,
    capabilities  jsonb       NOT NULL DEFAULT '[]',
    started_at    timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now(),
    lost_tasks    integer,
    robbed        boolean     NOT NULL DEFAULT false,
    charged_run   uuid,
    charged_token bigint,
    left_at       timestamptz
);
COMMENT ON TABLE workflows.workers IS
    'One row for each worker process. Its presence is a session advisory lock that each of its connections '
    'shares: when the process dies, the lock is gone.';
COMMENT ON COLUMN workflows.workers.worker_id IS 'The process.';
COMMENT ON COLUMN workflows.workers.name IS 'Its name, for people.';
COMMENT ON COLUMN workflows.workers.build IS 'The build that it runs.';
COMMENT ON COLUMN workflows.workers.capabilities IS
    'The steps that the build can run: [{"workflow", "version", "steps": [{"step", "queue", "slots", "needs", '
    '"attempts"}]}].';
COMMENT ON COLUMN workflows.workers.started_at IS 'When it began.';
COMMENT ON COLUMN workflows.workers.seen_at IS 'When its heartbeat was written last.';
COMMENT ON COLUMN workflows.workers.lost_tasks IS
    'Tasks that it had when it was found to be gone. NULL again once it shows that it is not.';
COMMENT ON COLUMN workflows.workers.robbed IS
    'Leases were taken from it, so that it may be at more tasks than it has leases, until it shows that it is '
    'not.';
COMMENT ON COLUMN workflows.workers.charged_run IS
    'Run of the attempt that was charged because the process seemed to have died of it, until the process has '
    'heard of that.';
COMMENT ON COLUMN workflows.workers.charged_token IS 'Fencing token of that attempt.';
COMMENT ON COLUMN workflows.workers.left_at IS
    'When it left, or was taken off the list. Rows stay, because the history names them.';
CREATE INDEX workers_at_work ON workflows.workers (worker_id) WHERE left_at IS NULL;

CREATE VIEW workflows.live_workers AS
    SELECT * FROM workflows.workers WHERE left_at IS NULL;
COMMENT ON VIEW workflows.live_workers IS 'The workers that have not left.';

-- `robbed` is the column of the worker's row, read under the lock of that row.
CREATE FUNCTION workflows.has_one_task(of_worker bigint, robbed boolean) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN NOT robbed AND (SELECT count(*) FROM workflows.leases l WHERE l.worker_id = of_worker) = 1;
COMMENT ON FUNCTION workflows.has_one_task IS
    'Whether a process has one task and no other, so that its end is that task''s doing.';

CREATE TABLE workflows.servers (
    one      boolean     PRIMARY KEY DEFAULT true CHECK (one),
    identity text        NOT NULL,
    since    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE workflows.servers IS
    'Since when the server is what it is: one row. A server that was started or promoted a moment ago has no '
    'session of anybody yet, which says nothing about the workers.';
COMMENT ON COLUMN workflows.servers.one IS 'There is one row.';
COMMENT ON COLUMN workflows.servers.identity IS 'Time of the server''s start, and its timeline.';
COMMENT ON COLUMN workflows.servers.since IS 'When this identity was seen first.';
