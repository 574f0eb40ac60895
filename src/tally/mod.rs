//! Events in, tallies out, and tallies merged into the ledger.

mod accumulate;
mod address;
mod clients;
mod interner;
mod ledger;
mod memo;
pub mod path;
mod routes;
mod shapes;
mod statuses;
mod table;

pub use accumulate::{Accumulator, BATCH_LEN, Row};
pub use routes::Routes;
pub use statuses::Statuses;

pub use ledger::{build, build_between};
