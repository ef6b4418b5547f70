//! What owners asked of all API processes together, as the time at which they may ask with a whole burst again.

use std::time::Duration;

use sqlx::PgConnection;

use crate::OwnerId;

/// Adds what each owner took, as the time in which that much comes back. Returns how long it is until all that was taken
/// has come back.
#[tracing::instrument(name = "db.request_rates.take", skip_all)]
pub async fn take(
    conn: &mut PgConnection,
    taken: &[(OwnerId, Duration)],
) -> Result<Vec<(OwnerId, Duration)>, sqlx::Error> {
    let owners: Vec<_> = taken.iter().map(|(owner, _)| owner.to_string()).collect();
    let seconds: Vec<_> = taken.iter().map(|(_, time)| time.as_secs_f64()).collect();
    // In one order, so that processes never wait for each other in a circle.
    let rows = sqlx::query!(
        r#"INSERT INTO request_rates AS rate (owner_id, full_at)
           SELECT owner_id, now() + make_interval(secs => seconds)
           FROM unnest($1::text[], $2::float8[]) AS taken (owner_id, seconds) ORDER BY owner_id
           ON CONFLICT (owner_id) DO UPDATE
               SET full_at = greatest(rate.full_at, now()) + (excluded.full_at - now())
           RETURNING owner_id, extract(epoch FROM full_at - now())::float8 AS "seconds!""#,
        &owners,
        &seconds,
    )
    .fetch_all(conn)
    .await?;
    let wait = |owner_id: String, seconds| {
        let owner_id = OwnerId::new(owner_id).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Ok((owner_id, wait))
    };
    let rows = rows.into_iter();
    rows.map(|row| wait(row.owner_id, row.seconds)).collect()
}

/// Forgets who has not asked for an hour. Nobody waits for those rows, and the table is of those who ask much.
#[tracing::instrument(name = "db.request_rates.forget", skip_all)]
pub async fn forget(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM request_rates WHERE full_at < now() - interval '1 hour'")
        .execute(conn)
        .await
        .map(drop)
}
