-- Counts what an owner has open, each time another one is opened.
CREATE INDEX uploads_open_by_owner ON uploads (owner_id, expires_at)
    WHERE completed_at IS NULL AND aborted_at IS NULL;
