//! stub
pub mod model;
pub mod tally;
pub mod detect;
