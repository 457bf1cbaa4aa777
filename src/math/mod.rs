//! Numbers that owe nothing to a learning problem: special functions, quadrature, Gaussian averages, statistics.

pub(crate) mod elementary;
pub mod gaussian;
pub mod line;
pub mod marchenko_pastur;
pub mod special;
