//! What the laws report of a network: from mode strengths where the modes are decoupled, otherwise from its map
//! and the second moments of the layers below and above each weight matrix.

use super::basis::Frame;
use crate::linalg::{LinalgError, product, product_transpose, svd, transpose_product};
use nalgebra::DMatrix;

/// One decoupled mode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModeState {
    pub u: f64,
    /// s - u.
    pub gap: f64,
    /// Factors a and b of two layers; those of other depths are equal and follow from u.
    pub sides: Option<(f64, f64)>,
}

impl ModeState {
    fn entries(&self) -> [f64; 4] {
        let (a, b) = self.sides.unwrap_or_default();
        [self.u, self.gap, a, b]
    }

    /// Factors of the first and of all other layers.
    fn factors(&self, layers: usize) -> (f64, f64) {
        self.sides.unwrap_or_else(|| {
            let factor = self.u.powf(1.0 / layers as f64);
            (factor, factor)
        })
    }
}

/// A network up to rotations of its hidden layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocks {
    /// W_L ... W_1.
    pub product: DMatrix<f64>,
    /// B_l^T B_l with B_l = W_(l-1) ... W_1, for l = 1, ..., L.
    pub below: Vec<DMatrix<f64>>,
    /// A_l A_l^T with A_l = W_L ... W_(l+1).
    pub above: Vec<DMatrix<f64>>,
}

impl Blocks {
    pub fn of_weights(weights: &[DMatrix<f64>]) -> Self {
        let layers = weights.len();
        let (inputs, outputs) = (weights[0].ncols(), weights[layers - 1].nrows());
        let mut below = vec![DMatrix::identity(inputs, inputs)];
        let mut map = weights[0].clone();
        for w in &weights[1..] {
            below.push(transpose_product(&map, &map));
            map = product(w, &map);
        }
        let mut above = vec![DMatrix::identity(outputs, outputs)];
        let mut rest = weights[layers - 1].clone();
        for w in weights[..layers - 1].iter().rev() {
            above.push(product_transpose(&rest, &rest));
            rest = product(&rest, w);
        }
        above.reverse();
        Self { product: map, below, above }
    }

    /// Diagonal blocks on the axes for decoupled modes.
    fn of_modes(modes: &[ModeState], layers: usize, inputs: usize, outputs: usize) -> Self {
        let factors: Vec<(f64, f64)> = modes.iter().map(|mode| mode.factors(layers)).collect();
        let diagonal = |n: usize, power: &dyn Fn(&(f64, f64)) -> f64| {
            DMatrix::from_fn(n, n, |i, j| if i == j { factors.get(i).map_or(0.0, power) } else { 0.0 })
        };
        let below = (0..layers).map(|l| match l {
            0 => DMatrix::identity(inputs, inputs),
            l => diagonal(inputs, &|(a, b)| (a * b.powi(l as i32 - 1)).powi(2)),
        });
        let above = (0..layers).map(|l| match layers - 1 - l {
            0 => DMatrix::identity(outputs, outputs),
            rest => diagonal(outputs, &|(_, b)| b.powi(rest as i32).powi(2)),
        });
        let product =
            DMatrix::from_fn(
                outputs,
                inputs,
                |i, j| {
                    if i == j { modes.get(i).map_or(0.0, |m| m.u) } else { 0.0 }
                },
            );
        Self { product, below: below.collect(), above: above.collect() }
    }

    /// |K|^2 of the tangent kernel K = sum_l above_l x below_l, from traces of products.
    fn kernel_norm_squared(terms: &[(&DMatrix<f64>, &DMatrix<f64>)]) -> f64 {
        let mut sum = 0.0;
        for (above, below) in terms {
            for (other_above, other_below) in terms {
                sum += above.dot(other_above) * below.dot(other_below);
            }
        }
        sum
    }

    /// |K - K(0)| / |K(0)|. The difference is built from differences of the blocks, so that a small drift keeps
    /// its digits.
    fn kernel_drift(&self, start: &Self) -> f64 {
        let differences: Vec<(DMatrix<f64>, DMatrix<f64>)> = (0..self.below.len())
            .map(|l| (&self.above[l] - &start.above[l], &self.below[l] - &start.below[l]))
            .collect();
        let mut change = Vec::new();
        for (l, (above, below)) in differences.iter().enumerate() {
            change.push((above, &self.below[l]));
            change.push((&start.above[l], below));
        }
        let first: Vec<_> = start.above.iter().zip(&start.below).collect();
        (Self::kernel_norm_squared(&change).max(0.0) / Self::kernel_norm_squared(&first)).sqrt()
    }
}

/// The state of a law at one time.
#[derive(Clone, Debug)]
pub enum State {
    Modes(Vec<ModeState>),
    Blocks(Blocks),
}

impl State {
    /// Whether no entry differs by more than the rounding of the largest.
    pub fn is_near(&self, other: &Self) -> bool {
        let (here, there) = (self.entries(), other.entries());
        let size = here.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
        here.iter().zip(&there).all(|(x, y)| (x - y).abs() <= 64.0 * f64::EPSILON * size)
    }

    fn entries(&self) -> Vec<f64> {
        match self {
            Self::Modes(modes) => modes.iter().flat_map(|mode| mode.entries()).collect(),
            Self::Blocks(blocks) => {
                let all = std::iter::once(&blocks.product).chain(&blocks.below).chain(&blocks.above);
                all.flat_map(|matrix| matrix.iter().copied()).collect()
            }
        }
    }
}

/// One observable; indices from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observable {
    Loss,
    TrainingLoss,
    LossTime,
    U(usize),
    LearningTime(usize),
    SingularValue(usize),
    KernelDrift,
    A(usize),
    B(usize),
    Conserved(usize),
}

impl Observable {
    pub fn parse(name: &str, frame: &Frame, layers: usize, smallest: usize) -> Option<Self> {
        match name {
            "loss" => return Some(Self::Loss),
            "training_loss" => return frame.sample.as_ref().map(|_| Self::TrainingLoss),
            "loss_time" => return Some(Self::LossTime),
            "kernel_drift" => return Some(Self::KernelDrift),
            _ => {}
        }
        let (family, rest) = name.split_once('[')?;
        let i = rest.strip_suffix(']')?.parse::<usize>().ok()?.checked_sub(1)?;
        let mode = i < frame.strengths.len();
        match family {
            "u" if mode => Some(Self::U(i)),
            "learning_time" if mode => Some(Self::LearningTime(i)),
            "singular_values" if i < smallest => Some(Self::SingularValue(i)),
            "a" if mode && layers == 2 => Some(Self::A(i)),
            "b" if mode && layers == 2 => Some(Self::B(i)),
            "conserved" if mode && layers == 2 => Some(Self::Conserved(i)),
            _ => None,
        }
    }
}

/// Reads observables off states.
#[derive(Clone, Debug)]
pub struct Reader {
    pub frame: Frame,
    pub layers: usize,
    /// Blocks at time 0, if the kernel's drift is asked for.
    pub start: Option<Blocks>,
}

impl Reader {
    pub fn blocks(&self, state: &State) -> Blocks {
        match state {
            State::Blocks(blocks) => blocks.clone(),
            State::Modes(modes) => {
                let (outputs, inputs) = (self.frame.left.nrows(), self.frame.right.nrows());
                Blocks::of_modes(modes, self.layers, inputs, outputs)
            }
        }
    }

    pub fn u(&self, state: &State, mode: usize) -> f64 {
        match state {
            State::Modes(modes) => modes[mode].u,
            State::Blocks(blocks) => {
                let right = self.frame.right.column(mode);
                self.frame.left.column(mode).dot(&(&blocks.product * right))
            }
        }
    }

    /// 1/2 tr (A - W) Sigma (A - W)^T.
    pub fn loss(&self, state: &State) -> f64 {
        match state {
            State::Modes(modes) => {
                let terms = modes.iter().zip(&self.frame.variances);
                0.5 * terms.map(|(mode, variance)| variance * mode.gap * mode.gap).sum::<f64>()
            }
            State::Blocks(blocks) => {
                let error = &self.frame.target - &blocks.product;
                match &self.frame.input {
                    None => 0.5 * error.norm_squared(),
                    Some(sigma) => 0.5 * product(&error, sigma).dot(&error),
                }
            }
        }
    }

    /// 1/2 (<|y|^2> - 2 tr W C^T + tr W Sigma W^T) on the training set; the loss itself without one.
    pub fn training_loss(&self, state: &State) -> f64 {
        match (&self.frame.sample, state) {
            (Some(sample), State::Blocks(blocks)) => {
                let w = &blocks.product;
                0.5 * (sample.label_power - 2.0 * w.dot(&sample.cross) + product(w, &sample.input).dot(w))
            }
            _ => self.loss(state),
        }
    }

    /// Observables that need no memory; the two times are kept by the tracker.
    ///
    /// # Errors
    /// A decomposition without result.
    pub fn read(&self, state: &State, observable: Observable) -> Result<f64, LinalgError> {
        Ok(match observable {
            Observable::Loss => self.loss(state),
            Observable::TrainingLoss => self.training_loss(state),
            Observable::U(mode) => self.u(state, mode),
            Observable::SingularValue(i) => match state {
                State::Modes(modes) => {
                    let mut values: Vec<f64> = modes.iter().map(|mode| mode.u.abs()).collect();
                    values.sort_by(|a, b| b.total_cmp(a));
                    values.get(i).copied().unwrap_or(0.0)
                }
                State::Blocks(blocks) => svd(&blocks.product)?.values.get(i).copied().unwrap_or(0.0),
            },
            Observable::KernelDrift => match &self.start {
                Some(start) => self.blocks(state).kernel_drift(start),
                None => 0.0,
            },
            Observable::A(mode) => self.sides(state, mode).0,
            Observable::B(mode) => self.sides(state, mode).1,
            Observable::Conserved(mode) => match state {
                State::Modes(modes) => {
                    let (a, b) = modes[mode].factors(self.layers);
                    (b - a) * (b + a)
                }
                State::Blocks(blocks) => {
                    let (left, right) = (self.frame.left.column(mode), self.frame.right.column(mode));
                    left.dot(&(&blocks.above[0] * left)) - right.dot(&(&blocks.below[1] * right))
                }
            },
            Observable::LossTime | Observable::LearningTime(_) => {
                unreachable!("times are kept by the tracker")
            }
        })
    }

    /// b = |W_2^T u| and a = the part of W_1 v along it.
    fn sides(&self, state: &State, mode: usize) -> (f64, f64) {
        match state {
            State::Modes(modes) => {
                let (a, b) = modes[mode].factors(self.layers);
                if b < 0.0 { (-a, -b) } else { (a, b) }
            }
            State::Blocks(blocks) => {
                let left = self.frame.left.column(mode);
                let b = left.dot(&(&blocks.above[0] * left)).sqrt();
                (self.u(state, mode) / b, b)
            }
        }
    }
}
