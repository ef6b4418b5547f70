-- What a document was found to be when it was opened.
CREATE TABLE media_documents (
    file_id       uuid   PRIMARY KEY REFERENCES media_files (file_id) ON DELETE CASCADE,
    pages         bigint NOT NULL CHECK (pages > 0),
    width_points  real   NOT NULL, -- of the first page, in 1/72 inch
    height_points real   NOT NULL
);
