-- One session in which one client sends one file. What the client said is kept apart from what was found:
-- everything named `declared` is untrusted and never becomes a served header or a key.
CREATE TABLE uploads (
    upload_id           uuid        PRIMARY KEY,             -- UUIDv7, chosen by the server
    file_id             uuid        NOT NULL UNIQUE,
    owner_id            text        NOT NULL,
    filename            text        NOT NULL,                -- for people to recognise; never part of a key
    declared_mime_type  text        NOT NULL,
    declared_size_bytes bigint      NOT NULL CHECK (declared_size_bytes > 0),
    declared_sha256     bytea       CHECK (octet_length(declared_sha256) = 32),
    strategy            text        NOT NULL CHECK (strategy IN ('single', 'multipart')),
    part_size_bytes     bigint      NOT NULL CHECK (part_size_bytes > 0),  -- of every part but the last
    part_count          integer     NOT NULL CHECK (part_count BETWEEN 1 AND 10000),
    object_key          text        NOT NULL,                -- in the staging bucket
    s3_upload_id        text,                                -- of a multipart upload; dies at assembly
    created_at          timestamptz NOT NULL,
    expires_at          timestamptz NOT NULL,                -- no URL is signed beyond it
    completed_at        timestamptz,
    aborted_at          timestamptz,
    CONSTRAINT uploads_end_once CHECK (completed_at IS NULL OR aborted_at IS NULL),
    CONSTRAINT uploads_s3_upload_id CHECK ((strategy = 'multipart') = (s3_upload_id IS NOT NULL))
);

-- Finds open sessions past their time, for clean-up.
CREATE INDEX uploads_open_by_expiry ON uploads (expires_at) WHERE completed_at IS NULL AND aborted_at IS NULL;
