//! Takes the bytes of a request into an upload, and completes it with the last of them.

use std::io::ErrorKind;

use api::ApiState;
use api::http::problem::{Code, Problem};
use api::http::trace::TraceParent;
use api::v1::uploads::abort;
use api::v1::uploads::complete::CompletedUpload;
use media::uploads::Upload;
use media::uploads::resumable::Progress;
use poem::Body;
use poem::http::{HeaderValue, StatusCode, header};

use super::Place;
use super::answers::Limits;
use super::digest::Expected;
use super::held::{Hold, displaced};
use super::news::News;
use super::protocol::{Protocol, Said, inconsistent};
use super::pump::{End, pump};
use super::sink::Sink;

/// A request that sends bytes.
pub struct Incoming {
    /// What it says of them.
    pub said: Said,
    pub body: Body,
    /// Tells the client meanwhile.
    pub news: News,
    /// The trace that it belongs to.
    pub trace: TraceParent,
}

/// What became of it.
pub struct Received {
    /// Bytes that are confirmed.
    pub offset: u64,
    /// Bytes of the whole file, once it is known.
    pub length: Option<u64>,
    /// Its file, if these were the last.
    pub completed: Option<CompletedUpload>,
}

/// Receives the bytes of a request that has taken the upload, which stands where they begin.
pub async fn receive(
    place: &Place,
    taken: (&Upload, Progress, &Hold),
    incoming: Incoming,
) -> Result<Received, Problem> {
    let Incoming {
        said,
        body,
        news,
        trace,
    } = incoming;
    let received = received(place, taken, (said, body), (&news, &trace)).await;
    received.inspect_err(|problem| news.failed(problem))
}

async fn received(
    place: &Place,
    (upload, progress, hold): (&Upload, Progress, &Hold),
    (mut said, body): (Said, Body),
    (news, trace): (&News, &TraceParent),
) -> Result<Received, Problem> {
    let Place {
        state,
        limits,
        stopping,
        ..
    } = place;
    let (limits, offset) = (*limits, progress.offset_bytes);
    ensure_within(limits, &said)?;
    let length = said.agreed_length(progress.length_bytes, offset)?;
    if let Some(length) = length
        && offset.saturating_add(said.content_length.unwrap_or(0)) > length
    {
        return Err(overrun(state, upload, length).await);
    }
    let work = async {
        let all_or_nothing = !said.digests.is_empty();
        let mut sink = Sink::open(state.clone(), upload.clone(), progress, all_or_nothing).await?;
        if let (Some(length), None) = (length, sink.length()) {
            sink.set_length(length).await?;
        }
        let most = most(limits, &said, length, offset);
        let stream = Box::pin(body.into_bytes_stream());
        let end = pump(&mut sink, stream, most, &mut said.digests, news, stopping).await?;
        Ok::<_, Problem>((sink, end))
    };
    let (sink, end) = tokio::select! {
        biased;
        () = hold.lost() => return Err(displaced()),
        done = work => done?,
    };
    match end {
        End::TooMuch => Err(too_much(state, limits, upload, length).await),
        End::Whole => settle(sink, said, trace).await,
        End::Cut(error) => cut(sink, &said, trace, error).await,
    }
}

/// The body is there.
async fn settle(mut sink: Sink, said: Said, trace: &TraceParent) -> Result<Received, Problem> {
    let protocol = said.protocol;
    if !said.digests.into_iter().all(Expected::holds) {
        return Err(damaged(protocol));
    }
    let (received, length) = (sink.received(), sink.length());
    let last = match protocol {
        Protocol::Tus => sink.is_complete(),
        Protocol::Draft(_) => said.complete == Some(true),
    };
    if !last {
        sink.save().await?;
        return Ok(Received {
            offset: sink.offset(),
            length,
            completed: None,
        });
    }
    if let Some(length) = length.filter(|length| *length != received) {
        sink.save().await?;
        let detail = format!("{received} bytes have come, and it was to be {length}");
        return Err(inconsistent(detail));
    }
    let completed = sink.finish(trace).await?;
    Ok(Received {
        offset: received,
        length: Some(received),
        completed: Some(completed),
    })
}

/// The body ended early: what has come of it is kept.
async fn cut(
    mut sink: Sink,
    said: &Said,
    trace: &TraceParent,
    error: std::io::Error,
) -> Result<Received, Problem> {
    if sink.has_news() {
        if said.protocol == Protocol::Tus && sink.is_complete() {
            sink.finish(trace).await?;
        } else {
            sink.save().await?;
        }
    }
    tracing::debug!(%error, "the body ended early");
    if error.kind() == ErrorKind::Interrupted {
        let detail = "this process ends; ask for the offset and go on from there";
        let problem = Problem::new(Code::Unavailable, detail);
        return Err(problem.header(header::RETRY_AFTER, HeaderValue::from_static("1")));
    }
    let detail = "the body ended early; ask for the offset and go on from there";
    Err(Problem::new(Code::BadRequest, detail))
}

/// Up to where this request may bring the upload.
fn most(limits: Limits, said: &Said, length: Option<u64>, offset: u64) -> u64 {
    let whole = length.unwrap_or(limits.max_size);
    match (said.content_length, limits.max_append_size) {
        (None, Some(append)) => whole.min(offset.saturating_add(append)),
        _ => whole,
    }
}

fn ensure_within(limits: Limits, said: &Said) -> Result<(), Problem> {
    let (Some(most), Some(bytes)) = (limits.max_append_size, said.content_length) else {
        return Ok(());
    };
    if bytes <= most {
        return Ok(());
    }
    Err(append_too_large(most).measured(format!("{most} bytes"), format!("{bytes} bytes")))
}

fn append_too_large(most: u64) -> Problem {
    let detail = format!("send at most {most} bytes with one request, and the rest with others");
    Problem::new(Code::BodyTooLarge, detail)
}

async fn too_much(
    state: &ApiState,
    limits: Limits,
    upload: &Upload,
    length: Option<u64>,
) -> Problem {
    match (length, limits.max_append_size) {
        (Some(length), None) => overrun(state, upload, length).await,
        (_, Some(most)) => append_too_large(most),
        (None, None) => {
            let most = limits.max_size;
            Problem::new(Code::FileTooLarge, "more bytes have come than are taken")
                .measured(format!("{most} bytes"), format!("more than {most} bytes"))
        }
    }
}

/// More bytes than announced: nobody can tell what the file was meant to be, so the upload is over.
async fn overrun(state: &ApiState, upload: &Upload, length: u64) -> Problem {
    match abort::run(state, &upload.owner_id, upload.upload_id).await {
        Ok(()) => inconsistent(format!(
            "more than the {length} bytes have come that were announced; the upload is over"
        )),
        Err(problem) => problem,
    }
}

fn damaged(protocol: Protocol) -> Problem {
    let problem = Problem::new(
        Code::ChecksumMismatch,
        "none of these bytes was kept; send them again",
    );
    match protocol {
        // tus has a status of its own, `460 Checksum Mismatch`.
        Protocol::Tus => match StatusCode::from_u16(460) {
            Ok(status) => problem.with_status(status),
            Err(_) => problem,
        },
        Protocol::Draft(_) => problem,
    }
}
