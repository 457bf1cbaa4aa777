//! asymptotica tests the exact theory of high-dimensional learning against the learning itself.

pub mod compare;
pub mod linalg;
pub mod math;
pub mod ode;
pub mod problem;
pub mod report;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod simulate;
pub mod theory;
pub mod trajectory;
