//! Eigenvalues of the inputs and squares of the target along them.

use crate::problem::spec::{Settings, Violation};

/// Eigenvalues l_1, ..., l_d of the inputs' covariance.
#[derive(Clone, Debug, PartialEq)]
pub enum Spectrum {
    Isotropic {
        variance: f64,
    },
    /// l_i = i/d.
    Linear,
    /// l_i = i^-exponent.
    PowerLaw {
        exponent: f64,
    },
    /// Every value has the same share of the dimensions.
    List {
        values: Vec<f64>,
    },
}

/// Squares of w* along the eigenvectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    Isotropic {
        norm: f64,
    },
    /// Proportional to i^-exponent.
    PowerLaw {
        exponent: f64,
        norm: f64,
    },
}

/// Dimensions that share an eigenvalue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    pub eigenvalue: f64,
    /// Share of the dimensions.
    pub fraction: f64,
    /// Sum over them of the squares of w*.
    pub squares: f64,
}

/// Groups that stand for l uniform on (0, 1): the trapezoidal rule in u = ln(l/(1 - l)), weights l (1 - l) step.
///
/// On |Im u| < pi/2, l stays in the disc that has (0, 1) as its diameter, where exp(-l t) is at most 1: powers of l times
/// exp(-l t) keep a relative error of about e^(-pi^2/step) = 7e-18, times a power of 2 pi/step, at all times. What is left
/// out lies below l = 1e-26, as seen from t = 1e16 on.
fn uniform() -> impl Iterator<Item = (f64, f64)> {
    const STEP: f64 = 0.25;
    const FIRST: i32 = -240;
    const LAST: i32 = 160;
    (FIRST..=LAST).map(|k| {
        let e = libm::exp(STEP * f64::from(k));
        (e / (1.0 + e), STEP * e / ((1.0 + e) * (1.0 + e)))
    })
}

impl Spectrum {
    pub(super) fn from_settings(settings: &Settings, broken: &mut Vec<Violation>) -> Self {
        const DECLARED: &str = "every key is declared and checked";
        let (kind, keys) = settings.tagged("spectrum").expect(DECLARED);
        let number = |key| keys.number(key).expect(DECLARED);
        match kind {
            "isotropic" => Self::Isotropic { variance: number("variance") },
            "linear" => Self::Linear,
            "power-law" => Self::PowerLaw { exponent: number("exponent") },
            "file" => {
                let path = keys.text("path").expect(DECLARED);
                let values = read(path).unwrap_or_else(|rule| {
                    broken.push(Violation::new(
                        "spectrum.path",
                        rule,
                        "give a text file with one number a line",
                    ));
                    vec![1.0]
                });
                check("spectrum.path", &values, broken);
                Self::List { values }
            }
            _ => {
                let values = keys.vector("values", 1).expect(DECLARED);
                if values.is_empty() {
                    let remedy = "give at least one eigenvalue";
                    broken.push(Violation::new("spectrum.values", "is empty", remedy));
                    return Self::List { values: vec![1.0] };
                }
                check("spectrum.values", &values, broken);
                Self::List { values }
            }
        }
    }

    /// Eigenvalue of coordinate i (from 0) of d.
    pub fn eigenvalue(&self, i: usize, d: usize) -> f64 {
        match self {
            Self::Isotropic { variance } => *variance,
            Self::Linear => (i + 1) as f64 / d as f64,
            Self::PowerLaw { exponent } => libm::pow((i + 1) as f64, -exponent),
            Self::List { values } => values[i * values.len() / d],
        }
    }

    pub fn eigenvalues(&self, d: usize) -> Vec<f64> {
        (0..d).map(|i| self.eigenvalue(i, d)).collect()
    }

    /// Mean eigenvalue, tr H / d; `None` if infinite d has none to speak of.
    pub fn mean(&self) -> Option<f64> {
        match self {
            Self::Isotropic { variance } => Some(*variance),
            Self::Linear => Some(0.5),
            Self::PowerLaw { exponent } => (*exponent == 0.0).then_some(1.0),
            Self::List { values } => Some(values.iter().sum::<f64>() / values.len() as f64),
        }
    }
}

impl Target {
    pub(super) fn from_settings(settings: &Settings) -> Self {
        const DECLARED: &str = "every key is declared and checked";
        let (kind, keys) = settings.tagged("target").expect(DECLARED);
        let number = |key| keys.number(key).expect(DECLARED);
        match kind {
            "power-law" => Self::PowerLaw { exponent: number("exponent"), norm: number("norm") },
            _ => Self::Isotropic { norm: number("norm") },
        }
    }

    /// (w*_i)^2 for every coordinate.
    pub fn squares(&self, d: usize) -> Vec<f64> {
        match *self {
            Self::Isotropic { norm } => vec![norm * norm / d as f64; d],
            Self::PowerLaw { exponent, norm } => {
                let shares: Vec<f64> = (1..=d).map(|i| libm::pow(i as f64, -exponent)).collect();
                let sum: f64 = shares.iter().sum();
                shares.into_iter().map(|share| norm * norm * share / sum).collect()
            }
        }
    }
}

/// Groups of equal eigenvalues for dimension `d`, or for infinite dimension if `d` is 0 and both spectrum and target
/// have a limit.
pub(super) fn groups(spectrum: &Spectrum, target: &Target, d: usize) -> Option<Vec<Group>> {
    if d == 0 {
        let Target::Isotropic { norm } = *target else { return None };
        let equal = |values: &[f64]| {
            let fraction = 1.0 / values.len() as f64;
            values
                .iter()
                .map(|&eigenvalue| Group { eigenvalue, fraction, squares: norm * norm * fraction })
                .collect()
        };
        return match spectrum {
            Spectrum::Isotropic { variance } => Some(equal(&[*variance])),
            Spectrum::Linear => {
                let group =
                    |(eigenvalue, fraction)| Group { eigenvalue, fraction, squares: norm * norm * fraction };
                Some(uniform().map(group).collect())
            }
            Spectrum::List { values } => Some(equal(values)),
            Spectrum::PowerLaw { .. } => None,
        };
    }
    let squares = target.squares(d);
    let mut groups: Vec<Group> = Vec::new();
    for (i, square) in squares.into_iter().enumerate() {
        let eigenvalue = spectrum.eigenvalue(i, d);
        match groups.last_mut() {
            Some(group) if group.eigenvalue == eigenvalue => {
                group.fraction += 1.0 / d as f64;
                group.squares += square;
            }
            _ => groups.push(Group { eigenvalue, fraction: 1.0 / d as f64, squares: square }),
        }
    }
    Some(groups)
}

impl super::StreamingSgd {
    /// Groups of equal eigenvalues with their shares and squares of w*; `None` where infinite dimension (0) has no
    /// limit.
    pub fn groups(&self, d: usize) -> Option<Vec<Group>> {
        groups(&self.spectrum, &self.target, d)
    }
}

/// Eigenvalues may be 0, but not all of them.
fn check(key: &'static str, values: &[f64], broken: &mut Vec<Violation>) {
    if values.iter().all(|&l| l == 0.0) {
        broken.push(Violation::new(key, "is all zero", "give at least one eigenvalue above 0"));
    }
}

/// Numbers from 0 on of a text file, one a line; empty lines and lines that begin with # are skipped.
fn read(path: &str) -> Result<Vec<f64>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut values = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.parse::<f64>() {
            Ok(value) if value >= 0.0 && value.is_finite() => values.push(value),
            _ => return Err(format!("line {}: {line:?} is no number from 0 on", i + 1)),
        }
    }
    if values.is_empty() { Err("holds no number".into()) } else { Ok(values) }
}
