//! `/v1/admin`: what operators do with runs, dead letters and queues. One file for each resource; each a thin layer over
//! [`workflows::admin`], which also writes who did what, and why. Operators see every owner's.

mod audit;
mod dead_letters;
mod discards;
mod files;
pub mod keys;
mod limits;
pub mod owners;
mod queues;
mod redrives;
mod runs;
pub mod view;
mod workers;

pub use poem_openapi::types::ToJSON;
use poem_openapi::{Object, Tags};
use serde_json::Value;
use uuid::Uuid;
use workflows::admin::{Actor, Hooks, Paging};

use self::audit::AuditApi;
use self::dead_letters::DeadLettersApi;
use self::discards::DiscardsApi;
use self::files::AdminFilesApi;
use self::keys::KeysApi;
use self::limits::LimitsApi;
use self::owners::OwnersApi;
use self::queues::QueuesApi;
use self::redrives::RedrivesApi;
use self::runs::RunsApi;
use self::workers::WorkersApi;
use crate::http::problem::{Problem, Statuses};

/// The operations for operators.
pub type Operations = (
    RunsApi,
    DeadLettersApi,
    DiscardsApi,
    RedrivesApi,
    QueuesApi,
    LimitsApi,
    WorkersApi,
    AuditApi,
    AdminFilesApi,
    KeysApi,
    OwnersApi,
);

/// All of them.
pub const OPERATIONS: Operations = (
    RunsApi,
    DeadLettersApi,
    DiscardsApi,
    RedrivesApi,
    QueuesApi,
    LimitsApi,
    WorkersApi,
    AuditApi,
    AdminFilesApi,
    KeysApi,
    OwnersApi,
);

#[derive(Tags)]
enum Tag {
    /// For operators: what every run waits for, what failed for good, and what to do about it. Needs the scope `admin`.
    Admin,
}

/// Why something is done.
#[derive(Debug, Object)]
#[oai(rename = "ActionReason", deny_unknown_fields)]
pub struct Reasoned {
    /// Kept in the audit, with the key that asked.
    #[oai(validator(
        min_length = 1,
        max_length = 1000,
        pattern = r"^[^\x00]*[^\s\x00][^\x00]*$"
    ))]
    pub reason: String,
}

impl Reasoned {
    fn by<'a>(&'a self, actor: &'a str, hooks: &'a Hooks) -> Actor<'a> {
        Actor::new(actor, &self.reason).telling(hooks)
    }
}

struct ListErrors;
impl Statuses for ListErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 429, 500, 503];
}

struct GetErrors;
impl Statuses for GetErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 429, 500, 503];
}

/// Of requests that nothing conflicts with.
struct RepeatableErrors;
impl Statuses for RepeatableErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 413, 415, 422, 429, 500, 503];
}

/// Of requests for something to be done with many, whichever they are.
struct RequestErrors;
impl Statuses for RequestErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 413, 415, 422, 429, 500, 503];
}

struct ActErrors;
impl Statuses for ActErrors {
    const STATUSES: &'static [u16] = &[400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 503];
}

/// The JSON form of what this module answers with.
pub fn to_json(view: &impl ToJSON) -> Value {
    view.to_json().unwrap_or_default()
}

/// Which part of a list of runs or letters.
fn paging(text: Option<&str>, limit: u32) -> Result<Paging, Problem> {
    let unreadable = |_| Problem::parameter("cursor", "is not a cursor of this list");
    let after = text.map(Uuid::try_parse).transpose();
    Ok(Paging {
        after: after.map_err(unreadable)?,
        limit: limit.into(),
    })
}

/// The text form of a place in a list, opaque to clients.
fn cursor(last: Uuid) -> String {
    last.simple().to_string()
}

fn default_limit() -> u32 {
    50
}
