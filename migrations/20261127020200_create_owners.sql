-- What an owner has, and may have where it differs from the settings. One row an owner, changed by the transactions that
-- change what the owner has, so it is exact whatever number of processes there is.
CREATE TABLE owners (
    owner_id         text    PRIMARY KEY,
    files            bigint  NOT NULL DEFAULT 0 CHECK (files >= 0),
    bytes            bigint  NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    max_files        bigint  CHECK (max_files >= 0),         -- null: as the settings say
    max_bytes        bigint  CHECK (max_bytes >= 0),
    max_open_uploads integer CHECK (max_open_uploads >= 0)
);

-- What the file takes of its owner's bytes: as declared, until its size is known.
ALTER TABLE media_files ADD COLUMN held_bytes bigint CHECK (held_bytes >= 0);
UPDATE media_files AS file SET held_bytes = upload.declared_size_bytes
FROM uploads AS upload WHERE upload.upload_id = file.upload_id;
ALTER TABLE media_files ALTER COLUMN held_bytes SET NOT NULL;

-- A file counts from the beginning of its upload until it is refused, given up, cancelled or deleted.
CREATE FUNCTION file_counts(file media_files) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN file.deleted_at IS NULL AND file.status <> 'REJECTED' AND file.stopped IS DISTINCT FROM 'cancelled';

-- Those that are there already. Nobody changes one before this ends: the table is locked.
INSERT INTO owners (owner_id, files, bytes)
SELECT file.owner_id, count(*), sum(file.held_bytes) FROM media_files AS file WHERE file_counts(file)
GROUP BY file.owner_id;

-- The one place where it is counted, so that nothing that changes a file can forget to. Also what the release before
-- writes is counted.
CREATE FUNCTION hold_declared_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.held_bytes := coalesce(NEW.held_bytes,
        (SELECT declared_size_bytes FROM uploads WHERE upload_id = NEW.upload_id), 0);
    RETURN NEW;
END $$;

CREATE FUNCTION count_for_owner() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    more_files bigint := 0;
    more_bytes bigint := 0;
BEGIN
    IF TG_OP <> 'INSERT' AND file_counts(OLD) THEN
        more_files := more_files - 1;
        more_bytes := more_bytes - OLD.held_bytes;
    END IF;
    IF TG_OP <> 'DELETE' AND file_counts(NEW) THEN
        more_files := more_files + 1;
        more_bytes := more_bytes + NEW.held_bytes;
    END IF;
    IF more_files = 0 AND more_bytes = 0 THEN
        RETURN NULL;
    END IF;
    -- Counts that somebody changed by hand must not keep a file from its end.
    INSERT INTO owners AS owner (owner_id, files, bytes)
    VALUES (coalesce(NEW.owner_id, OLD.owner_id), greatest(more_files, 0), greatest(more_bytes, 0))
    ON CONFLICT (owner_id) DO UPDATE
    SET files = greatest(owner.files + more_files, 0), bytes = greatest(owner.bytes + more_bytes, 0);
    RETURN NULL;
END $$;

CREATE TRIGGER hold_declared_bytes BEFORE INSERT ON media_files
    FOR EACH ROW EXECUTE FUNCTION hold_declared_bytes();

-- At the end of the transaction: until then nobody waits for the owner's row.
CREATE CONSTRAINT TRIGGER count_for_owner
    AFTER INSERT OR DELETE OR UPDATE OF status, stopped, deleted_at, held_bytes ON media_files
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION count_for_owner();

