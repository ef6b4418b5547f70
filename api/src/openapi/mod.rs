//! The contract: `OpenAPI` documents made from the code. The framework's own document is 3.0.0 with faults; what we
//! publish is that document put right by `normalise`, as 3.1.0 and, for tools that need it, as 3.0.3.

mod examples;
mod normalise;

use std::sync::LazyLock;

use poem_openapi::{ContactObject, LicenseObject, OpenApi, OpenApiService};
use serde_json::Value;

use crate::contract::Contract;
use crate::v1::account::AccountApi;
use crate::v1::admin;
use crate::v1::files::FilesApi;
use crate::v1::health::HealthApi;
use crate::v1::plans::PlansApi;
use crate::v1::upload_tokens::UploadTokensApi;
use crate::v1::uploads::UploadsApi;

/// All operations of the contract, in the order in which its pages show them.
pub type Operations = (
    UploadsApi,
    UploadTokensApi,
    FilesApi,
    PlansApi,
    AccountApi,
    HealthApi,
    admin::Operations,
);

const OPERATIONS: Operations = (
    UploadsApi,
    UploadTokensApi,
    FilesApi,
    PlansApi,
    AccountApi,
    HealthApi,
    admin::OPERATIONS,
);

const DESCRIPTION: &str = "\
mediamill takes in people's files and hands back safe, ready-to-serve media.

1. `POST /v1/uploads` opens an upload and answers with signed addresses.
2. Send the bytes to those addresses; they never pass through this API.
3. `POST /v1/uploads/{upload_id}/complete` starts the processing.
4. `GET /v1/files/{file_id}` tells how far it is, and in the end where the variants are served.

Instead of 1 to 3, a client of tus 1.0 or of the IETF's *Resumable Uploads for HTTP* sends the file to `/v1/resumable`, \
with the same key. Those protocols are described where they are published, and not in this document.

Every error of the API is `application/problem+json` with a stable `code`; [each is explained](/docs/errors). Every \
answer carries an `X-Request-Id`.

Lists come by pages: `{items, next_cursor}`. Give `next_cursor` as `cursor` for the next page; on the last page it is \
absent. Unknown query parameters, and keys that a JSON object has twice, are refused. Every number fits into 53 bits.

The operations for operators are under the tag `Admin`; a client for customers can be generated without it.";

/// The service with its operations, still to be mounted.
pub fn service() -> OpenApiService<Operations, ()> {
    OpenApiService::new(OPERATIONS, "mediamill", env!("CARGO_PKG_VERSION"))
        .description(DESCRIPTION)
        .license(LicenseObject::new("MIT OR Apache-2.0").identifier("MIT OR Apache-2.0"))
        .contact(ContactObject::new().name("mediamill maintainers"))
        .server("/")
}

/// The public document, `OpenAPI` 3.1.0.
pub fn document_31() -> Value {
    normalise::to_31(raw())
}

/// The same for tools that read nothing newer, `OpenAPI` 3.0.3.
pub fn document_30() -> Value {
    normalise::to_30(raw())
}

/// The public document, as requests are held against it.
pub fn contract() -> &'static Contract {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(document_31);
    static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::new(&DOCUMENT));
    &CONTRACT
}

/// A document as it is committed and served: indented, keys in a fixed order, a newline at the end.
pub fn to_text(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The viewer's script, taken from the page that the framework would serve. Empty if that page has another shape
/// than we know, which a test would notice.
pub fn viewer_script() -> String {
    let page = service().redoc_html();
    let script = page
        .split_once("<script charset=\"UTF-8\">")
        .and_then(|(_, rest)| rest.split_once("</script>"));
    script
        .map(|(script, _)| script.to_owned())
        .unwrap_or_default()
}

/// The framework's document. Two operations under one path and method would silently become one here.
fn raw() -> Value {
    let document: Value = serde_json::from_str(&service().spec()).expect("it was written as JSON");
    let declared: usize = <Operations as OpenApi>::meta()
        .iter()
        .flat_map(|api| &api.paths)
        .map(|path| path.operations.len())
        .sum();
    let written = normalise::operations(&document).count();
    assert_eq!(
        written, declared,
        "two operations share a path and a method"
    );
    document
}
