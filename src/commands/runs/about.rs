//! Which run is meant, and why a file may have none.

use anyhow::{anyhow, bail};
use media::{FileId, UploadId, files, files::FileStatus, uploads};
use sqlx::PgPool;
use uuid::Uuid;
use workflows::admin::{
    AdminError,
    explain::{self, Explanation},
};

use crate::output::note;

/// Reads an id from the command line.
pub fn id(text: &str) -> Result<Uuid, String> {
    let read = text.trim().parse();
    read.map_err(|_: uuid::Error| {
        "the id of a run, a file or an upload is a UUID, such as 0193a000-0000-7000-8000-000000000000"
            .to_owned()
    })
}

/// The run with this id or about this file. Of a file that has none, the reason.
pub async fn explained(pool: &PgPool, id: Uuid) -> anyhow::Result<Explanation> {
    match explain::explain(pool, id).await {
        Err(AdminError::NotFound { .. }) => bail!(none(pool, id).await?),
        explained => {
            let explained = explained?;
            let mut connection = pool.acquire().await?;
            let file = files::load(&mut connection, FileId(explained.run.subject)).await?;
            if file.is_some_and(|file| file.deleted) {
                note!("the file of this run was deleted by its owner or an operator");
            }
            Ok(explained)
        }
    }
}

async fn none(pool: &PgPool, id: Uuid) -> anyhow::Result<anyhow::Error> {
    let mut connection = pool.acquire().await?;
    let mut file = files::load(&mut connection, FileId(id)).await?;
    if file.is_none() {
        let upload = uploads::load(&mut connection, UploadId(id)).await?;
        if let Some(upload) = upload {
            file = files::load(&mut connection, upload.file_id).await?;
        }
    }
    let Some(file) = file else {
        return Ok(anyhow!("there is no run, file or upload {id}"));
    };
    let file_id = file.file_id;
    Ok(match file.status {
        _ if file.deleted => anyhow!("file {file_id} was deleted, and has no run"),
        FileStatus::Pending => anyhow!(
            "file {file_id} has no run yet: its upload is not complete (upload {})",
            file.upload_id
        ),
        FileStatus::Rejected => match file.rejection {
            Some(refused) => anyhow!(
                "file {file_id} was refused before it had a run: {} ({})",
                refused.rejection.message,
                refused.rejection.code
            ),
            None => anyhow!("file {file_id} was refused before it had a run"),
        },
        _ => anyhow!("the run of file {file_id} ended so long ago that it was removed"),
    })
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn what_is_no_id_is_told_what_one_looks_like() {
        let told = id("film.mp4").unwrap_err();
        assert!(told.contains("such as 0193a000-"), "{told}");
        assert!(id(" 0193a000-0000-7000-8000-000000000000 ").is_ok());
    }
}
