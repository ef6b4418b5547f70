-- Where work goes on. A live task is in exactly one of `ready`, `suspects`, `deferred` and `leases`,
-- but for those of a paused run, which are in none or in `leases`.

CREATE TABLE workflows.tasks (
    task_id       uuid        PRIMARY KEY,
    run_id        uuid        NOT NULL,
    lane          integer     NOT NULL,
    key           bigint      NOT NULL,
    rank          bigint      NOT NULL,
    fan_out_id    uuid,
    child         integer,
    input         json        NOT NULL,
    errors        integer     NOT NULL DEFAULT 0,
    crashes       integer     NOT NULL DEFAULT 0,
    interruptions integer     NOT NULL DEFAULT 0,
    suspicion     smallint    NOT NULL DEFAULT 0,
    token         bigint      NOT NULL DEFAULT 0,
    ready_at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 60);
COMMENT ON TABLE workflows.tasks IS
    'The point of a run at which work goes on. A task moves from step to step; a fan-out replaces it by its '
    'children, and the last child by the join.';
COMMENT ON COLUMN workflows.tasks.task_id IS 'The task. It stays the same from step to step.';
COMMENT ON COLUMN workflows.tasks.run_id IS 'Its run.';
COMMENT ON COLUMN workflows.tasks.lane IS 'The step that it is at.';
COMMENT ON COLUMN workflows.tasks.key IS 'Hash of the run''s fairness key: workflows.fairness_hash.';
COMMENT ON COLUMN workflows.tasks.rank IS 'Orders the tasks of one key, lowest first: workflows.task_rank.';
COMMENT ON COLUMN workflows.tasks.fan_out_id IS 'The fan-out of which it is a child. NULL for other tasks.';
COMMENT ON COLUMN workflows.tasks.child IS 'Index among the children of the fan-out, from 0.';
COMMENT ON COLUMN workflows.tasks.input IS 'What the step is given.';
COMMENT ON COLUMN workflows.tasks.errors IS 'Attempts at this step that failed.';
COMMENT ON COLUMN workflows.tasks.crashes IS 'Attempts at this step of which the process died.';
COMMENT ON COLUMN workflows.tasks.interruptions IS
    'Attempts at this step that a worker gave back or lost without blame.';
COMMENT ON COLUMN workflows.tasks.suspicion IS
    'In how many processes it was, among others, when they died: 0, 1, or 2 for more.';
COMMENT ON COLUMN workflows.tasks.token IS
    'Fencing token of the last attempt. The next one''s is greater, whatever the clock says.';
COMMENT ON COLUMN workflows.tasks.ready_at IS 'When it became claimable last.';
CREATE INDEX tasks_by_run ON workflows.tasks (run_id);

CREATE TABLE workflows.ready (
    lane    integer NOT NULL,
    key     bigint  NOT NULL,
    rank    bigint  NOT NULL,
    task_id uuid    NOT NULL,
    PRIMARY KEY (lane, key, rank, task_id)
);
COMMENT ON TABLE workflows.ready IS
    'Tasks that can be claimed now. Keys take turns: a claim hops from key to key along the primary key.';
COMMENT ON COLUMN workflows.ready.lane IS 'The step.';
COMMENT ON COLUMN workflows.ready.key IS 'Hash of the run''s fairness key.';
COMMENT ON COLUMN workflows.ready.rank IS 'Order among the tasks of one key, lowest first.';
COMMENT ON COLUMN workflows.ready.task_id IS 'The task.';

CREATE TABLE workflows.suspects (
    lane      integer  NOT NULL,
    rank      bigint   NOT NULL,
    task_id   uuid     NOT NULL,
    suspicion smallint NOT NULL,
    PRIMARY KEY (lane, rank, task_id)
);
COMMENT ON TABLE workflows.suspects IS
    'Tasks that can be claimed now, but one at a time in each process: one of them may have killed the last '
    'process.';
COMMENT ON COLUMN workflows.suspects.lane IS 'The step.';
COMMENT ON COLUMN workflows.suspects.rank IS 'Order, lowest first.';
COMMENT ON COLUMN workflows.suspects.task_id IS 'The task.';
COMMENT ON COLUMN workflows.suspects.suspicion IS
    'As in tasks. From 2 on the process works on nothing else meanwhile.';

CREATE TABLE workflows.deferred (
    due_at  timestamptz NOT NULL,
    task_id uuid        NOT NULL,
    PRIMARY KEY (due_at, task_id)
);
COMMENT ON TABLE workflows.deferred IS
    'Tasks that can be claimed later: retries and delayed starts. Never scanned by a claim.';
COMMENT ON COLUMN workflows.deferred.due_at IS 'When the task becomes claimable.';
COMMENT ON COLUMN workflows.deferred.task_id IS 'The task.';
CREATE INDEX deferred_by_task ON workflows.deferred (task_id);

CREATE TABLE workflows.leases (
    task_id     uuid        PRIMARY KEY,
    run_id      uuid        NOT NULL,
    token       bigint      NOT NULL,
    worker_id   bigint      NOT NULL,
    crash_limit integer     NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at  timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE workflows.leases IS
    'Tasks that are being worked on. Whoever does not hold the current token can write nothing.';
COMMENT ON COLUMN workflows.leases.task_id IS 'The task.';
COMMENT ON COLUMN workflows.leases.run_id IS 'Its run.';
COMMENT ON COLUMN workflows.leases.token IS 'Fencing token of the attempt.';
COMMENT ON COLUMN workflows.leases.worker_id IS 'The process that works on it.';
COMMENT ON COLUMN workflows.leases.crash_limit IS
    'How many crashes the step allows, as the build that works on it has it. 0: taken over only to write its end.';
COMMENT ON COLUMN workflows.leases.started_at IS 'When the attempt began.';
COMMENT ON COLUMN workflows.leases.expires_at IS 'When others may take the task, unless the lease is renewed before.';

CREATE SEQUENCE workflows.attempt_tokens;
COMMENT ON SEQUENCE workflows.attempt_tokens IS 'The running number in fencing tokens.';

-- Milliseconds since 1970, and a running number in the lowest 20 bits. A number that a crash of the server gave out twice still
-- makes another token; where the clock does not grow, the last token does.
CREATE FUNCTION workflows.next_token(last_token bigint) RETURNS bigint
    LANGUAGE sql VOLATILE
    RETURN greatest(last_token + 1, ((extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20)
                                    | (nextval('workflows.attempt_tokens') & 1048575));
COMMENT ON FUNCTION workflows.next_token IS 'The fencing token of the next attempt of a task whose last token is given.';

-- The keys that have something ready in a lane, at most `wanted`: those behind `after` in their order
-- (turn 1), then the others from the beginning (turn 2). Each hop is one look into the primary key of
-- `ready`, so the cost does not depend on how much waits.
CREATE FUNCTION workflows.waiting_keys(in_lane integer, after bigint, wanted bigint)
    RETURNS TABLE (key bigint, turn integer)
    LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
    (WITH RECURSIVE hop AS (
        (SELECT r.key FROM workflows.ready r
         WHERE r.lane = in_lane AND r.key > after ORDER BY r.key LIMIT 1)
        UNION ALL
        SELECT next.key FROM hop CROSS JOIN LATERAL (
            SELECT r.key FROM workflows.ready r
            WHERE r.lane = in_lane AND r.key > hop.key ORDER BY r.key LIMIT 1) next)
     SELECT hop.key, 1 FROM hop LIMIT wanted)
    UNION ALL
    (WITH RECURSIVE hop AS (
        (SELECT r.key FROM workflows.ready r
         WHERE r.lane = in_lane AND r.key <= after ORDER BY r.key LIMIT 1)
        UNION ALL
        SELECT next.key FROM hop CROSS JOIN LATERAL (
            SELECT r.key FROM workflows.ready r
            WHERE r.lane = in_lane AND r.key > hop.key AND r.key <= after
            ORDER BY r.key LIMIT 1) next)
     SELECT hop.key, 2 FROM hop LIMIT wanted)
    LIMIT wanted;
END;
COMMENT ON FUNCTION workflows.waiting_keys IS
    'The keys that have something ready in a lane: those behind a key (turn 1), then the others (turn 2).';

CREATE TABLE workflows.fan_outs (
    fan_out_id uuid    PRIMARY KEY,
    run_id     uuid    NOT NULL,
    total      integer NOT NULL,
    remaining  integer NOT NULL CHECK (remaining >= 0),
    bytes      bigint  NOT NULL,
    carry      json    NOT NULL,
    partial    boolean NOT NULL,
    join_lane  integer NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE workflows.fan_outs IS 'Fan-outs in progress.';
COMMENT ON COLUMN workflows.fan_outs.fan_out_id IS 'The fan-out.';
COMMENT ON COLUMN workflows.fan_outs.run_id IS 'Its run.';
COMMENT ON COLUMN workflows.fan_outs.total IS 'Number of its children.';
COMMENT ON COLUMN workflows.fan_outs.remaining IS 'Children that have not ended.';
COMMENT ON COLUMN workflows.fan_outs.bytes IS 'Size so far of what the join will be given.';
COMMENT ON COLUMN workflows.fan_outs.carry IS 'What the join is given beside the children''s outputs.';
COMMENT ON COLUMN workflows.fan_outs.partial IS 'The join follows even when children died, and is told which.';
COMMENT ON COLUMN workflows.fan_outs.join_lane IS 'Where the run goes on when no child remains.';
CREATE INDEX fan_outs_by_run ON workflows.fan_outs (run_id);

CREATE TABLE workflows.progress (
    task_id uuid             PRIMARY KEY,
    token   bigint           NOT NULL,
    done    double precision NOT NULL,
    note    text             NOT NULL,
    at      timestamptz      NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE workflows.progress IS
    'How far attempts are, by their own word. Counts only while the attempt holds its lease. Steps that do not '
    'report have no row.';
COMMENT ON COLUMN workflows.progress.task_id IS 'The task.';
COMMENT ON COLUMN workflows.progress.token IS 'Fencing token of the attempt that said it.';
COMMENT ON COLUMN workflows.progress.done IS 'From 0 to 1.';
COMMENT ON COLUMN workflows.progress.note IS 'A few words for people.';
COMMENT ON COLUMN workflows.progress.at IS 'When it was written.';

CREATE TABLE workflows.checkpoints (
    task_id uuid        PRIMARY KEY,
    lane    integer     NOT NULL,
    token   bigint      NOT NULL,
    state   json        NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
COMMENT ON TABLE workflows.checkpoints IS
    'From where the next attempt of a task can go on, as long as the task is at the same step.';
COMMENT ON COLUMN workflows.checkpoints.task_id IS 'The task.';
COMMENT ON COLUMN workflows.checkpoints.lane IS 'The step that stored it.';
COMMENT ON COLUMN workflows.checkpoints.token IS 'Fencing token of the attempt that stored it.';
COMMENT ON COLUMN workflows.checkpoints.state IS 'What the step stored.';
COMMENT ON COLUMN workflows.checkpoints.at IS 'When it was stored.';
