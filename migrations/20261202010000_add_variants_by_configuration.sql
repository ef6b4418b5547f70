-- What is made by configuration only.
ALTER TYPE variant_kind ADD VALUE 'hdr';   -- an image brighter than white
ALTER TYPE variant_kind ADD VALUE 'video'; -- a film in one file
ALTER TYPE variant_format ADD VALUE 'avif';
ALTER TYPE variant_format ADD VALUE 'jpeg';
ALTER TYPE variant_format ADD VALUE 'mp4';
