//! What a task is known by: the step of a version of a workflow, and a token that only grows.

mod queues;
mod strangers;
mod tokens;
