-- What a sound was found to be when it was decoded.
CREATE TABLE media_audio (
    file_id     uuid   PRIMARY KEY REFERENCES media_files (file_id) ON DELETE CASCADE,
    duration_us bigint NOT NULL CHECK (duration_us >= 0), -- microseconds
    channels    int    NOT NULL CHECK (channels > 0),
    sample_rate int    NOT NULL CHECK (sample_rate > 0),  -- samples in a second
    codec       text   NOT NULL
);
