//! Seed tree with named streams, and the fast Gaussian generator.
//!
//! ```text
//! root seed -> scenario -> series -> size -> replica
//!     -> {teacher, init, data, label-noise, batch, test-set, bootstrap}
//! ```
//!
//! Every node of the tree is a [`Stream`]; a leaf makes a generator, [`Stream::generator`] for uniform
//! integers or [`Stream::gaussians`] for normal numbers. All of it is pure integer and IEEE arithmetic: one
//! seed gives the same bits on every machine, for any number of threads.

mod gaussian;
mod simd;
mod stream;

pub use gaussian::{Gaussians, MAX_ABS};
pub use simd::Simd;
pub(crate) use simd::{Level, multiversion};
pub use stream::Stream;
