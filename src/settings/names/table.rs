//! The settings of all processes.

use super::{API, BOTH, WORKER};

/// Name, whose it is, and what it says.
pub(super) const SETTINGS: &[(&str, &str, &str)] = &[
    (
        "MEDIAMILL_DATABASE_URL",
        BOTH,
        "postgres:// address; required",
    ),
    (
        "MEDIAMILL_S3_ENDPOINT",
        BOTH,
        "object store as we reach it; default: AWS's of the region",
    ),
    (
        "MEDIAMILL_S3_PUBLIC_ENDPOINT",
        API,
        "object store as clients reach it; default: the same",
    ),
    ("MEDIAMILL_S3_REGION", BOTH, "default us-east-1"),
    ("MEDIAMILL_S3_ACCESS_KEY_ID", BOTH, "required"),
    ("MEDIAMILL_S3_SECRET_ACCESS_KEY", BOTH, "required"),
    (
        "MEDIAMILL_S3_PATH_STYLE",
        BOTH,
        "true or false; default true where there is an endpoint",
    ),
    (
        "MEDIAMILL_STAGING_BUCKET",
        BOTH,
        "where clients send; default mediamill-staging",
    ),
    (
        "MEDIAMILL_ORIGIN_BUCKET",
        BOTH,
        "what is kept; default mediamill-origin",
    ),
    (
        "MEDIAMILL_CDN_BASE_URL",
        API,
        "what stands before a variant's key; required",
    ),
    (
        "MEDIAMILL_PUBLIC_URL",
        API,
        "address of the API as browsers reach it; without it, Uppy must send parts",
    ),
    (
        "MEDIAMILL_DATABASE_CONNECTIONS",
        BOTH,
        "at most, beside a worker's engine's own twelve; default 20",
    ),
    (
        "MEDIAMILL_KEEP_REFUSED_SECONDS",
        BOTH,
        "how long a refused file keeps its bytes; default 86400",
    ),
    ("MEDIAMILL_MAX_FILE_BYTES", BOTH, "default 104857600"),
    (
        "MEDIAMILL_MAX_IMAGE_PIXELS",
        BOTH,
        "width times height; default 100000000",
    ),
    (
        "MEDIAMILL_STRICT_CONTENT_TYPE",
        BOTH,
        "true: refuse a format that is not the declared one; default false",
    ),
    (
        "MEDIAMILL_REFUSED_TYPES",
        BOTH,
        "types that are not taken, such as image/gif,video/*",
    ),
    (
        "MEDIAMILL_MAX_BYTES_OF_TYPES",
        BOTH,
        "of single types, such as image/*=20000000",
    ),
    (
        "MEDIAMILL_MAX_AUDIO_CHANNELS",
        BOTH,
        "channels of a sound; default 8",
    ),
    (
        "MEDIAMILL_MAX_AUDIO_SAMPLE_RATE",
        BOTH,
        "samples of a sound in a second; default 192000",
    ),
    (
        "MEDIAMILL_MAX_AUDIO_SECONDS",
        BOTH,
        "length of a sound; default 43200",
    ),
    (
        "MEDIAMILL_REFUSE_PARTIAL_IMAGES",
        BOTH,
        "true refuses pictures that could be shown in part only; default false",
    ),
    (
        "MEDIAMILL_MAX_VIDEO_SECONDS",
        BOTH,
        "length of a film; default 21600",
    ),
    (
        "MEDIAMILL_MAX_VIDEO_PIXELS",
        BOTH,
        "of a picture of a film, width times height; default 35651584",
    ),
    (
        "MEDIAMILL_DOCUMENT_PAGES",
        WORKER,
        "of how many pages of a document pictures are made, 50 at most; default 1",
    ),
    (
        "MEDIAMILL_KEEP_RIGHTS",
        WORKER,
        "true keeps in pictures whose they are and how they may be used; default false",
    ),
    (
        "MEDIAMILL_IMAGE_AVIF",
        WORKER,
        "true makes pictures as AVIF, too; default false",
    ),
    (
        "MEDIAMILL_IMAGE_HDR",
        WORKER,
        "true keeps what is brighter than white in pictures, beside them; default false",
    ),
    (
        "MEDIAMILL_VIDEO_MP4",
        WORKER,
        "films as one MP4, too, whose shorter side has so many pixels at most; default 0: none",
    ),
    (
        "MEDIAMILL_METRICS_LISTEN",
        BOTH,
        "for /livez, /readyz, /metrics, such as 127.0.0.1:9464; default: nowhere",
    ),
    (
        "MEDIAMILL_LOG",
        BOTH,
        "json for machines, or unset; RUST_LOG filters",
    ),
    ("MEDIAMILL_LISTEN", API, "default 127.0.0.1:8080"),
    (
        "MEDIAMILL_EDGE",
        API,
        "true: serve /cdn from here; default false",
    ),
    (
        "MEDIAMILL_MAX_APPEND_BYTES",
        API,
        "body of one request that proxies in front take, for resumable uploads; default: any",
    ),
    (
        "MEDIAMILL_MAX_CONNECTIONS",
        API,
        "at a time; default 1024, or half the open files allowed",
    ),
    (
        "MEDIAMILL_MAX_OPEN_UPLOADS",
        API,
        "of one owner; default 1000",
    ),
    (
        "MEDIAMILL_MAX_OWNER_FILES",
        API,
        "of one owner; default: no limit",
    ),
    (
        "MEDIAMILL_MAX_OWNER_BYTES",
        API,
        "of all files of one owner; default: no limit",
    ),
    (
        "MEDIAMILL_REQUESTS_PER_SECOND",
        API,
        "of one owner, over all processes; default 500; 0: no limit",
    ),
    (
        "MEDIAMILL_WRONG_KEYS_PER_MINUTE",
        API,
        "from one address, of each process; default 60; 0: no limit",
    ),
    (
        "MEDIAMILL_ALLOWED_ORIGINS",
        API,
        "sites whose pages may call, separated by commas",
    ),
    (
        "MEDIAMILL_JWT_JWKS_URL",
        API,
        "where the keys of an issuer of JWT bearer tokens are",
    ),
    (
        "MEDIAMILL_JWT_JWKS",
        API,
        "in its place, the keys themselves: a JWK set",
    ),
    (
        "MEDIAMILL_JWT_ISSUER",
        API,
        "what `iss` must be; required with keys",
    ),
    (
        "MEDIAMILL_JWT_AUDIENCE",
        API,
        "what `aud` must have; required with keys",
    ),
    (
        "MEDIAMILL_JWT_OWNER_CLAIM",
        API,
        "claim with the owner; default sub",
    ),
    (
        "MEDIAMILL_JWT_SCOPE_CLAIM",
        API,
        "claim with the scopes; default scope",
    ),
    (
        "MEDIAMILL_JWT_LEEWAY_SECONDS",
        API,
        "how far clocks may be apart; default 30",
    ),
    (
        "MEDIAMILL_URL_LIFETIME_SECONDS",
        API,
        "of signed addresses; default 3600",
    ),
    (
        "MEDIAMILL_UPLOAD_LIFETIME_SECONDS",
        API,
        "time to finish an upload; default 86400",
    ),
    (
        "MEDIAMILL_REQUEST_SECONDS",
        API,
        "time to make an answer; default 15",
    ),
    ("MEDIAMILL_CLAMD", WORKER, "unix:/path or tcp://host:3310"),
    (
        "MEDIAMILL_SCAN_PIECE_BYTES",
        WORKER,
        "most bytes for the scanner at once; default 2097151999",
    ),
    (
        "MEDIAMILL_REQUIRE_SIGNATURES",
        WORKER,
        "true: do not start where the scanner has no official ones",
    ),
    (
        "MEDIAMILL_SCRATCH_DIR",
        WORKER,
        "for local copies; all in it can be deleted",
    ),
    (
        "MEDIAMILL_SCRATCH_MAX_BYTES",
        WORKER,
        "most bytes kept there; default 8589934592",
    ),
    ("MEDIAMILL_RENDER_SLOTS", WORKER, "one a processor"),
    ("MEDIAMILL_LIBREOFFICE", WORKER, "its folder, or off"),
    ("MEDIAMILL_OFFICE_SLOTS", WORKER, "default 1"),
    (
        "MEDIAMILL_VIDEO_CHUNK_SECONDS",
        WORKER,
        "of one processor for each piece that a film is encoded in; default 60",
    ),
    (
        "MEDIAMILL_SANDBOX",
        WORKER,
        "required or best-effort; default required",
    ),
];
