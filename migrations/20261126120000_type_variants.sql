-- What a variant is for and how it is encoded: closed lists, which grow by ALTER TYPE … ADD VALUE.
-- The order of variant_kind is the order in which a file's variants are listed.
CREATE TYPE variant_kind AS ENUM (
    'full',      -- at the source's own size
    'thumbnail'  -- a smaller version
);
CREATE TYPE variant_format AS ENUM (
    'webp'
);
ALTER TABLE media_variants
    ALTER COLUMN kind TYPE variant_kind USING kind::variant_kind,
    ALTER COLUMN format TYPE variant_format USING format::variant_format;
