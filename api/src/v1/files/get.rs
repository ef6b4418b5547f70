//! `GET /v1/files/{file_id}`: everything its owner may know about a file.

use media::files::{self, File, Outcome};
use media::pool::Borrowed;
use media::{FileId, OwnerId, audio, document, variants};
use poem_openapi::Object;
use sqlx::PgPool;
use workflows::StoreError;

use super::audio::AudioView;
use super::document::DocumentView;
use super::progress::percent;
use super::variant::VariantView;
use super::view::{FileView, RunView};
use crate::ApiState;
use crate::http::problem::Problem;

/// A file with its variants and how its processing stands.
#[derive(Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct FileDetail {
    /// The file.
    #[oai(flatten)]
    pub file: FileView,
    /// Its variants, the full one first, pages in their order, then wide before narrow. Empty until the file is ready.
    pub variants: Vec<VariantView>,
    /// How much of its processing is done, in percent. Once the upload is complete, until the file has ended; of a file
    /// that is ready it is 100.
    #[oai(validator(minimum(value = "0"), maximum(value = "100")))]
    pub progress: Option<i32>,
    /// What its sound is, of a file that is a sound alone. Known once ready.
    pub audio: Option<AudioView>,
    /// What it is, of a file that is a document. Known once ready.
    pub document: Option<DocumentView>,
    /// How its processing stands, once the upload is complete.
    pub run: Option<RunView>,
}

/// Reads a file of the owner.
pub async fn run(
    state: &ApiState,
    owner_id: &OwnerId,
    file_id: FileId,
    with_errors: bool,
) -> Result<FileDetail, Problem> {
    let mut connection = media::pool::borrow(&state.pool).await?;
    let file = files::get(&mut connection, owner_id, file_id).await?;
    let file = file.ok_or_else(|| Problem::not_found("file"))?;
    let base = &state.config.cdn_base_url;
    detail(&state.pool, connection, file, base, with_errors).await
}

/// Reads what there is to be known of a file beside itself. Addresses begin with `base`; what went wrong inside is for
/// operators.
pub async fn detail<E: From<sqlx::Error> + From<StoreError>>(
    pool: &PgPool,
    mut connection: Borrowed,
    file: File,
    base: &str,
    with_errors: bool,
) -> Result<FileDetail, E> {
    let file_id = file.file_id;
    let variants = variants::list(&mut connection, file_id).await?;
    let (mut audio, mut document) = (None, None);
    if file.published.is_some() {
        audio = audio::load(&mut connection, file_id).await?;
        document = document::load(&mut connection, file_id).await?;
    }
    drop(connection);
    let run = workflows::inspect::latest_run(pool, file_id.0).await?;
    let ready = file.outcome == Outcome::Ready;
    let shown = ready || file.outcome == Outcome::None;
    let progress = run.as_ref().filter(|_| shown);
    Ok(FileDetail {
        progress: progress.map(|run| percent(run, ready)),
        file: FileView::new(file, base),
        variants: variants
            .into_iter()
            .map(|variant| VariantView::new(variant, base))
            .collect(),
        audio: audio.map(Into::into),
        document: document.map(Into::into),
        run: run.map(|run| RunView::new(run, with_errors)),
    })
}
