-- Addresses are made of keys when they are read, so that they follow the CDN's. The column goes one release later.
-- Weaker than before, so that rows of both releases pass.
ALTER TABLE media_files
    DROP CONSTRAINT media_files_ready,
    ADD CONSTRAINT media_files_ready CHECK (status <> 'READY' OR storage_path IS NOT NULL);
COMMENT ON COLUMN media_files.cdn_url IS 'no longer written or read';
