-- What is made of a film, as it was planned when it had been looked at.
CREATE TABLE media_plans (
    file_id    uuid        PRIMARY KEY REFERENCES media_files (file_id) ON DELETE CASCADE,
    plan       jsonb       NOT NULL, -- see video::plan::Plan
    planned_at timestamptz NOT NULL DEFAULT now()
);
