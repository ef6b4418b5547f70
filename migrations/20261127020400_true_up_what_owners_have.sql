-- Where the size of a file becomes known only as it is sent, its owner holds what is declared then.
CREATE FUNCTION true_up_held_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE media_files SET held_bytes = NEW.declared_size_bytes WHERE upload_id = NEW.upload_id;
    RETURN NULL;
END $$;

CREATE TRIGGER true_up_held_bytes AFTER UPDATE OF declared_size_bytes ON uploads
    FOR EACH ROW WHEN (NEW.declared_size_bytes <> OLD.declared_size_bytes)
    EXECUTE FUNCTION true_up_held_bytes();

-- As before, but for counts that somebody changed by hand: those must not keep a file from its end.
CREATE OR REPLACE FUNCTION count_for_owner() RETURNS trigger LANGUAGE plpgsql AS $$
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
    INSERT INTO owners AS owner (owner_id, files, bytes)
    VALUES (coalesce(NEW.owner_id, OLD.owner_id), greatest(more_files, 0), greatest(more_bytes, 0))
    ON CONFLICT (owner_id) DO UPDATE
    SET files = greatest(owner.files + more_files, 0), bytes = greatest(owner.bytes + more_bytes, 0);
    RETURN NULL;
END $$;
