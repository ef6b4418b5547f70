-- What the client wants to find again beside its file. Bounded by the API, and used by nobody here.
ALTER TABLE uploads ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object');
