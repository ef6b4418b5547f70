-- SHA-512 of the whole file, where the client said it (`Repr-Digest`, RFC 9530). Compared when the file is scanned.
ALTER TABLE resumable_uploads ADD COLUMN declared_sha512 bytea CHECK (octet_length(declared_sha512) = 64);
