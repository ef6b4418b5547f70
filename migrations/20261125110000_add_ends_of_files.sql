-- How a file stands that goes no further, beside the six statuses, and what becomes of its bytes.
ALTER TABLE media_files
    -- Its run was cancelled, or waits for somebody's decision; READY and REJECTED say so themselves.
    ADD COLUMN stopped          text CHECK (stopped IN ('cancelled', 'failed')),
    ADD COLUMN kept_until       timestamptz,  -- from then on what is no longer needed of it may be removed
    ADD COLUMN discarding_since timestamptz,  -- removing began: it cannot be sent through again
    ADD COLUMN discarded_at     timestamptz,  -- all of it was removed
    ADD COLUMN deleted_at       timestamptz;  -- by its owner, for whom it is gone

-- The bytes of what was refused before went at once.
UPDATE media_files SET kept_until = updated_at, discarding_since = updated_at WHERE status = 'REJECTED';
