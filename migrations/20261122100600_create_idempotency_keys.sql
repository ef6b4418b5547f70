-- The answer already given to an initiate request that carried an `Idempotency-Key`.
CREATE TABLE idempotency_keys (
    owner_id     text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    upload_id    uuid        NOT NULL REFERENCES uploads (upload_id) ON DELETE CASCADE,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (owner_id, key)
);

-- Keys are forgotten by age; deleting an upload finds its key.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
CREATE INDEX idempotency_keys_by_upload ON idempotency_keys (upload_id);
