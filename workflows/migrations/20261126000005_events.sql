-- What happened to runs, for those who follow it from a position.
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
    kind     text        NOT NULL
        CHECK (kind IN
            ('started', 'step_done', 'succeeded', 'rejected', 'dead', 'cancelled', 'restarted', 'redriven')),
    at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    details  json,
    PRIMARY KEY (xid, seq)
);
COMMENT ON TABLE workflows.events IS 'What happened to runs. Only runs of workflows that ask for it have rows here.';
COMMENT ON COLUMN workflows.events.xid IS 'The writing transaction. First part of the position.';
COMMENT ON COLUMN workflows.events.seq IS 'A running number. Second part of the position.';
COMMENT ON COLUMN workflows.events.run_id IS 'The run.';
COMMENT ON COLUMN workflows.events.workflow IS 'Durable name of its workflow.';
COMMENT ON COLUMN workflows.events.subject IS 'What the run is about.';
COMMENT ON COLUMN workflows.events.kind IS 'What happened.';
COMMENT ON COLUMN workflows.events.at IS 'When.';
COMMENT ON COLUMN workflows.events.details IS 'What else is known. NULL: nothing.';

CREATE TABLE workflows.events_floor (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    xid bigint  NOT NULL,
    seq bigint  NOT NULL
);
COMMENT ON TABLE workflows.events_floor IS
    'Up to where events were removed because of their age: one row at most. Whoever comes from before it has '
    'missed some.';
COMMENT ON COLUMN workflows.events_floor.one IS 'There is one row at most.';
COMMENT ON COLUMN workflows.events_floor.xid IS 'First part of the position of the last event that was removed.';
COMMENT ON COLUMN workflows.events_floor.seq IS 'Second part of it.';
