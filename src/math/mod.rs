//! Numbers that owe nothing to a learning problem: special functions, quadrature, Gaussian averages, statistics.

pub mod gaussian;
pub mod special;
