-- What a film's outputs were found to be, by the rules of HLS, before it became READY.
CREATE TABLE media_conformance (
    file_id    uuid        PRIMARY KEY REFERENCES media_files (file_id) ON DELETE CASCADE,
    report     jsonb       NOT NULL, -- see media::conformance
    checked_at timestamptz NOT NULL DEFAULT now()
);
