-- Which buckets hold this database's files: recorded by the first process that starts. One whose
-- settings name another bucket, however real, would look for every file in the wrong place.
CREATE TABLE storage_buckets (
    use         text        PRIMARY KEY CHECK (use IN ('staging', 'origin')),
    name        text        NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
