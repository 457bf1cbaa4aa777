//! Figures, data tables, records.

pub mod atomic;
pub mod data;
pub mod figure;
pub mod gallery;
pub mod record;
pub mod render;
