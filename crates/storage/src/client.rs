//! How the SDK is set up: timeouts on every call, few retries, no checksums that other stores do not know.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, StalledStreamProtectionConfig,
};

use super::StorageConfig;

const CONNECT: Duration = Duration::from_secs(5);
/// Silence before the first byte of an answer.
const FIRST_BYTE: Duration = Duration::from_secs(30);
/// Copies and completions of large objects may be silent for longer while the store works.
const FIRST_BYTE_SERVER_SIDE_WORK: Duration = Duration::from_mins(3);
/// A body that moves less than a byte a second for this long is given up.
const STALL_GRACE: Duration = Duration::from_secs(20);
/// Tries of one call, the first included. Longer outages are the workflow engine's to wait out, durably.
const ATTEMPTS: u32 = 3;

/// A client for `endpoint`; `None` means AWS.
pub(super) fn build(config: &StorageConfig, endpoint: Option<&String>) -> Client {
    let credentials = Credentials::new(
        config.access_key_id.clone(),
        config.secret_access_key.clone(),
        None,
        None,
        "mediamill",
    );
    let mut builder = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(credentials)
        .region(Region::new(config.region.clone()))
        .force_path_style(config.path_style)
        .timeout_config(timeouts(FIRST_BYTE))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALL_GRACE)
                .build(),
        )
        // The default adds a CRC32 to every request; in a signed URL it would be that of an empty body.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = endpoint {
        builder = builder.endpoint_url(endpoint);
    }
    Client::from_conf(builder.build())
}

/// For operations in which the store moves bytes before it answers.
pub(super) fn patient() -> Builder {
    Config::builder().timeout_config(timeouts(FIRST_BYTE_SERVER_SIDE_WORK))
}

fn timeouts(first_byte: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(first_byte)
        .build()
}
