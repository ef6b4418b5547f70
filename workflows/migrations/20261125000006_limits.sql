-- Limits over all processes. Only queues that have one have a row; its lock is the right to hand out
-- what the limit allows.
CREATE TABLE workflows.limits (
    queue       text             PRIMARY KEY,
    -- Tasks that run at once, in all and of one fairness key.
    concurrency integer          CHECK (concurrency > 0),
    per_key     integer          CHECK (per_key > 0),
    -- Steps that begin, and how many of them the rate saves up: a quarter of a second's.
    per_second  double precision CHECK (per_second > 0),
    burst       double precision GENERATED ALWAYS AS (greatest(1, per_second / 4)) STORED,
    -- How many might have begun at `filled_at`.
    saved       double precision NOT NULL DEFAULT 1,
    filled_at   timestamptz      NOT NULL DEFAULT clock_timestamp(),
    set_at      timestamptz      NOT NULL DEFAULT now(),
    set_by      text             NOT NULL,
    reason      text             NOT NULL,
    CHECK (num_nonnulls(concurrency, per_key, per_second) > 0)
) WITH (fillfactor = 50);

-- Attempts in queues with a limit. A row counts as long as its attempt holds the lease: nobody has to
-- remove it in time. Written and removed under the lock of the limit.
CREATE TABLE workflows.permits (
    queue   text   NOT NULL,
    key     bigint NOT NULL,
    task_id uuid   NOT NULL,
    token   bigint NOT NULL,
    PRIMARY KEY (queue, task_id, token)
);
