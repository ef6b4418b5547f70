//! The numbers of the lanes in which tasks wait.

use std::collections::HashMap;

use sqlx::PgConnection;

/// One queue's share of one version of one workflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lane {
    pub queue: &'static str,
    pub workflow: &'static str,
    pub version: i32,
}

/// Lanes of the workflows that this build knows.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    numbers: HashMap<Lane, i32>,
    by_number: HashMap<i32, Lane>,
}

impl Lanes {
    /// Enters those that are new and learns the numbers of all.
    pub async fn enter(connection: &mut PgConnection, lanes: &[Lane]) -> Result<Self, sqlx::Error> {
        let mut known = Self::default();
        for lane in lanes {
            let number = number(connection, lane.queue, lane.workflow, lane.version).await?;
            known.numbers.insert(lane.clone(), number);
            known.by_number.insert(number, lane.clone());
        }
        Ok(known)
    }

    pub fn number(&self, queue: &'static str, workflow: &'static str, version: i32) -> Option<i32> {
        self.number_of(&Lane {
            queue,
            workflow,
            version,
        })
    }

    pub fn number_of(&self, lane: &Lane) -> Option<i32> {
        self.numbers.get(lane).copied()
    }

    pub fn get(&self, number: i32) -> Option<&Lane> {
        self.by_number.get(&number)
    }

    pub fn iter(&self) -> impl Iterator<Item = (i32, &Lane)> {
        self.by_number.iter().map(|(number, lane)| (*number, lane))
    }
}

/// The lane's number, given out now if it has none.
pub(super) async fn number(
    connection: &mut PgConnection,
    queue: &str,
    workflow: &str,
    version: i32,
) -> Result<i32, sqlx::Error> {
    loop {
        // Reading first: an insert that meets its conflict would still use up a number.
        let found = sqlx::query_scalar!(
            "SELECT lane FROM workflows.lanes WHERE (queue, workflow, version) = ($1, $2, $3)",
            queue,
            workflow,
            version,
        );
        if let Some(lane) = found.fetch_optional(&mut *connection).await? {
            return Ok(lane);
        }
        sqlx::query!(
            "INSERT INTO workflows.lanes (queue, workflow, version) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            queue,
            workflow,
            version,
        )
        .execute(&mut *connection)
        .await?;
    }
}
