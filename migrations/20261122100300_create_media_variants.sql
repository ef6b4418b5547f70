-- One derived output of a file. Rows are written together when the file becomes READY.
CREATE TABLE media_variants (
    file_id      uuid        NOT NULL REFERENCES media_files (file_id) ON DELETE CASCADE,
    kind         text        NOT NULL,                    -- 'full', 'thumbnail', …; the code holds the list
    format       text        NOT NULL,                    -- 'webp', …; the code holds the list
    width        integer     CHECK (width > 0),           -- pixels as shown
    height       integer     CHECK (height > 0),
    bitrate      bigint      CHECK (bitrate > 0),         -- bits per second, for time-based media
    storage_path text        NOT NULL,                    -- key in the origin bucket
    size_bytes   bigint      NOT NULL CHECK (size_bytes > 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (file_id, storage_path)
);
