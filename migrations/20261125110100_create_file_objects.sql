-- What may lie in the origin bucket for a file, written down before it is made: so that whatever becomes of the
-- file, all of it can be found and removed. Originals are named by content, so several files may share one.
CREATE TABLE file_objects (
    file_id        uuid NOT NULL REFERENCES media_files (file_id) ON DELETE CASCADE,
    key            text NOT NULL,  -- an object; or all below it, if it ends in a slash
    removing_since timestamptz,    -- nobody may rely on the object any more
    PRIMARY KEY (file_id, key)
);

-- Finds the other files that share an object.
CREATE INDEX file_objects_by_key ON file_objects (key);

INSERT INTO file_objects (file_id, key)
SELECT file_id, 'originals/' || encode(checksum_sha256, 'hex') FROM media_files
WHERE checksum_sha256 IS NOT NULL AND status IN ('PROCESSING', 'READY', 'REJECTED')
UNION
SELECT file_id, regexp_replace(storage_path, '[^/]*$', '') FROM media_variants;
