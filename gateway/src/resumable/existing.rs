//! An upload that there is: where it stands, more bytes for it, its end.

use api::http::problem::{Code, Problem};
use api::v1::uploads::{abort, complete, ensure_open};
use media::UploadId;
use media::uploads::resumable::{self, Progress};
use media::uploads::{self, Upload, UploadState};
use poem::http::{HeaderName, HeaderValue, StatusCode};
use poem::{Request, Response};

use super::Place;
use super::answers::{self, Standing};
use super::news::News;
use super::protocol::{self, Protocol, Said, inconsistent};
use super::receive::{Incoming, Received, receive};

/// `HEAD` and `GET`: where the upload stands. Ends a request that still sends bytes, so that this remains true until the
/// client sends more. `GET` of one that is complete gives the last answer again.
pub async fn offset(
    place: &Place,
    protocol: Protocol,
    request: &Request,
    upload_id: UploadId,
    whole: bool,
) -> Result<Response, Problem> {
    let owner_id = place.owner(request).await?;
    let state_of_request = ["upload-offset", "upload-complete"];
    if let Some(name) = state_of_request
        .iter()
        .find(|name| request.headers().contains_key(**name))
    {
        return Err(Problem::parameter(*name, "has no meaning in this request"));
    }
    let upload = place.soon(place.find(&owner_id, upload_id)).await?;
    let (progress, complete) = match upload.state {
        UploadState::Completed(_) => (place.soon(at_its_end(place, &upload)).await?, true),
        _ => (place.take(&upload).await?, false),
    };
    let standing = Standing {
        upload: &upload,
        offset: progress.offset_bytes,
        length: progress.length_bytes,
        complete,
        now: place.state.now(),
    };
    let status = match protocol {
        Protocol::Tus => StatusCode::OK,
        Protocol::Draft(_) if complete && whole => StatusCode::OK,
        Protocol::Draft(_) => StatusCode::NO_CONTENT,
    };
    let mut answer = answers::standing(protocol, place.limits, status, &standing);
    if protocol == Protocol::Tus {
        if let Some(metadata) = progress.metadata {
            answer = answer.header("upload-metadata", metadata);
        }
        if let Some(concat) = progress.concat {
            answer = answer.header("upload-concat", concat);
        }
        if progress.length_bytes.is_none() {
            answer = answer.header("upload-defer-length", "1");
        }
    }
    if complete && whole {
        let file = place
            .soon(complete::completed(&place.state, &upload))
            .await?;
        return Ok(answers::completed(answer, &file));
    }
    Ok(answer.finish())
}

/// `PATCH`: more bytes.
pub async fn append(
    place: &Place,
    protocol: Protocol,
    mut request: Request,
    upload_id: UploadId,
) -> Result<Response, Problem> {
    let owner_id = place.owner(&request).await?;
    protocol::is_of_bytes(&request, protocol)?;
    let said = Said::of(&request, protocol)?;
    let Some(offset) = said.offset else {
        return Err(Problem::parameter(
            "upload-offset",
            "must be a number of bytes",
        ));
    };
    if said.complete.is_none() && protocol != Protocol::Tus {
        return Err(Problem::parameter("upload-complete", "must be ?1 or ?0"));
    }
    let upload = place.soon(place.find(&owner_id, upload_id)).await?;
    if let UploadState::Completed(_) = upload.state {
        return again(place, &upload, &said, offset).await;
    }
    let progress = place.take(&upload).await?;
    if progress.is_partial() && protocol != Protocol::Tus {
        let detail = "this upload is a piece of a file, as only tus has them";
        return Err(Problem::new(Code::UploadProtocolUnsupported, detail));
    }
    if progress.offset_bytes != offset {
        return Err(elsewhere(progress.offset_bytes, offset));
    }
    let hold = place
        .held
        .hold(&place.state.pool, &upload, progress.epoch)?;
    let incoming = Incoming {
        said,
        body: request.take_body(),
        news: News::of(&request, protocol),
        trace: Place::trace(&request),
    };
    let received = receive(place, (&upload, progress, &hold), incoming).await?;
    Ok(appended(place, protocol, &upload, &received))
}

fn appended(place: &Place, protocol: Protocol, upload: &Upload, received: &Received) -> Response {
    let standing = Standing {
        upload,
        offset: received.offset,
        length: received.length,
        complete: received.completed.is_some(),
        now: place.state.now(),
    };
    let status = match (protocol, &received.completed) {
        (Protocol::Draft(_), Some(_)) => StatusCode::OK,
        _ => StatusCode::NO_CONTENT,
    };
    let answer = answers::standing(protocol, place.limits, status, &standing);
    match (protocol, &received.completed) {
        (Protocol::Draft(_), Some(file)) => answers::completed(answer, file),
        _ => answer.finish(),
    }
}

/// The upload is complete. A client that has nothing more to send has lost the last answer, and is given it again.
async fn again(
    place: &Place,
    upload: &Upload,
    said: &Said,
    offset: u64,
) -> Result<Response, Problem> {
    let progress = place.soon(at_its_end(place, upload)).await?;
    if progress.concat.is_some() {
        let detail = "the upload was put together of others, and takes no bytes of its own";
        return Err(inconsistent(detail)
            .with_status(StatusCode::FORBIDDEN)
            .file(upload.file_id.0));
    }
    if said.content_length != Some(0) {
        return Err(
            inconsistent("the upload is complete, and takes no more bytes").file(upload.file_id.0),
        );
    }
    if offset != progress.offset_bytes {
        return Err(elsewhere(progress.offset_bytes, offset));
    }
    let file = place
        .soon(complete::completed(&place.state, upload))
        .await?;
    let received = Received {
        offset,
        length: progress.length_bytes,
        completed: Some(file),
    };
    Ok(appended(place, said.protocol, upload, &received))
}

/// `DELETE`: the client gives the upload up.
pub async fn cancel(
    place: &Place,
    protocol: Protocol,
    request: &Request,
    upload_id: UploadId,
) -> Result<Response, Problem> {
    let owner_id = place.owner(request).await?;
    let upload = place.soon(place.find(&owner_id, upload_id)).await?;
    // Whatever still sends bytes is at its end before they are removed.
    if upload.state == UploadState::Open {
        place.take(&upload).await?;
    }
    place
        .soon(abort::run(&place.state, &owner_id, upload_id))
        .await?;
    Ok(answers::done(protocol))
}

async fn at_its_end(place: &Place, upload: &Upload) -> Result<Progress, Problem> {
    let mut connection = media::pool::borrow(&place.state.pool).await?;
    let progress = resumable::get(&mut connection, upload.upload_id).await?;
    progress.ok_or_else(|| Problem::not_found("upload"))
}

/// The bytes begin elsewhere than where the upload stands.
fn elsewhere(expected: u64, provided: u64) -> Problem {
    let detail = format!("the upload stands at {expected}, and these bytes begin at {provided}");
    Problem::new(Code::UploadOffsetMismatch, detail)
        .offsets(expected, provided)
        .header(
            HeaderName::from_static("upload-offset"),
            HeaderValue::from(expected),
        )
}

impl Place {
    /// An owner's upload that is not given up and has not expired: those are gone (410).
    pub(super) async fn find(
        &self,
        owner_id: &media::OwnerId,
        upload_id: UploadId,
    ) -> Result<Upload, Problem> {
        let mut connection = media::pool::borrow(&self.state.pool).await?;
        let upload = uploads::get(&mut connection, owner_id, upload_id).await?;
        let upload = upload.ok_or_else(|| Problem::not_found("upload"))?;
        match upload.state {
            UploadState::Completed(_) => Ok(upload),
            _ => ensure_open(&upload, self.state.now())
                .map(|()| upload)
                .map_err(|problem| problem.with_status(StatusCode::GONE)),
        }
    }
}
