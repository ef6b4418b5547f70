-- A playlist leads to objects that are no variants themselves: they are kept as long as it is.
ALTER TABLE file_objects ADD COLUMN served boolean NOT NULL DEFAULT false;
