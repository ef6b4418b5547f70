-- Which page a variant shows, from 1. The release before makes the first page only, and says no number.
ALTER TABLE media_variants ADD COLUMN page integer CHECK (page > 0);
UPDATE media_variants SET page = 1 WHERE kind = 'page';
