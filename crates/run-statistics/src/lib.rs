//! Pure functions of numbers: mergeable summaries of runs, with quantiles and their form in a database; forecasts of when a
//! run ends.

mod cells;
pub mod forecast;
mod sketch;
mod varint;

pub use cells::{Cell, EncodedCell, Malformed, Slot, decode, encode};
pub use sketch::Sketch;
