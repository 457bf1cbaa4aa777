//! Asymptotic formulas.
use crate::problem::committee::{Committee, KIND};
use crate::theory::LawError;

pub fn overlay(_problem: &Committee, name: &str) -> Result<f64, LawError> {
    let known: Vec<&str> = KIND.overlays.iter().map(|(name, _)| *name).collect();
    Err(LawError::UnknownOverlay { name: name.into(), known: known.join(", ") })
}
