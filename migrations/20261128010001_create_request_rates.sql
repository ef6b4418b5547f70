-- Until when the requests that an owner made of all API processes together have used up their rate. The processes tell
-- each other by it. It is worth nothing after a crash, so it is not logged.
CREATE UNLOGGED TABLE request_rates (
    owner_id text PRIMARY KEY,
    full_at timestamptz NOT NULL
);
