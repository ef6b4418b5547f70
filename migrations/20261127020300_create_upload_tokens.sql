-- A right to open some uploads for a while, to be given to a browser. Only its hash is kept.
CREATE TABLE upload_tokens (
    token_id      uuid        PRIMARY KEY,
    token_hash    bytea       NOT NULL UNIQUE CHECK (octet_length(token_hash) = 32),
    owner_id      text        NOT NULL,
    api_key_id    uuid        REFERENCES api_keys (api_key_id), -- that made it, and with which it ends
    max_files     integer     NOT NULL CHECK (max_files > 0),
    max_bytes     bigint      NOT NULL CHECK (max_bytes > 0),   -- of all files together
    content_types text[]      NOT NULL,                         -- as declared; none is any
    files         integer     NOT NULL DEFAULT 0 CHECK (files <= max_files),
    bytes         bigint      NOT NULL DEFAULT 0 CHECK (bytes <= max_bytes),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz
);

CREATE INDEX upload_tokens_by_owner ON upload_tokens (owner_id, token_id DESC);
CREATE INDEX upload_tokens_by_expiry ON upload_tokens (expires_at);

-- By which token it was opened, if by one: it reaches no other uploads.
ALTER TABLE uploads ADD COLUMN token_id uuid REFERENCES upload_tokens (token_id) ON DELETE SET NULL;
CREATE INDEX uploads_by_token ON uploads (token_id) WHERE token_id IS NOT NULL;
