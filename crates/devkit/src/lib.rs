//! The services that mediamill needs, run privately as child processes: Postgres and `ClamAV`.
//!
//! `mediamill dev` and the tests use the same code, so what a developer runs is what is tested.
//! Each service keeps its data in one folder, listens on a unix socket only, runs as an unprivileged
//! user when we are root, and dies with this process, however this process dies.
//!
//! [`proxy`] is for tests alone: what stands between a service and whoever uses it.
//!
//! This is not for production, where Postgres and clamd are somebody's care, and it is Linux only:
//! the children are tied to us by `PR_SET_PDEATHSIG`.

#![expect(
    clippy::disallowed_methods,
    reason = "starts Postgres and clamd, with passwords and file names of its own"
)]

mod children;
pub mod clamd;
mod error;
mod folder;
mod identity;
pub mod postgres;
pub mod proxy;
pub mod s3;
pub mod test_cluster;

pub use clamd::{Clamd, ClamdOptions};
pub use error::Error;
pub use folder::close_data_folder;
pub use postgres::{Postgres, PostgresOptions};
pub use proxy::TcpProxy;
pub use test_cluster::{TestCluster, TestDatabase};
