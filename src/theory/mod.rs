//! The laws: one file or folder per problem. Never sees the simulations.

pub mod committee;
