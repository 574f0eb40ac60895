//! Events in, tallies out, and tallies merged into the ledger.

mod accumulate;
mod address;
mod clients;
mod hash;
mod interner;
mod ledger;
mod memo;
pub mod path;
mod routes;
mod shapes;
mod share;
mod size;
mod statuses;
mod store;
mod table;
mod text;

pub use accumulate::{Accumulator, BATCH_LEN, Row};
pub use routes::Routes;
pub use statuses::Statuses;
pub use store::{Budget, Store};

pub use ledger::{build, build_between, halve, share};
