//! The numbers of the lanes in which tasks wait: one for each step of each version of a workflow.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::PgConnection;

use crate::define::ids::LaneId;
use crate::define::{detail::Detail, lane::Lane};
use crate::store::error::StoreError;

/// Lanes of the workflows that this build knows.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    numbers: HashMap<Lane, LaneId>,
    by_number: HashMap<LaneId, Lane>,
    /// What is told of the runs of those of which something is told.
    events: HashMap<Lane, Detail>,
}

impl Lanes {
    /// Enters those that are new and learns the numbers of all. `shapes` and `events` are theirs,
    /// in order.
    pub async fn enter(
        connection: &mut PgConnection,
        lanes: &[Lane],
        shapes: &[Value],
        events: &[Detail],
    ) -> Result<Self, StoreError> {
        let mut known = Self::default();
        for ((lane, shape), events) in lanes.iter().zip(shapes).zip(events) {
            let number = number(
                connection,
                lane.workflow,
                lane.version,
                lane.step,
                lane.queue,
            );
            let number = number.await?;
            sqlx::query!(
                "UPDATE workflows.lanes SET queue = $2, shape = $3, events = $4
                 WHERE lane = $1 AND (queue, shape, events) IS DISTINCT FROM ($2, $3, $4)",
                number.0,
                lane.queue,
                shape,
                events.as_str(),
            )
            .execute(&mut *connection)
            .await?;
            known.numbers.insert(lane.clone(), number);
            known.by_number.insert(number, lane.clone());
            if *events > Detail::None {
                known.events.insert(lane.clone(), *events);
            }
        }
        Ok(known)
    }

    pub fn number_of(&self, lane: &Lane) -> Option<LaneId> {
        self.numbers.get(lane).copied()
    }

    pub fn events(&self, lane: &Lane) -> Detail {
        if self.events.is_empty() {
            return Detail::None;
        }
        self.events.get(lane).copied().unwrap_or_default()
    }

    pub fn get(&self, number: LaneId) -> Option<&Lane> {
        self.by_number.get(&number)
    }

    pub fn iter(&self) -> impl Iterator<Item = (LaneId, &Lane)> {
        self.by_number.iter().map(|(number, lane)| (*number, lane))
    }
}

/// The lane's number, given out now if it has none.
pub(super) async fn number(
    connection: &mut PgConnection,
    workflow: &str,
    version: i32,
    step: &str,
    queue: &str,
) -> Result<LaneId, StoreError> {
    loop {
        // Reading first: an insert that meets its conflict would still use up a number.
        let found = sqlx::query_scalar!(
            "SELECT lane FROM workflows.lanes WHERE (workflow, version, step) = ($1, $2, $3)",
            workflow,
            version,
            step,
        );
        if let Some(lane) = found.fetch_optional(&mut *connection).await? {
            return Ok(LaneId(lane));
        }
        sqlx::query!(
            "INSERT INTO workflows.lanes (workflow, version, step, queue) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            workflow,
            version,
            step,
            queue,
        )
        .execute(&mut *connection)
        .await?;
    }
}
