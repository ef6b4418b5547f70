//! Telling workers of what a transaction started, when it has ended.

use sqlx::PgConnection;

use crate::define::ids::LaneId;
use crate::store::CHANNEL;
use crate::store::error::StoreError;

/// Asks after transactions and tells workers of the lanes of those that are committed. Returns the
/// transactions that have ended.
pub(crate) async fn pass_on(
    connection: &mut PgConnection,
    transactions: &[i64],
    lanes: &[LaneId],
) -> Result<Vec<i64>, StoreError> {
    let ended = sqlx::query_scalar!(
        r#"WITH hint AS MATERIALIZED (
            SELECT h.id, h.lane, pg_xact_status(h.id::text::xid8) AS status
            FROM unnest($1::bigint[], $2::int[]) AS h (id, lane)),
         told AS MATERIALIZED (
            SELECT pg_notify($3, lane::text)
            FROM (SELECT DISTINCT lane FROM hint WHERE status = 'committed') lanes)
         SELECT id AS "id!" FROM hint
         WHERE status IS DISTINCT FROM 'in progress' AND (SELECT count(*) FROM told) >= 0"#,
        transactions,
        lanes as &[LaneId],
        CHANNEL,
    );
    Ok(ended.fetch_all(connection).await?)
}
