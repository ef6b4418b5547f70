//! API keys.

use media::api_keys::KeyEntry;
use poem_openapi::Object;
use uuid::Uuid;
use workflows::admin::Page;

use crate::contract::Time;
use crate::v1::codes::Scope;

/// An API key. Its secret is stored nowhere.
#[derive(Debug, Object)]
#[oai(rename = "Key", skip_serializing_if_is_none)]
pub struct KeyView {
    /// Id of the key, fit for logs.
    api_key_id: Uuid,
    /// Whose files it reaches.
    owner: String,
    /// What it allows.
    scopes: Vec<Scope>,
    /// For people.
    name: String,
    /// When it was made.
    created_at: Time,
    /// When it was used last, to the minute. Absent: never.
    last_used_at: Option<Time>,
    /// When it ends by itself. Absent: never.
    expires_at: Option<Time>,
    /// When somebody ended it.
    revoked_at: Option<Time>,
}

impl From<KeyEntry> for KeyView {
    fn from(key: KeyEntry) -> Self {
        // Those that this build does not know allow nothing here.
        let scopes = key.scopes.iter().filter_map(|scope| scope.parse().ok());
        Self {
            api_key_id: key.api_key_id,
            owner: key.owner_id,
            scopes: scopes
                .map(|scope: media::api_keys::Scope| scope.into())
                .collect(),
            name: key.name,
            created_at: key.created_at.into(),
            last_used_at: key.last_used_at.map(Into::into),
            expires_at: key.expires_at.map(Into::into),
            revoked_at: key.revoked_at.map(Into::into),
        }
    }
}

/// A key that was just made.
#[derive(Debug, Object)]
#[oai(rename = "NewKey")]
pub struct NewKeyView {
    /// What to send as `Authorization: Bearer …`. It is shown this once.
    secret: String,
    /// The key.
    key: KeyView,
}

impl NewKeyView {
    /// A key with its secret.
    pub fn new(key: KeyEntry, secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            key: key.into(),
        }
    }
}

/// One page of keys.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct KeyPage {
    /// The keys, newest first.
    items: Vec<KeyView>,
    /// Give it as `cursor` for the next page; absent on the last page.
    next_cursor: Option<String>,
}

impl From<Page<KeyEntry>> for KeyPage {
    fn from(page: Page<KeyEntry>) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next.map(super::super::cursor),
        }
    }
}
