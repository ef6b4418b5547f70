//! The apalis backend of one queue: a channel that the dispatcher fills.
//!
//! Everything that could starve behind a busy worker (claims, heartbeats, acknowledgements) lives
//! in tasks of its own, so polling here can do nothing but take the next claim.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::{Task, builder::TaskBuilder, task_id::TaskId},
    worker::context::WorkerContext,
};
use tokio::sync::mpsc;

use crate::worker::{complete::CompleteLayer, in_flight::Held};

pub(crate) struct QueueBackend {
    claims: mpsc::UnboundedReceiver<Held>,
    complete: CompleteLayer,
}

impl QueueBackend {
    pub fn new(claims: mpsc::UnboundedReceiver<Held>, complete: CompleteLayer) -> Self {
        Self { claims, complete }
    }
}

impl Backend for QueueBackend {
    type Task = Task<Held>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.claims.poll_recv(cx).map(|held| {
            held.map(|held| {
                let id = TaskId::from_string(held.claim.task_id.to_string());
                Ok(TaskBuilder::new(held).task_id(id).build())
            })
        })
    }

    /// What was claimed and never begun is given back by the engine, which does not wait for the
    /// attempts under way.
    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        self.claims.close();
        while self.claims.try_recv().is_ok() {}
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = Held;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = CompleteLayer;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        self.complete.clone()
    }
}
