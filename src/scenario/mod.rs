//! Scenario files: from the text as written to a [`Scenario`] in which every value was checked.

mod resolved;

pub use resolved::*;
