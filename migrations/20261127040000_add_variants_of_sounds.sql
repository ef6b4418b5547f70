-- What is made of sounds.
ALTER TYPE variant_kind ADD VALUE 'audio';    -- in one file
ALTER TYPE variant_kind ADD VALUE 'waveform'; -- peaks, as numbers or as a picture
ALTER TYPE variant_kind ADD VALUE 'cover';    -- the picture that came with it
ALTER TYPE variant_format ADD VALUE 'm4a';
ALTER TYPE variant_format ADD VALUE 'json';
