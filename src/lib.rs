//! stub
pub mod cli;
pub mod detect;
pub mod error;
pub mod input;
pub mod model;
pub mod parse;
pub mod pipeline;
pub mod progress;
pub mod report;
pub mod tally;
