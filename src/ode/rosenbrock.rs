//! Rodas5P: eight stages, order 5 with an embedded order 4, stiffly accurate, L-stable.
//!
//! G. Steinebach, *Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia
//! Differential Equations package*, BIT Numerical Mathematics 63:27 (2023), in the form without matrix products
//! (Hairer & Wanner, *Solving Ordinary Differential Equations II*, IV.7, eq. 7.25): with W = I/(gamma h) - J,
//!
//! W u_i = f(t + alpha_i h, y + sum_j a_ij u_j) + sum_j (c_ij / h) u_j + gamma_i h df/dt.
//!
//! The last three stages are nested (y_7 = y_6 + u_6, y_8 = y_7 + u_7, result y_8 + u_8), and u_8 is the error
//! estimate. J and df/dt are forward differences at the start of each step.

use super::{Advance, Failure, Options, Position, Stats};
use nalgebra::{DMatrix, DVector};

const GAMMA: f64 = 0.211_937_563_194_290_14;
const ALPHA: [f64; 8] = [
    0.0,
    0.635_812_689_582_870_4,
    0.409_579_839_339_753_5,
    0.976_930_672_506_071_6,
    0.428_840_360_955_866_4,
    1.0,
    1.0,
    1.0,
];
const GAMMA_SUM: [f64; 8] = [
    0.211_937_563_194_290_14,
    -0.423_875_126_388_580_27,
    -0.338_462_712_623_592_4,
    1.804_645_287_288_273_4,
    2.325_825_639_765_069,
    0.0,
    0.0,
    0.0,
];
const A: [&[f64]; 6] = [
    &[],
    &[3.0],
    &[2.849_394_379_747_939, 0.458_422_422_044_639_23],
    &[-6.954_028_509_809_101, 2.489_845_061_869_568, -10.358_996_098_473_584],
    &[2.802_998_627_562_896_4, 0.507_246_473_622_820_6, -0.398_831_254_177_052_4, -0.047_211_872_304_046_41],
    &[
        -7.502_846_399_306_121,
        2.561_846_144_803_919,
        -11.627_539_656_261_098,
        -0.182_687_676_599_422_56,
        0.030_198_172_008_377_946,
    ],
];
const C: [&[f64]; 8] = [
    &[],
    &[-14.155_112_264_123_755],
    &[-17.972_960_358_859_52, -2.859_693_295_451_294],
    &[147.121_502_757_117_16, -1.412_214_027_182_13, 71.689_402_513_023_58],
    &[165.435_170_248_716_76, -0.459_282_345_649_112_6, 42.909_383_369_586_03, -5.961_986_721_573_306],
    &[
        24.854_864_614_690_072,
        -3.000_922_700_283_218_6,
        47.493_111_002_076_8,
        5.581_419_782_155_812_5,
        -0.661_069_182_524_947_1,
    ],
    &[
        30.912_732_140_285_99,
        -3.120_824_334_993_797_4,
        77.799_546_460_708_92,
        34.286_460_282_947_83,
        -19.097_331_116_725_623,
        -28.087_943_162_872_662,
    ],
    &[
        37.802_771_233_905_63,
        -3.257_196_902_907_227_6,
        112.269_188_494_963_27,
        66.934_723_124_404_7,
        -40.066_189_370_910_02,
        -54.667_802_628_779_68,
        -9.488_616_523_096_27,
    ],
];

/// Accepted steps before the method is judged by the length of its steps: the step grows by at most 6 at a time.
const TRIAL: u64 = 8;

/// Differences, stages and steps for one dimension.
pub(super) struct Stepper {
    y: Vec<f64>,
    f: Vec<f64>,
    f0: Vec<f64>,
    time_derivative: DVector<f64>,
    jacobian: DMatrix<f64>,
    stages: Vec<DVector<f64>>,
    /// Accepted steps since the last change of method.
    accepted: u64,
}

impl Stepper {
    pub(super) fn new(dimension: usize) -> Self {
        Self {
            y: vec![0.0; dimension],
            f: vec![0.0; dimension],
            f0: vec![0.0; dimension],
            time_derivative: DVector::zeros(dimension),
            jacobian: DMatrix::zeros(0, 0),
            stages: Vec::new(),
            accepted: 0,
        }
    }

    pub(super) fn restart(&mut self) {
        self.accepted = 0;
    }

    /// Advances to `end`; gives up after a trial period if steps stay shorter than `profitable_step`.
    #[allow(
        clippy::too_many_arguments,
        reason = "one step of the method: its state and work space, borrowed apart"
    )]
    pub(super) fn advance<E>(
        &mut self,
        system: &mut impl FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
        position: &mut Position,
        end: f64,
        max_step: f64,
        profitable_step: f64,
        options: &Options,
        stats: &mut Stats,
    ) -> Result<Advance, Failure<E>> {
        if position.step == 0.0 {
            position.step = 1e-6 * max_step;
        }
        while position.t < end {
            stats.rhs_calls += 1;
            system(position.t, &position.y, &mut self.f0).map_err(Failure::Rhs)?;
            self.differentiate(system, position, options, stats).map_err(Failure::Rhs)?;
            let mut rejected = false;
            loop {
                if stats.steps() + stats.rejected_steps >= options.max_steps {
                    return Err(Failure::TooManySteps);
                }
                let natural = position.step.min(max_step);
                let last = position.t + 1.01 * natural >= end;
                let h = if last { end - position.t } else { natural };
                let (error, failure) = match self.step(system, position, h, options, stats) {
                    Ok(error) => (error, None),
                    Err(failure) => (f64::NAN, Some(failure)),
                };
                if error <= 1.0 {
                    let growth = (0.9 * error.powf(-0.2)).clamp(0.2, if rejected { 1.0 } else { 6.0 });
                    if !last || h * growth > natural || rejected {
                        position.step = h * growth;
                    }
                    position.t = if last { end } else { position.t + h };
                    position.y.copy_from_slice(&self.y);
                    stats.rosenbrock_steps += 1;
                    self.accepted += 1;
                    break;
                }
                rejected = true;
                stats.rejected_steps += 1;
                position.step = h * if error.is_finite() { (0.9 * error.powf(-0.2)).max(0.2) } else { 0.2 };
                if 0.1 * position.step <= f64::EPSILON * position.t.abs().max(1e-6 * end.abs()) {
                    return Err(match failure {
                        Some(error) => Failure::Rhs(error),
                        None if error.is_finite() => Failure::StepTooSmall,
                        None => Failure::Diverged,
                    });
                }
            }
            if self.accepted >= TRIAL && position.step < profitable_step {
                return Ok(if position.t < end { Advance::Unprofitable } else { Advance::Reached });
            }
        }
        Ok(Advance::Reached)
    }

    /// J and df/dt at the position, where `f0` is known.
    fn differentiate<E>(
        &mut self,
        system: &mut impl FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
        position: &Position,
        options: &Options,
        stats: &mut Stats,
    ) -> Result<(), E> {
        let n = position.y.len();
        if self.jacobian.nrows() != n {
            self.jacobian = DMatrix::zeros(n, n);
            self.stages = vec![DVector::zeros(n); 8];
        }
        self.y.copy_from_slice(&position.y);
        // Below this size the tolerances do not resolve a state. Where they are all relative, entries far below the
        // largest would be shifted by less than the derivative resolves.
        let floor = (options.absolute / options.relative).max(options.relative * super::largest(&position.y));
        for j in 0..n {
            let shifted = position.y[j] + f64::EPSILON.sqrt() * (position.y[j].abs() + floor);
            self.y[j] = shifted;
            system(position.t, &self.y, &mut self.f)?;
            let delta = shifted - position.y[j];
            for (entry, (f, f0)) in self.jacobian.column_mut(j).iter_mut().zip(self.f.iter().zip(&self.f0)) {
                *entry = (f - f0) / delta;
            }
            self.y[j] = position.y[j];
        }
        let shifted = position.t + f64::EPSILON.sqrt() * (position.t.abs() + position.step);
        system(shifted, &self.y, &mut self.f)?;
        for (entry, (f, f0)) in self.time_derivative.iter_mut().zip(self.f.iter().zip(&self.f0)) {
            *entry = (f - f0) / (shifted - position.t);
        }
        stats.rhs_calls += n as u64 + 1;
        Ok(())
    }

    /// One step of length `h` into `self.y`; returns the scaled error (NaN if W is singular or a stage overflows).
    fn step<E>(
        &mut self,
        system: &mut impl FnMut(f64, &[f64], &mut [f64]) -> Result<(), E>,
        position: &Position,
        h: f64,
        options: &Options,
        stats: &mut Stats,
    ) -> Result<f64, E> {
        let n = position.y.len();
        let mut w = -&self.jacobian;
        for i in 0..n {
            w[(i, i)] += 1.0 / (GAMMA * h);
        }
        let w = w.lu();
        for i in 0..8 {
            if i < 6 {
                self.y.copy_from_slice(&position.y);
                for (&a, u) in A[i].iter().zip(&self.stages) {
                    add(&mut self.y, a, u);
                }
            } else {
                add(&mut self.y, 1.0, &self.stages[i - 1]);
            }
            if i == 0 {
                self.f.copy_from_slice(&self.f0);
            } else {
                system(position.t + ALPHA[i] * h, &self.y, &mut self.f)?;
                stats.rhs_calls += 1;
            }
            let (done, rest) = self.stages.split_at_mut(i);
            let u = &mut rest[0];
            u.copy_from_slice(&self.f);
            u.axpy(GAMMA_SUM[i] * h, &self.time_derivative, 1.0);
            for (&c, previous) in C[i].iter().zip(done.iter()) {
                u.axpy(c / h, previous, 1.0);
            }
            if !w.solve_mut(u) {
                return Ok(f64::NAN);
            }
        }
        add(&mut self.y, 1.0, &self.stages[7]);
        let sum: f64 = (0..n)
            .map(|i| {
                let scale = options.absolute + options.relative * self.y[i].abs().max(position.y[i].abs());
                let e = self.stages[7][i] / scale;
                e * e
            })
            .sum();
        Ok((sum / n as f64).sqrt())
    }
}

fn add(y: &mut [f64], a: f64, u: &DVector<f64>) {
    for (y, u) in y.iter_mut().zip(u.iter()) {
        *y += a * u;
    }
}
