//! Uploads as Uppy's S3 plugin speaks them (versions 5 and 6, `@uppy/aws-s3` with an endpoint): the routes of Companion,
//! under an upload token in the path, since Uppy 6 sends no headers of its own. Behind them are the same uploads, with
//! the same checks; `key` and `uploadId` are both the upload's id here.
//!
//! What this is not: it is no part of the contract, which is Uppy's; and nothing is signed that a client names.

mod form;
mod guest;
mod multipart;

use poem::http::HeaderValue;
use poem::{Body, EndpointExt as _, Request, Response, Route, endpoint, get, post};
use serde::de::DeserializeOwned;

use crate::contract;
use crate::http::body;
use crate::http::problem::Problem;

/// Where the token stands in the path.
const PREFIX: &str = "/uppy/";

/// Adds the routes.
pub fn add_to(route: Route) -> Route {
    const UPLOADS: &str = "/:token/s3/multipart";
    let of_one = |path: &str| format!("{UPLOADS}/:upload_id{path}");
    let routes = Route::new()
        .at(UPLOADS, post(at(multipart::create)))
        .at(
            of_one(""),
            get(at(multipart::list)).delete(at(multipart::abort)),
        )
        .at(of_one("/batch"), get(at(multipart::sign_many)))
        .at(of_one("/complete"), post(at(multipart::complete)))
        .at(of_one("/:part_number"), get(at(multipart::sign)))
        .at("/:token/s3/params", get(at(form::params)))
        .at(
            "/:token/s3/sent/:upload_id",
            get(at(form::sent)).options(at(form::may_go)),
        );
    route.nest("/uppy", routes.data(form::Forms::default()))
}

/// The methods of a path, if it is one of these (RFC 9110 §15.5.6).
pub fn allowed(path: &str) -> Option<HeaderValue> {
    let (_token, rest) = path.strip_prefix(PREFIX)?.split_once("/s3/")?;
    let methods = match rest.split('/').collect::<Vec<_>>()[..] {
        ["multipart"] | ["multipart", _, "complete"] => "POST",
        ["multipart", _] => "GET, HEAD, DELETE",
        _ => "GET, HEAD",
    };
    Some(HeaderValue::from_static(methods))
}

/// An operation as the framework takes it.
fn at<F>(
    operation: impl Fn(Request) -> F + Send + Sync + 'static,
) -> impl poem::Endpoint<Output = Response> + 'static
where
    F: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    endpoint::make(move |request| {
        let answer = operation(request);
        async move { answer.await.map_err(poem::Error::from) }
    })
}

/// A body of JSON. What it has beside what is asked for is left alone: it is Uppy's.
async fn read<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let bytes = body::bytes(body).await?;
    let value = contract::read(&bytes)?;
    serde_json::from_value(value).map_err(|_| Problem::field("", "is not what Uppy sends"))
}

/// A path as it may be logged: without the token, which is a secret.
pub fn without_token(path: &str) -> String {
    let rest = path.strip_prefix(PREFIX);
    rest.map_or_else(
        || path.to_owned(),
        |rest| {
            let (_token, rest) = rest.split_once('/').unwrap_or((rest, ""));
            format!("{PREFIX}…/{rest}")
        },
    )
}

#[cfg(test)]
mod tests {
    use super::without_token;

    #[test]
    fn no_token_is_logged() {
        for (path, logged) in [
            ("/uppy/mmu_a/s3/multipart/1", "/uppy/…/s3/multipart/1"),
            ("/uppy/mmu_a", "/uppy/…/"),
            ("/uppy/", "/uppy/…/"),
            ("/v1/uploads", "/v1/uploads"),
        ] {
            assert_eq!(without_token(path), logged);
        }
    }
}
