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
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::{attempts::Held, settle::SettleLayer};

pub(crate) struct QueueBackend {
    claims: mpsc::UnboundedReceiver<Held>,
    settle: SettleLayer,
    returning: Option<BoxFuture<'static, ()>>,
}

impl QueueBackend {
    pub fn new(claims: mpsc::UnboundedReceiver<Held>, settle: SettleLayer) -> Self {
        Self {
            claims,
            settle,
            returning: None,
        }
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

    /// Gives back what was claimed and never begun.
    fn poll_close(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Self::Error>> {
        loop {
            if let Some(returning) = &mut self.returning {
                match returning.as_mut().poll(cx) {
                    Poll::Ready(()) => self.returning = None,
                    Poll::Pending => return Poll::Pending,
                }
            }
            match self.claims.poll_recv(cx) {
                Poll::Ready(Some(held)) => {
                    self.returning = Some(Box::pin(self.settle.clone().hand_back(held)));
                }
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl BackendConfig for QueueBackend {
    type Args = Held;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = SettleLayer;

    fn config(&self) -> &Self::Config {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        self.settle.clone()
    }
}
