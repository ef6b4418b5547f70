//! What operators do, on runs of a tiny workflow and a real engine.

mod bulk;
mod keys;
mod letters;
mod runs;
mod scope;
mod world;
