//! Scenario files: from the text as written to a [`Scenario`] in which every value was checked.
//!
//! [`Source`] is a file as written, [`resolve`] puts preset, `--set` and `--sweep` on top of it, checks every
//! key against the declared parameters of [`sections`], and makes one [`Case`] for each curve or point.
//!
//! ```
//! use asymptotica::scenario::{Overrides, Source, resolve};
//!
//! let text = "[problem]\nkind = \"comittee\"\n";
//! let source = Source::from_text("x", "x.toml", text).unwrap();
//! let report = resolve(&source, &Overrides::default()).unwrap_err();
//! assert!(report.to_string().contains("x.toml:2: problem.kind = \"comittee\""));
//! assert!(report.to_string().contains("did you mean committee?"));
//! ```

mod case;
mod check;
mod claims;
mod crossings;
pub mod describe;
mod edit;
mod expression;
mod faults;
mod limits;
mod message;
mod panel_keys;
mod panels;
mod raw;
mod resolve;
mod resolved;
pub mod schema;
mod scope;
mod sections;
mod series;
pub mod template;
mod write;

pub use expression::{Expression, ExpressionError};
pub use limits::Verify;
pub use message::{Issue, Report};
pub use raw::Source;
pub use resolve::{Overrides, resolve};
pub use resolved::*;
pub use sections::{Section, numeric_keys, problem_kind, sections};
