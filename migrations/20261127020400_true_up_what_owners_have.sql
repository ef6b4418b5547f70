-- Where the size of a file becomes known only as it is sent, its owner holds what is declared then.
CREATE FUNCTION true_up_held_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE media_files SET held_bytes = NEW.declared_size_bytes WHERE upload_id = NEW.upload_id;
    RETURN NULL;
END $$;

CREATE TRIGGER true_up_held_bytes AFTER UPDATE OF declared_size_bytes ON uploads
    FOR EACH ROW WHEN (NEW.declared_size_bytes <> OLD.declared_size_bytes)
    EXECUTE FUNCTION true_up_held_bytes();
