//! Averages of an activation g over zero-mean Gaussian fields u with covariance C.
//!
//! | function | average | enters |
//! |---|---|---|
//! | `i2(c, a, b)` | <g(u_a) g(u_b)> | generalisation error, second layer |
//! | `i3(c, a, b, e)` | <g'(u_a) u_b g(u_e)> | linear terms of the first layer |
//! | `i4(c, a, b, e, f)` | <g'(u_a) g'(u_b) g(u_e) g(u_f)> | quadratic terms of the first layer |
//! | `j2(c, a, b)` | <g'(u_a) g'(u_b)> | label noise |
//!
//! Indices point into C and may coincide. One file per activation with closed forms: [`erf`], [`linear`],
//! [`quadratic`], [`relu`], [`sine`]; [`quadrature`] does all others. [`bivariate`]: quadrants of two fields with means.

pub mod bivariate;
pub mod erf;
pub mod linear;
pub(crate) mod orthant;
pub mod quadratic;
pub mod quadrature;
pub mod relu;
pub mod sine;

/// Why an average has no value of the promised accuracy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AverageError {
    /// The fields have no Gaussian law: a variance or a minor is negative beyond rounding, or not a number.
    #[error(
        "{average} of fields {fields:?}: the covariance has a principal minor of {minor:e} after scaling to unit variances, below rounding"
    )]
    NotACovariance { average: &'static str, fields: Vec<usize>, minor: f64 },
    /// The quadrature was still uncertain, or had not started (infinite `error`), where its lattice became too large.
    #[error(
        "{average} of fields {fields:?}: quadrature with {nodes} nodes per dimension is uncertain by {error:e} of its scale, {tolerance:e} is required"
    )]
    NotConverged { average: &'static str, fields: Vec<usize>, nodes: usize, error: f64, tolerance: f64 },
}
