//! The only place that divides by the dimension, or by a width on account of an output scaling.
//!
//! Laws read rates on the macroscopic clock (time = updates / d); a simulation asks here for the step of one
//! update. A rate divided twice, or in both roads, would leave them in perfect agreement on another problem.

/// How network outputs are scaled with their widths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputScaling {
    /// sum_k v_k g: the soft committee machine of Saad & Solla and of Goldt et al.
    Committee,
    /// (1/K) sum_k v_k g for the student, (1/M) sum_m v*_m g for the teacher.
    Normalised,
    /// Outputs as `Normalised`, the student's learning rates multiplied by K.
    MeanField,
}

impl OutputScaling {
    pub const CHOICES: &'static [(&'static str, &'static str)] = &[
        ("committee", "output = sum_k v_k g(lambda_k)"),
        ("normalised", "outputs divided by the width, K for the student and M for the teacher"),
        ("mean-field", "outputs divided by the width, the student's learning rates multiplied by K"),
    ];

    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "committee" => Self::Committee,
            "normalised" => Self::Normalised,
            "mean-field" => Self::MeanField,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Committee => "committee",
            Self::Normalised => "normalised",
            Self::MeanField => "mean-field",
        }
    }

    /// Factor on the output of a network of this width.
    pub fn output(self, width: usize) -> f64 {
        match self {
            Self::Committee => 1.0,
            Self::Normalised | Self::MeanField => 1.0 / width as f64,
        }
    }

    /// Factor on the learning rates of a student of this width.
    pub fn rate(self, width: usize) -> f64 {
        match self {
            Self::Committee | Self::Normalised => 1.0,
            Self::MeanField => width as f64,
        }
    }
}

/// Per-update steps of one-pass SGD in dimension `d` for rates on the clock time = updates / d.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnePassStep {
    /// Fields are w.x / sqrt d: this is 1 / sqrt d.
    pub field: f64,
    /// A gradient step of a first-layer weight is eta / sqrt d times (coefficient x_i).
    pub weight: f64,
    /// A decay or a second-layer step of rate a moves by a / d in one update.
    pub slow: f64,
}

impl OnePassStep {
    pub fn new(d: usize) -> Self {
        let d = d as f64;
        Self { field: 1.0 / d.sqrt(), weight: 1.0 / d.sqrt(), slow: 1.0 / d }
    }
}

/// Length of a step of rate 1 along the unit sphere in dimension d, and the time that one update takes: d^-(1 + a).
pub fn spherical_step(d: usize, a: f64) -> f64 {
    (d as f64).powf(-1.0 - a)
}

/// Number of completed updates at `time` = updates / d, rounded to the nearest whole update.
pub fn updates_at(time: f64, d: usize) -> u64 {
    (time * d as f64).round() as u64
}

/// Time of a number of completed updates.
pub fn time_of(updates: u64, d: usize) -> f64 {
    updates as f64 / d as f64
}
