//! The nouns. Owns every type that passes from one stage to the next; does no work and knows no stage.
//!
//! Only `std`, and serde's derives on what a report is made of.

pub mod blindness;
pub mod case;
pub mod coverage;
pub mod cursor;
pub mod diagnosis;
pub mod event;
pub mod incident;
pub mod logged;
pub mod note;
pub mod report;
pub mod story;
pub mod tally;
pub mod time;
pub mod usual;
pub mod zone;
