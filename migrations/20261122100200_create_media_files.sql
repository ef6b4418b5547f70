-- One row per file for its whole life.
CREATE TABLE media_files (
    file_id            uuid        PRIMARY KEY,              -- UUIDv7, so it sorts by age
    owner_id           text        NOT NULL,
    upload_id          uuid        NOT NULL UNIQUE REFERENCES uploads (upload_id),
    mime_type          text,                                 -- as detected from the bytes, never as declared
    size_bytes         bigint      CHECK (size_bytes > 0),   -- as measured
    status             file_status NOT NULL DEFAULT 'PENDING',
    storage_path       text,                                 -- key prefix of the served variants in the origin bucket
    cdn_url            text,                                 -- address of the main variant
    checksum_sha256    bytea       CHECK (octet_length(checksum_sha256) = 32),
    rejection_code     text,                                 -- stable code, see media::rejection
    rejection_message  text,
    rejection_limit    text,                                 -- what is allowed, with its unit
    rejection_measured text,                                 -- what was found, with its unit
    rejection_step     text,                                 -- the step that refused
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    CONSTRAINT media_files_rejection
        CHECK ((status = 'REJECTED') = (rejection_code IS NOT NULL)),
    CONSTRAINT media_files_validated
        CHECK (status NOT IN ('VALIDATED', 'PROCESSING', 'READY')
               OR (mime_type IS NOT NULL AND size_bytes IS NOT NULL AND checksum_sha256 IS NOT NULL)),
    CONSTRAINT media_files_ready
        CHECK (status <> 'READY' OR (storage_path IS NOT NULL AND cdn_url IS NOT NULL))
);

-- An owner's files, newest first, by cursor.
CREATE INDEX media_files_by_owner ON media_files (owner_id, created_at DESC, file_id DESC);

-- The same, one status only; also counts by status.
CREATE INDEX media_files_by_status ON media_files (status, owner_id, created_at DESC, file_id DESC);
