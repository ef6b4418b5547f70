-- A step may find a service down that it did not declare: the disk of one machine, for example. Nobody
-- else can close such a breaker, so one of which nothing was heard for some minutes is forgotten.
ALTER TABLE workflows.breakers
    -- When a task failed for it last.
    ADD COLUMN failed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Where tasks failed for it.
    ADD COLUMN lanes integer[] NOT NULL DEFAULT '{}';
