-- What the owner of a file that was taken nevertheless should know; see media::Warning.
ALTER TABLE media_files ADD COLUMN warnings text[] NOT NULL DEFAULT '{}';
