//! Figures, data tables, records.

pub mod figure;
pub mod gallery;
pub mod render;
