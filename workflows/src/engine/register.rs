//! What a worker process proves and enters into the database before anything of it runs.

use std::sync::Arc;

use serde_json::Value;
use sqlx::Connection;

use crate::define::ids::WorkerId;
use crate::store::error::{StoreError, in_chain};
use crate::{
    define::{detail::Detail, lane::Lane},
    engine::error::EngineError,
    maintenance::scheduler::Schedule,
    store::{
        self,
        lanes::Lanes,
        presence::Who,
        schema::{SchemaError, check_schema},
        session::{ANSWER, Session, answered, prove, within},
    },
};

/// Whether a connection that was there was lost, or the server could not take it just now.
pub(crate) fn breaks_off(error: &StoreError) -> bool {
    let refused = matches!(error, StoreError::Sql(sqlx::Error::Io(io))
        if io.kind() == std::io::ErrorKind::ConnectionRefused);
    !refused && in_chain(error).is_some()
}

/// Proves that the connection is good for what the engine does, and enters what this worker has.
pub(crate) async fn enter(
    session: &Session,
    (used, shapes, events): (&[Lane], &[Value], &[Detail]),
    who: &Who,
    schedules: &[Schedule],
) -> Result<(Arc<Lanes>, WorkerId), EngineError> {
    prove(session)
        .await?
        .map_err(|no_sessions| EngineError::Misconfigured(vec![no_sessions.to_string()]))?;
    let mut connection = session.open().await?;
    match check_schema(&mut connection).await {
        Err(SchemaError::Database(error)) => return Err(error.into()),
        checked => checked.map_err(|error| EngineError::Misconfigured(vec![error.to_string()]))?,
    }
    let lanes = Lanes::enter(&mut connection, used, shapes, events);
    let lanes = within(ANSWER * 4, lanes).await?;
    let registering = store::presence::register(&mut connection, who);
    let worker_id = within(ANSWER, registering).await?;
    for schedule in schedules {
        let entering = store::schedules::enter(&mut connection, &schedule.name, schedule.every);
        within(ANSWER, entering).await?;
    }
    let _ = answered(ANSWER, connection.close()).await;
    Ok((Arc::new(lanes), worker_id))
}
