-- What is made of films.
ALTER TYPE variant_kind ADD VALUE 'playlist';   -- to be played
ALTER TYPE variant_kind ADD VALUE 'poster';     -- a still
ALTER TYPE variant_kind ADD VALUE 'preview';    -- some seconds, animated
ALTER TYPE variant_kind ADD VALUE 'storyboard'; -- small pictures of all of it
ALTER TYPE variant_format ADD VALUE 'hls';
ALTER TYPE variant_format ADD VALUE 'vtt';
