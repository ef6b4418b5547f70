-- What long steps say of themselves while they run. Written by those that use it, and by nobody
-- else: no task that does not costs a row or a statement here.

-- How far an attempt is, by its own word. Counts only while the attempt holds its lease.
CREATE TABLE workflows.progress (
    task_id uuid             PRIMARY KEY,
    token   bigint           NOT NULL,
    -- From 0 to 1.
    done    double precision NOT NULL,
    note    text             NOT NULL,
    at      timestamptz      NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- From where the next attempt of a task can go on, as long as the task is at the same step.
CREATE TABLE workflows.checkpoints (
    task_id uuid        PRIMARY KEY,
    lane    integer     NOT NULL,
    -- Of the attempt that stored it.
    token   bigint      NOT NULL,
    state   json        NOT NULL,
    at      timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
