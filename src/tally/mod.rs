//! Events in, tallies out, and tallies merged into the ledger.

mod accumulate;
mod address;
mod interner;
mod ledger;
pub mod path;
mod routes;
mod statuses;

pub use accumulate::Accumulator;
pub use routes::Routes;
pub use statuses::Statuses;

pub use ledger::{build, build_between};
