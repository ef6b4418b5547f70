//! The queues of the route's steps. Each has slots of its own on a worker.

/// Steps that mostly wait for storage and database.
pub const LIGHT: &str = "light";
/// Steps that keep the virus scanner busy.
pub const SCAN: &str = "scan";
/// Steps that keep a processor busy.
pub const RENDER: &str = "render";
/// The same with LibreOffice, which takes much memory.
pub const OFFICE: &str = "office";
