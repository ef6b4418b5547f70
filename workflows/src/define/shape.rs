//! The shape of what a step is given: which names and kinds of values its type reads from JSON.
//!
//! Two builds whose shapes of a step differ may not be able to read each other's tasks. The shape is
//! found by letting serde read the type again and again from nothing (`answers`), which shows its
//! fields and variants; whether a field may be left out cannot be seen this way.

mod access;
mod answers;
mod pass;
mod recorder;
mod route;
mod samples;
#[cfg(test)]
mod tests;
mod text;
mod tree;

use std::{
    any::type_name,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::de::DeserializeOwned;

use pass::{Error, Pass};
use recorder::Recorder;
pub(crate) use route::{Follows, RouteStep, StepShape, route};
use text::For;
use tree::{Blame, Slot};

/// Raised when shapes are found or written differently, so that those of before are not compared.
const SCHEME: u32 = 1;
/// So often a type is read at most.
const PASSES: usize = 2_000;
/// So often without learning anything before it is taken for known: variants are shown in turn.
const IDLE_PASSES: usize = 8;

/// What a type looks like in JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    /// For people: `Order{id:string(uuid),lines:[Line{sku:string,count:u32}],note:?string}`.
    pub text: String,
    fingerprint: String,
}

impl Shape {
    /// Short, and the same for all builds in which the type is read from the same JSON. What types
    /// are called and the order of their fields make no difference.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

/// Finds the shape of a type. Total: what cannot be seen into is `opaque`.
pub(crate) fn of<T: DeserializeOwned>() -> Shape {
    // The type's own code may panic on values that nobody ever wrote.
    let seen = catch_unwind(AssertUnwindSafe(|| {
        let slot = explore::<T>();
        let write = |reader| text::write(&slot, reader);
        (write(For::People), write(For::Comparison))
    }));
    let unknown = |_| (format!("opaque({})", type_name::<T>()), "opaque".to_owned());
    let (text, compared) = seen.unwrap_or_else(unknown);
    let fingerprint = format!("{SCHEME}-{:016x}", fnv1a(&compared));
    Shape { text, fingerprint }
}

fn explore<T: DeserializeOwned>() -> Slot {
    let mut slot = Slot::default();
    let (mut asked, mut nodes, mut idle, mut again) = (0, 0, 0, false);
    for _ in 0..PASSES {
        let pass = Pass {
            again,
            asked: Cell::new(asked),
            nodes: Cell::new(nodes),
            ..Pass::default()
        };
        let recorder = Recorder {
            slot: &mut slot,
            pass: &pass,
        };
        let result = T::deserialize(recorder);
        (asked, nodes) = (pass.asked.get(), pass.nodes.get());
        let blame = match result {
            Ok(_) => Blame::Nothing,
            Err(Error::Again) => Blame::MovedOn,
            Err(_) => slot.blame(asked),
        };
        again = blame == Blame::MovedOn;
        let learnt = pass.progress.get() || blame != Blame::Nothing;
        idle = if learnt { 0 } else { idle + 1 };
        if idle > IDLE_PASSES {
            break;
        }
    }
    slot
}

/// FNV-1a: known, short, and the same for ever.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
