-- A key may end by itself. When it was used last is written once a minute at most, so it is that old at most.
ALTER TABLE api_keys
    ADD COLUMN expires_at   timestamptz,
    ADD COLUMN last_used_at timestamptz;
