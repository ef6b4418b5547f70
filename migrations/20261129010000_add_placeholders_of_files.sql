-- What to show of a file while its picture is loading: a thumbhash, and a colour of sRGB as 0xRRGGBB. Null where nothing
-- can be seen of it.
ALTER TABLE media_files
    ADD COLUMN placeholder_thumbhash bytea CHECK (octet_length(placeholder_thumbhash) BETWEEN 5 AND 25),
    ADD COLUMN placeholder_color integer CHECK (placeholder_color BETWEEN 0 AND 16777215);
