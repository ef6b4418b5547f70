-- What an upload is in tus's concatenation, as it is said in `Upload-Concat`: `partial`, or `final;` and the paths of those
-- that it was put together of. NULL: a file of its own.
ALTER TABLE resumable_uploads ADD COLUMN concat text CHECK (concat = 'partial' OR concat LIKE 'final;%');
