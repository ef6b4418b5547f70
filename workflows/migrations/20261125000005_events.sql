-- What happened to runs, for those who follow it from a position. Only runs of workflows that ask
-- for it have rows here.
--
-- A running number alone is no position: numbers become visible when their transactions commit, which
-- is not in their order, and whoever has read number 7 would never look for number 6 again. So the
-- writing transaction's id comes first, and nobody reads what is not older than the oldest transaction
-- that is still under way: behind that line nothing can appear any more.
CREATE TABLE workflows.events (
    xid      bigint      NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    seq      bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    run_id   uuid        NOT NULL,
    workflow text        NOT NULL,
    subject  uuid        NOT NULL,
    kind     text        NOT NULL CHECK (kind IN
             ('started', 'step_done', 'succeeded', 'rejected', 'dead', 'cancelled', 'restarted', 'redriven')),
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    details  json,
    PRIMARY KEY (xid, seq)
);

-- Up to where events were removed because of their age: one row. Whoever comes from before it has
-- missed some.
CREATE TABLE workflows.events_floor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    xid bigint  NOT NULL,
    seq bigint  NOT NULL
);

-- What the newest build tells of the runs of the lane's workflow.
ALTER TABLE workflows.lanes ADD COLUMN events text NOT NULL DEFAULT 'none'
    CHECK (events IN ('none', 'runs', 'steps'));
