-- A signed address outlives the session it was signed for, so what it leads to is removed when it has expired, and
-- once more when a request that began before has surely ended.
ALTER TABLE uploads ADD COLUMN sweeps smallint NOT NULL DEFAULT 0;

CREATE INDEX uploads_by_expiry ON uploads (expires_at) WHERE sweeps < 2;
