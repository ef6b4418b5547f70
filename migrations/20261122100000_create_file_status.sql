-- The whole life of a file. Six values, no more: anything else known about a file has a column of its own.
-- The order is the order of the route; REJECTED is terminal and reachable from every state but READY.
CREATE TYPE file_status AS ENUM (
    'PENDING',     -- a client may still be sending bytes
    'ASSEMBLING',  -- the client is done; a run owns the file
    'VALIDATED',   -- scanned, probed, within limits
    'PROCESSING',  -- variants are being made
    'READY',       -- every variant is recorded and served
    'REJECTED'     -- refused for good, see the rejection columns
);
