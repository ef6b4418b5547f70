-- Keys are 32 random bytes, so a plain SHA-256 of the key cannot be searched backwards and needs no salt.
CREATE TABLE api_keys (
    api_key_id uuid        PRIMARY KEY,
    key_hash   bytea       NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    owner_id   text        NOT NULL,
    scopes     text[]      NOT NULL,
    name       text        NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX api_keys_by_owner ON api_keys (owner_id);
