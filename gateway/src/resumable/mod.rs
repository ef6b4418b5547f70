//! `/v1/resumable`: uploads whose bytes pass through this process, over connections that break. One address speaks
//! tus 1.0 and the IETF's *Resumable Uploads for HTTP*.
//!
//! [`protocol`] and [`fields`] read what a request says, [`answers`] and [`news`] say what it is told; [`creation`] and
//! [`existing`] are its methods. [`receive`] takes bytes by way of [`pump`] into the [`sink`], and from there as a [`part`] to the
//! store. [`held`] knows which
//! requests are at it. [`concat`] makes one file of several uploads.
//!
//! What this is not: it decides nothing about files. Sessions, owners, limits and the completion are the API's.

mod answers;
mod concat;
mod confirm;
mod creation;
mod digest;
mod existing;
mod fields;
mod held;
mod news;
mod part;
mod protocol;
mod pump;
mod receive;
mod sink;

use api::ApiState;
use api::http::auth::{Caller, UploadsWrite};
use api::http::problem::{Code, Problem};
use api::http::trace::TraceParent;
use media::uploads::resumable::{self, Progress};
use media::uploads::{RESUMABLE_MAX_BYTES, Upload};
use media::{OwnerId, UploadId};
use poem::http::Method;
use poem::{Endpoint, Request, Response};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::answers::Limits;
use self::held::Held;
use self::protocol::Protocol;

/// The endpoint of both paths and all methods.
#[derive(Debug, Clone)]
pub struct Resumable {
    max_append_size: Option<u64>,
    held: Held,
    stopping: CancellationToken,
}

/// What a request works with.
#[derive(Clone)]
struct Place {
    state: ApiState,
    limits: Limits,
    held: Held,
    /// The process is to end.
    stopping: CancellationToken,
}

impl Resumable {
    /// With what a proxy in front takes as the body of one request, in bytes, if it does not take everything.
    pub fn new(max_append_size: Option<u64>, stopping: CancellationToken) -> Self {
        Self {
            max_append_size,
            held: Held::default(),
            stopping,
        }
    }
}

impl Endpoint for Resumable {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let state = request.data::<ApiState>().cloned();
        let state = state.ok_or_else(|| Problem::internal("no state"))?;
        let place = Place {
            limits: Limits {
                max_size: state.config.limits.max_file_bytes.min(RESUMABLE_MAX_BYTES),
                max_append_size: self.max_append_size,
            },
            held: self.held.clone(),
            stopping: self.stopping.clone(),
            state,
        };
        // A task of its own: what has come is kept also when the connection is gone, and the handler with it.
        let answer = tokio::spawn(Box::pin(place.answer(request)).in_current_span());
        match answer.await {
            Ok(answer) => Ok(answer?),
            Err(error) => Err(Problem::internal(error).into()),
        }
    }
}

impl Place {
    async fn answer(self, request: Request) -> Result<Response, Problem> {
        let method = method(&request);
        if method == Method::OPTIONS {
            return Ok(answers::options(self.limits));
        }
        let protocol = Protocol::of(&request)?;
        let answer = Box::pin(self.answer_as(protocol, method, request)).await;
        answer.map_err(|problem| answers::refused(protocol, self.limits, problem))
    }

    async fn answer_as(
        &self,
        protocol: Protocol,
        method: Method,
        request: Request,
    ) -> Result<Response, Problem> {
        let Some(id) = request.raw_path_param("upload_id") else {
            return match method {
                Method::POST => Box::pin(creation::run(self, protocol, request)).await,
                _ => Err(no_such_method()),
            };
        };
        let id = id.parse().map(UploadId);
        let id = id.map_err(|_| Problem::not_found("upload"))?;
        match method {
            Method::HEAD => existing::offset(self, protocol, &request, id, false).await,
            Method::GET => existing::offset(self, protocol, &request, id, true).await,
            Method::PATCH => existing::append(self, protocol, request, id).await,
            Method::DELETE => existing::cancel(self, protocol, &request, id).await,
            _ => Err(no_such_method()),
        }
    }

    /// Whose uploads the request reaches.
    async fn owner(&self, request: &Request) -> Result<OwnerId, Problem> {
        let caller = self.soon(Caller::<UploadsWrite>::of(request)).await?;
        Ok(caller.owner_id().clone())
    }

    fn trace(request: &Request) -> TraceParent {
        TraceParent::of(request)
    }

    /// Takes an upload from whoever sends bytes to it.
    async fn take(&self, upload: &Upload) -> Result<Progress, Problem> {
        let take = async {
            let mut connection = media::pool::borrow(&self.state.pool).await?;
            Ok(resumable::take(&mut connection, upload.upload_id).await?)
        };
        let progress = self.soon(take).await?;
        let progress = progress.ok_or_else(|| Problem::not_found("upload"))?;
        self.held.taken(upload.upload_id, progress.epoch);
        Ok(progress)
    }

    /// What waits for no client is done soon, or is an outage.
    async fn soon<T>(&self, step: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
        match timeout(self.state.config.deadline, step).await {
            Ok(done) => done,
            Err(late) => Err(Problem::unavailable(late)),
        }
    }
}

/// The method, or the one that a client of tus means which can send no other than `POST`.
fn method(request: &Request) -> Method {
    let meant = request.header("x-http-method-override");
    let meant = meant.filter(|_| {
        request.method() == Method::POST && request.headers().contains_key("tus-resumable")
    });
    let meant = meant.and_then(|name| name.to_ascii_uppercase().parse().ok());
    meant.unwrap_or_else(|| request.method().clone())
}

fn no_such_method() -> Problem {
    let detail =
        "uploads are made with POST, and asked for, continued and given up at their own address";
    answers::allow(Problem::new(Code::MethodNotAllowed, detail))
}
