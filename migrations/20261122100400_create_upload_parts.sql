-- What the object store said it holds, at the moment the upload was completed.
CREATE TABLE upload_parts (
    upload_id   uuid        NOT NULL REFERENCES uploads (upload_id) ON DELETE CASCADE,
    part_number integer     NOT NULL CHECK (part_number BETWEEN 1 AND 10000),
    etag        text        NOT NULL,
    size_bytes  bigint      NOT NULL CHECK (size_bytes > 0),
    uploaded_at timestamptz NOT NULL,
    PRIMARY KEY (upload_id, part_number)
);
