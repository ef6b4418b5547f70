//! Owns every task of a running engine. One that ends before it was asked to takes the engine down
//! with it: what is left would claim tasks and lose them.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tokio::task::JoinSet;

use crate::define::panics;

/// A part of the engine ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub part: String,
    pub why: String,
}

#[derive(Default)]
pub(crate) struct Supervisor {
    tasks: JoinSet<Ended>,
}

impl Supervisor {
    /// Runs a part. It is expected to end only when it is asked to.
    pub fn spawn(&mut self, part: &str, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_fallible(part, async {
            task.await;
            Ok::<_, String>(())
        });
    }

    /// The same for one that knows why it ends.
    pub fn spawn_fallible<E: ToString>(
        &mut self,
        part: &str,
        task: impl Future<Output = Result<(), E>> + Send + 'static,
    ) {
        let part = part.to_owned();
        self.tasks.spawn(async move {
            let why = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) => "it ended".to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(panic) => format!("it panicked: {}", panics::message(&*panic)),
            };
            Ended { part, why }
        });
    }

    /// Waits for the first part to end. Never, if there is none.
    pub async fn first(&mut self) -> Ended {
        match self.tasks.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Ended {
                part: "a part".to_owned(),
                why: error.to_string(),
            },
            None => std::future::pending().await,
        }
    }

    /// Waits until all have ended. Those that have not when this is dropped are dropped too.
    pub async fn all_ended(mut self) {
        while let Some(ended) = self.tasks.join_next().await {
            if let Ok(Ended { part, why }) = ended {
                tracing::debug!(part, why, "a part of the engine has ended");
            }
        }
    }
}
