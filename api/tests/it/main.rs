//! The HTTP interface against a real database and a real object store, as a client sees it.

mod contract;
mod edge;
mod listing;
mod ownership;
mod problems;
mod service;
mod uploads;
