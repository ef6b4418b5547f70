-- How far an upload is whose bytes pass through the API. Its parts are in `upload_parts` as soon as they are confirmed.
CREATE TABLE resumable_uploads (
    upload_id        uuid    PRIMARY KEY REFERENCES uploads (upload_id) ON DELETE CASCADE,
    epoch            bigint  NOT NULL DEFAULT 0,               -- raised by each request that takes the upload; those before it write nothing any more
    length_bytes     bigint  CHECK (length_bytes > 0),         -- NULL until the client says it
    offset_bytes     bigint  NOT NULL DEFAULT 0 CHECK (offset_bytes >= 0), -- confirmed: in parts, and behind them in the tail
    tail_key         text,                                     -- in the staging bucket: what is less than a part so far
    tail_bytes       bigint  NOT NULL DEFAULT 0 CHECK (tail_bytes >= 0),
    next_part_number integer NOT NULL DEFAULT 1,               -- none is used twice, so that none is written over
    metadata         text,                                     -- as the client sent it, to be given back
    CONSTRAINT resumable_uploads_tail CHECK ((tail_key IS NULL) = (tail_bytes = 0)),
    CONSTRAINT resumable_uploads_within_length CHECK (offset_bytes <= length_bytes)
);
