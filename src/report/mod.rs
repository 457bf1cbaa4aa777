//! Figures, data tables, records.

pub mod atomic;
pub mod data;
pub mod record;
