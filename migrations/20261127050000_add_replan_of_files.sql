-- A film whose pieces did not fit together is made once more in one piece: `asked` by the step that found it, `begun`
-- when its run starts again.
ALTER TABLE media_files ADD COLUMN replan text CHECK (replan IN ('asked', 'begun'));
