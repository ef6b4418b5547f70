//! Owners.

use media::owners::{Owner, Quota};
use poem_openapi::Object;

use crate::contract::Count;

/// What an owner may have in place of the settings.
#[derive(Debug, Clone, Copy, Object)]
#[oai(rename = "Quota", deny_unknown_fields, skip_serializing_if_is_none)]
pub struct QuotaView {
    /// Files. 0: none.
    #[oai(nullable)]
    pub max_files: Option<Count>,
    /// Bytes of all files together, as they were sent. 0: none.
    #[oai(nullable)]
    pub max_bytes: Option<Count>,
    /// Uploads that are open at a time. 0: none.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000000")), nullable)]
    pub max_open_uploads: Option<u32>,
}

impl From<Quota> for QuotaView {
    fn from(quota: Quota) -> Self {
        Self {
            max_files: quota.max_files.map(Into::into),
            max_bytes: quota.max_bytes.map(Into::into),
            max_open_uploads: quota.max_open_uploads,
        }
    }
}

impl From<QuotaView> for Quota {
    fn from(quota: QuotaView) -> Self {
        Self {
            max_files: quota.max_files.map(Into::into),
            max_bytes: quota.max_bytes.map(Into::into),
            max_open_uploads: quota.max_open_uploads,
        }
    }
}

/// An owner with what is stored and what may be.
#[derive(Debug, Object)]
#[oai(rename = "Owner")]
pub struct OwnerView {
    /// Who.
    owner: String,
    /// Files, from the beginning of their uploads until they are refused, given up, cancelled or deleted.
    files: Count,
    /// Bytes of these, as they were sent.
    bytes: Count,
    /// What they may have in place of the settings.
    quota: QuotaView,
}

impl From<Owner> for OwnerView {
    fn from(owner: Owner) -> Self {
        Self {
            owner: owner.owner_id,
            files: owner.usage.files.into(),
            bytes: owner.usage.bytes.into(),
            quota: owner.quota.into(),
        }
    }
}

/// One page of owners.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OwnerPage {
    /// The owners, by name.
    items: Vec<OwnerView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    next_cursor: Option<String>,
}

impl OwnerPage {
    /// A page, and whether there are more.
    pub fn new(owners: Vec<Owner>, more: bool) -> Self {
        let last = owners.last().filter(|_| more);
        Self {
            next_cursor: last.map(|owner| owner.owner_id.clone()),
            items: owners.into_iter().map(Into::into).collect(),
        }
    }
}
