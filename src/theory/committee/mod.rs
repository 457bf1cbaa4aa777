//! The law of two-layer teacher-student networks.

pub mod averages;
