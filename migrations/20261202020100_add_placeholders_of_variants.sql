-- What to show of a page while its picture is loading, as `media_files` has it of the whole file. Null of what is no page, and
-- of pages that were drawn before there was one of each.
ALTER TABLE media_variants
    ADD COLUMN placeholder_thumbhash bytea CHECK (octet_length(placeholder_thumbhash) BETWEEN 5 AND 25),
    ADD COLUMN placeholder_color integer CHECK (placeholder_color BETWEEN 0 AND 16777215);
