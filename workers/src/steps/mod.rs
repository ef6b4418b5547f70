//! A room for each step. `mod.rs` is its I/O in order; where there is something to decide, `decide.rs`
//! does it without I/O.

pub(crate) mod assemble;
pub(crate) mod discard;
pub(crate) mod probe;
pub(crate) mod promote;
pub(crate) mod publish;
pub(crate) mod render;
pub(crate) mod render_office;
pub(crate) mod replan;
pub(crate) mod scan;
pub(crate) mod upkeep;
