//! Dead letters: list, sum up, show, re-drive, discard.

mod discard;
mod list;
mod redrive;
mod summary;

use sqlx::PgConnection;

use crate::define::ids::{LetterId, RunId};
use crate::{
    admin::{AdminError, Conflict, not_found},
    store::letters,
};

pub use crate::define::letter_filter::LetterFilter;
pub use discard::{Discarded, discard, discard_in, discard_many, discard_many_in};
pub use list::{DeadLetter, WholeLetter, list, show};
pub use redrive::{redrive, redrive_in};
pub use summary::{Kind, summary};

/// Finds a letter's run and step.
async fn place_of(
    tx: &mut PgConnection,
    letter_id: LetterId,
) -> Result<(RunId, String), AdminError> {
    let letter = letters::place_of(tx, letter_id)
        .await?
        .ok_or_else(|| not_found("dead letter", letter_id))?;
    Ok((letter.run_id, letter.step))
}

/// Makes sure that a letter waits for a decision. Call under its run's lock.
async fn open(tx: &mut PgConnection, letter_id: LetterId) -> Result<(), AdminError> {
    let open = letters::is_open(tx, letter_id).await?;
    if open == Some(true) {
        return Ok(());
    }
    Err(Conflict::LetterResolved.into())
}
