//! A file in one form (`shouldUseMultipart: false`, by itself for files up to 100 MiB). Uppy tells nobody of its end, so the
//! store sends the browser on to here when it has the file: that completes the upload.

use std::sync::Arc;

use media::uploads::Plan;
use poem::http::{HeaderValue, StatusCode, header};
use poem::web::Json;
use poem::{IntoResponse as _, Request, Response};
use serde_json::{Map, Value, json};
use storage::FormPolicy;
use tokio::sync::OnceCell;

use super::guest::Guest;
use super::multipart::{Create, open};
use crate::ApiState;
use crate::http::problem::Problem;
use crate::http::trace::TraceParent;
use crate::v1::uploads::{complete, view};

/// Whether the store holds forms to their policies; it is asked by the first who wants one. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Forms(Arc<OnceCell<bool>>);

impl Forms {
    /// Where the store is to send browsers, if it can be trusted with forms and we know how browsers reach us.
    async fn sent_on(request: &Request, state: &ApiState) -> Result<String, Problem> {
        let forms = request.data::<Self>();
        let forms = forms.ok_or_else(|| Problem::internal("no forms"))?;
        let detail = "files are sent in parts here: set shouldUseMultipart: true";
        let in_parts = || Problem::not_found("operation").detail(detail);
        let public_url = state.config.public_url.clone().ok_or_else(in_parts)?;
        let kept = || async {
            let kept = state.store.keeps_form_policies().await?;
            tracing::info!(
                storage.forms = kept,
                "tried whether the store holds forms to their policies"
            );
            Ok::<_, storage::StorageError>(kept)
        };
        if *forms.0.get_or_try_init(kept).await? {
            Ok(public_url)
        } else {
            Err(in_parts())
        }
    }
}

/// `GET s3/params?filename=…&type=…&metadata[size]=…`: opens an upload of one form.
pub async fn params(request: Request) -> Result<Response, Problem> {
    let guest = Guest::of(&request).await?;
    let public_url = Forms::sent_on(&request, guest.state).await?;
    let upload = open(&guest, &request, asked(&request), Plan::as_form).await?;
    let token = request.raw_path_param("token").unwrap_or_default();
    let policy = FormPolicy {
        key: &upload.object_key,
        size_bytes: 1..=upload.plan.size_bytes,
        content_type: &upload.declared.mime_type,
        redirect: &format!("{public_url}/uppy/{token}/s3/sent/{}", upload.upload_id),
    };
    let expires_in = view::lifetime(guest.state, &upload);
    let form = guest.state.store.sign_form(&policy, expires_in).await?;
    let fields: Map<String, Value> = form
        .fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    let seconds = expires_in.as_secs();
    Ok(
        Json(json!({ "method": "POST", "url": form.url, "fields": fields, "expires": seconds }))
            .into_response(),
    )
}

/// What Uppy says in the query what it says of other uploads in a body.
fn asked(request: &Request) -> Create {
    let query: Vec<(String, String)> = request.params().unwrap_or_default();
    let mut create = Create::default();
    for (name, value) in query {
        let of_metadata = name
            .strip_prefix("metadata[")
            .and_then(|name| name.strip_suffix(']'));
        match (name.as_str(), of_metadata) {
            ("filename", _) => create.filename = Some(value),
            ("type", _) => create.content_type = Some(value),
            (_, Some(name)) => {
                create.metadata.insert(name.to_owned(), value.into());
            }
            _ => {}
        }
    }
    create
}

/// `GET s3/sent/{id}`: the store has the file, and sent the browser here. The file enters its workflow.
pub async fn sent(request: Request) -> Result<Response, Problem> {
    let done = completed(&request).await;
    done.map_err(|problem| problem.header(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY_PAGE))
}

/// A browser that was sent on from another origin says `null` of its own (Fetch, *tainted origin*). The token is in the
/// address, so the answer is for who knows it, whatever page that is.
const ANY_PAGE: HeaderValue = HeaderValue::from_static("*");

async fn completed(request: &Request) -> Result<Response, Problem> {
    let guest = Guest::of(request).await?;
    let upload = guest.upload(request).await?;
    let trace = request.data::<TraceParent>();
    let trace = trace.ok_or_else(|| Problem::internal("a request without a trace"))?;
    let (owner_id, id) = (&guest.grant.owner_id, upload.upload_id);
    let done = complete::run(guest.state, owner_id, id, None, trace).await?;
    let location = format!("/v1/files/{}", done.file_id);
    let body = Json(json!({ "location": location, "key": id, "bucket": super::multipart::BUCKET }));
    Ok(body
        .with_header(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY_PAGE)
        .with_header(header::ACCESS_CONTROL_EXPOSE_HEADERS, "ETag, Location")
        .with_header(header::LOCATION, location)
        // Version 5 waits for one for ever.
        .with_header(header::ETAG, format!("\"{}\"", done.file_id))
        .into_response())
}

/// What a browser asks before it goes where it was sent (Fetch, *CORS-preflight fetch*).
pub async fn may_go(_request: Request) -> Result<Response, Problem> {
    Ok(Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY_PAGE)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET")
        .finish())
}
