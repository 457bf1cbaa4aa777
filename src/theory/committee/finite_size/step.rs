//! Drift, correction and noise of the overlaps of a committee under one SGD step at finite d.

use super::drift::{Sums, Units};
use super::erf_noise::{Moments, Scale};
use super::polynomial;
use super::relu_noise::Orthants;
use crate::theory::linear_noise::Process;
use crate::theory::linear_noise::jet::{Jet, Scalar};
use nalgebra::DMatrix;

/// What one packed number of the state is; indices from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coordinate {
    Q(usize, usize),
    R(usize, usize),
    T(usize, usize),
    V(usize),
}

/// Planted faults of the moments of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepFaults {
    /// D without - F F^T.
    pub keep_mean_square: bool,
    /// Q_ik with i < k as two variables, Q_ik and Q_ki, in every derivative.
    pub double_overlap: bool,
    /// sigma^2 scaled with the covariance in G1.
    pub scale_label_noise: bool,
    /// E4 with the factors of its tilts at h = 1.
    pub freeze_tilts: bool,
}

impl StepFaults {
    pub fn new(faults: &[String]) -> Self {
        let has = |name: &str| faults.iter().any(|fault| fault == name);
        Self {
            keep_mean_square: has("drop=mean-square"),
            double_overlap: has("double=overlap"),
            scale_label_noise: has("scale=label-noise"),
            freeze_tilts: has("freeze=tilts"),
        }
    }
}

/// Coefficients of one step, in the letters of `theory::committee`.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub units: Units,
    pub rate: f64,
    /// eta^2 / b.
    pub second_order: f64,
    pub batch: f64,
    pub noise_variance: f64,
    /// The same in D; another number only under a planted fault.
    pub spread_noise_variance: f64,
    pub planted: StepFaults,
    pub decay: f64,
    pub student_scale: f64,
    pub teacher_scale: f64,
    pub v: Vec<f64>,
    pub v_star: Vec<f64>,
    pub second_layer_rate: f64,
    pub second_layer_decay: f64,
    pub both_layers: bool,
}

/// The overlaps as a process with small steps.
pub struct Overlapping {
    step: Step,
    k: usize,
    m: usize,
    /// T, moving only if it fluctuates.
    t: Vec<f64>,
    pub coordinates: Vec<Coordinate>,
    scale: Scale,
}

impl Overlapping {
    pub fn new(step: Step, t: &DMatrix<f64>, with_teacher: bool) -> Self {
        let (k, m) = (step.v.len(), step.v_star.len());
        let mut coordinates = Vec::new();
        for i in 0..k {
            coordinates.extend((i..k).map(|j| Coordinate::Q(i, j)));
        }
        for i in 0..k {
            coordinates.extend((0..m).map(|n| Coordinate::R(i, n)));
        }
        if with_teacher {
            for n in 0..m {
                coordinates.extend((n..m).map(|p| Coordinate::T(n, p)));
            }
        }
        if step.both_layers {
            coordinates.extend((0..k).map(Coordinate::V));
        }
        let t = (0..m * m).map(|e| t[(e / m, e % m)]).collect();
        let scale = Scale::new(step.planted.freeze_tilts);
        Self { step, k, m, t, coordinates, scale }
    }

    pub fn units(&self) -> Units {
        self.step.units
    }

    /// The pair of fields whose overlap a coordinate is; none for second-layer weights.
    pub fn place(&self, coordinate: Coordinate) -> Option<(usize, usize)> {
        let k = self.k;
        match coordinate {
            Coordinate::Q(i, j) => Some((i, j)),
            Coordinate::R(i, j) => Some((i, k + j)),
            Coordinate::T(i, j) => Some((k + i, k + j)),
            Coordinate::V(_) => None,
        }
    }

    /// Whether no student unit and no teacher unit stands out, and second layers stay as they are.
    pub fn treats_units_alike(&self) -> bool {
        let equal = |list: &[f64]| list.iter().all(|&x| x == list[0]);
        let m = self.m;
        let isotropic = (0..m * m).all(|e| self.t[e] == if e / m == e % m { self.t[0] } else { 0.0 });
        !self.step.both_layers && equal(&self.step.v) && equal(&self.step.v_star) && isotropic
    }

    /// K and M.
    pub fn widths(&self) -> (usize, usize) {
        (self.k, self.m)
    }

    pub fn teacher_overlap(&self, n: usize, p: usize) -> f64 {
        self.t[n * self.m + p]
    }

    pub fn second_layer(&self, i: usize) -> f64 {
        self.step.v[i]
    }

    pub fn fields(&self) -> usize {
        self.k + self.m
    }

    /// C row by row and s, from a packed state.
    pub fn unpack<S: Scalar>(&self, x: &[S]) -> (Vec<S>, Vec<S>, Vec<S>) {
        let (k, m, n) = (self.k, self.m, self.fields());
        let mut c = vec![S::constant(0.0); n * n];
        for a in 0..m {
            for b in 0..m {
                c[(k + a) * n + k + b] = S::constant(self.t[a * m + b]);
            }
        }
        let mut v: Vec<S> = self.step.v.iter().map(|&v| S::constant(v)).collect();
        for (&value, &coordinate) in x.iter().zip(&self.coordinates) {
            if let Coordinate::V(i) = coordinate {
                v[i] = value;
            }
            let Some((a, b)) = self.place(coordinate) else { continue };
            let twice = self.step.planted.double_overlap && a < b && b < k;
            let value = if twice { value * 2.0 + -value.value() } else { value };
            c[a * n + b] = value;
            c[b * n + a] = value;
        }
        let mut s: Vec<S> = v.iter().map(|&v| v * -self.step.student_scale).collect();
        s.extend(self.step.v_star.iter().map(|&v| S::constant(v * self.step.teacher_scale)));
        (c, s, v)
    }

    fn pair(&self, i: usize, k: usize) -> usize {
        i * (2 * self.k - i + 1) / 2 + (k - i)
    }
}

impl Process for Overlapping {
    fn dimension(&self) -> usize {
        self.coordinates.len()
    }

    fn drift<S: Scalar>(&self, x: &[S], out: &mut [S]) {
        let n = self.fields();
        let (c, s, v) = self.unpack(x);
        let mut sums = Sums::new(self.k, n);
        self.step.units.sums(&c, &s, self.step.noise_variance, &mut sums);
        let Step { rate, second_order, decay, second_layer_rate, second_layer_decay, .. } = self.step;
        for (out, &coordinate) in out.iter_mut().zip(&self.coordinates) {
            *out = match coordinate {
                Coordinate::Q(i, k) => {
                    (v[i] * sums.first[i * n + k] + v[k] * sums.first[k * n + i]) * rate
                        + v[i] * v[k] * sums.second[self.pair(i, k)] * second_order
                        + c[i * n + k] * (-2.0 * decay)
                }
                Coordinate::R(i, m) => {
                    v[i] * sums.first[i * n + self.k + m] * rate + c[i * n + self.k + m] * -decay
                }
                Coordinate::T(..) => S::constant(0.0),
                Coordinate::V(i) => sums.output[i] * second_layer_rate + v[i] * -second_layer_decay,
            };
        }
    }

    fn correction(&self, x: &[f64], out: &mut [f64]) {
        let n = self.fields();
        let (c, s, v) = self.unpack(x);
        // <f (z.z - r)> = 2 d/ds <f>_{N(0, sC)} at s = 1, with the label noise held.
        let scaled: Vec<Jet<1>> = c.iter().map(|&c| Jet { value: c, first: [c], second: [0.0] }).collect();
        let outer: Vec<Jet<1>> = s.iter().map(|&s| Jet::constant(s)).collect();
        let mut sums = Sums::new(self.k, n);
        self.step.units.sums(&scaled, &outer, self.step.noise_variance, &mut sums);
        let Step { rate, second_order, batch, decay, planted, .. } = self.step;
        let mut label_noise = vec![0.0; sums.second.len()];
        if planted.scale_label_noise {
            let mut without = Sums::new(self.k, n);
            self.step.units.sums(&c, &s, 0.0, &mut without);
            // sigma^2 J2, whose derivative is the fault.
            for ((noise, all), without) in label_noise.iter_mut().zip(&sums.second).zip(&without.second) {
                *noise = all.value - without;
            }
        }
        // m_i = <c_i u> = C a_i.
        let mean_rows: Vec<Vec<f64>> = (0..self.k)
            .map(|i| {
                let first: Vec<f64> = sums.first.iter().map(|f| f.value).collect();
                let mut row = vec![0.0; n];
                self.step.units.gradient(&c, &s, i, &first, &mut row);
                row.iter_mut().for_each(|a| *a *= v[i]);
                row
            })
            .collect();
        for (out, &coordinate) in out.iter_mut().zip(&self.coordinates) {
            *out = match coordinate {
                Coordinate::Q(i, k) => {
                    let pair = self.pair(i, k);
                    let slope = sums.second[pair].first[0] + label_noise[pair];
                    let single = 2.0 * second_order * v[i] * v[k] * slope;
                    let mut shared = 0.0;
                    for a in 0..n {
                        for b in 0..n {
                            shared += mean_rows[i][a] * c[a * n + b] * mean_rows[k][b];
                        }
                    }
                    let m = |i: usize, b: usize| v[i] * sums.first[i * n + b].value;
                    single + rate * rate * (1.0 - 1.0 / batch) * shared + decay * decay * c[i * n + k]
                        - decay * rate * (m(i, k) + m(k, i))
                }
                _ => 0.0,
            };
        }
    }

    fn noise(&self, x: &[f64], out: &mut DMatrix<f64>) {
        let (c, s, v) = self.unpack(x);
        match self.step.units {
            Units::Erf => self.erf_noise(&c, &s, &v, out),
            Units::Linear => self.polynomial_noise(&c, &s, &v, 3, out),
            Units::Quadratic => self.polynomial_noise(&c, &s, &v, 7, out),
            Units::Relu => self.orthant_noise(&c, &s, &v, out),
        }
        // The mean step of a single sample, decay apart: it moves every replica alike.
        let mut mean = vec![0.0; x.len()];
        self.drift(x, &mut mean);
        for (mean, &coordinate) in mean.iter_mut().zip(&self.coordinates) {
            *mean += match coordinate {
                Coordinate::Q(i, k) => 2.0 * self.step.decay * c[i * self.fields() + k],
                Coordinate::R(i, m) => self.step.decay * c[i * self.fields() + self.k + m],
                Coordinate::T(..) => 0.0,
                Coordinate::V(i) => self.step.second_layer_decay * v[i],
            };
        }
        for p in 0..x.len() {
            for q in 0..x.len() {
                let square = if self.step.planted.keep_mean_square { 0.0 } else { mean[p] * mean[q] };
                out[(p, q)] = (out[(p, q)] - square) / self.step.batch;
            }
        }
    }
}

/// A step Y_p in the terms of one sample: with weights, g'(u_i) Delta u_a for every (i, a) in `linear`,
/// g'(u_i) g'(u_k) Delta^2 for `square`, g(u_k) Delta for `output`.
#[derive(Default)]
struct Terms {
    linear: Vec<(f64, usize, usize)>,
    square: Option<(f64, usize, usize)>,
    output: Option<(f64, usize)>,
}

impl Overlapping {
    fn terms(&self, coordinate: Coordinate, v: &[f64]) -> Terms {
        let Step { rate, second_order, .. } = self.step;
        match coordinate {
            Coordinate::Q(i, k) => Terms {
                linear: vec![(rate * v[i], i, k), (rate * v[k], k, i)],
                square: Some((second_order * v[i] * v[k], i, k)),
                output: None,
            },
            Coordinate::R(i, m) => Terms { linear: vec![(rate * v[i], i, self.k + m)], ..Terms::default() },
            Coordinate::T(..) => Terms::default(),
            Coordinate::V(i) => Terms { output: Some((self.step.second_layer_rate, i)), ..Terms::default() },
        }
    }

    /// <Y Y^T> of one sample.
    fn erf_noise(&self, c: &[f64], s: &[f64], v: &[f64], out: &mut DMatrix<f64>) {
        let moments =
            Moments::new(&self.scale, c, s, self.k, self.step.spread_noise_variance, self.step.both_layers);
        let terms: Vec<Terms> = self.coordinates.iter().map(|&c| self.terms(c, v)).collect();
        for (p, first) in terms.iter().enumerate() {
            for (q, second) in terms.iter().enumerate().skip(p) {
                let value = product(first, second, &moments);
                out[(p, q)] = value;
                out[(q, p)] = value;
            }
        }
    }

    /// The same, orthant by orthant.
    fn orthant_noise(&self, c: &[f64], s: &[f64], v: &[f64], out: &mut DMatrix<f64>) {
        let (n, count) = (self.fields(), self.coordinates.len());
        let sigma2 = self.step.spread_noise_variance;
        let terms: Vec<Terms> = self.coordinates.iter().map(|&c| self.terms(c, v)).collect();
        // Y_p = L_p.u Delta + S_p Delta^2.
        let mut linear = vec![0.0; count * n];
        let (mut square, mut cubic) = (vec![0.0; count], vec![0.0; count]);
        let mut weighted = linear.clone();
        out.fill(0.0);
        Orthants::new(c, n).visit(s, |part| {
            linear.fill(0.0);
            for (p, terms) in terms.iter().enumerate() {
                square[p] = 0.0;
                for &(w, _, a) in terms.linear.iter().filter(|(_, i, _)| part.positive[*i]) {
                    linear[p * n + a] += w;
                }
                if let Some((w, i)) = terms.output.filter(|&(_, i)| part.positive[i]) {
                    linear[p * n + i] += w;
                }
                if let Some((w, i, k)) = terms.square
                    && part.positive[i]
                    && part.positive[k]
                {
                    square[p] = w;
                }
            }
            // <u_a u_b Delta^2>, <u_a Delta^3>, <Delta^4>.
            let twice = |a: usize, b: usize| part.fourth[a][b] + sigma2 * part.second[a][b];
            let thrice = |a: usize| -> f64 {
                (0..n).map(|b| part.form[b] * (part.fourth[a][b] + 3.0 * sigma2 * part.second[a][b])).sum()
            };
            let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (a, b)));
            let fourth: f64 = pairs
                .map(|(a, b)| {
                    part.form[a] * part.form[b] * (part.fourth[a][b] + 6.0 * sigma2 * part.second[a][b])
                })
                .sum::<f64>()
                + 3.0 * sigma2 * sigma2 * part.probability;
            for p in 0..count {
                let own = &linear[p * n..][..n];
                cubic[p] = own.iter().enumerate().map(|(a, x)| x * thrice(a)).sum();
                for b in 0..n {
                    weighted[p * n + b] = own.iter().enumerate().map(|(a, x)| x * twice(a, b)).sum();
                }
            }
            for p in 0..count {
                let own = &weighted[p * n..][..n];
                for q in p..count {
                    let both: f64 = own.iter().zip(&linear[q * n..][..n]).map(|(x, y)| x * y).sum();
                    out[(p, q)] +=
                        both + cubic[p] * square[q] + cubic[q] * square[p] + square[p] * square[q] * fourth;
                }
            }
        });
        for p in 0..count {
            for q in 0..p {
                out[(p, q)] = out[(q, p)];
            }
        }
    }

    /// The same at the nodes of an exact rule.
    fn polynomial_noise(&self, c: &[f64], s: &[f64], v: &[f64], nodes: usize, out: &mut DMatrix<f64>) {
        let n = self.fields();
        let sigma2 = self.step.spread_noise_variance;
        let quadratic = self.step.units == Units::Quadratic;
        let count = self.coordinates.len();
        let terms: Vec<Terms> = self.coordinates.iter().map(|&c| self.terms(c, v)).collect();
        let (mut linear, mut square) = (vec![0.0; count], vec![0.0; count]);
        let mut value = vec![0.0; n];
        out.fill(0.0);
        polynomial::nodes(c, n, nodes, |u, weight| {
            let slope = |i: usize| if quadratic { 2.0 * u[i] } else { 1.0 };
            for (value, u) in value.iter_mut().zip(u) {
                *value = if quadratic { u * u } else { *u };
            }
            let delta: f64 = s.iter().zip(&value).map(|(s, g)| s * g).sum();
            for (p, terms) in terms.iter().enumerate() {
                linear[p] = terms.linear.iter().map(|&(w, i, a)| w * slope(i) * u[a]).sum();
                square[p] = terms.square.map_or(0.0, |(w, i, k)| w * slope(i) * slope(k));
                linear[p] += terms.output.map_or(0.0, |(w, i)| w * value[i]);
            }
            let second = delta * delta + sigma2;
            let third = delta * (delta * delta + 3.0 * sigma2);
            let fourth = delta.powi(4) + 6.0 * sigma2 * delta * delta + 3.0 * sigma2 * sigma2;
            for p in 0..count {
                for q in p..count {
                    out[(p, q)] += weight
                        * (linear[p] * linear[q] * second
                            + (linear[p] * square[q] + square[p] * linear[q]) * third
                            + square[p] * square[q] * fourth);
                }
            }
        });
        for p in 0..count {
            for q in 0..p {
                out[(p, q)] = out[(q, p)];
            }
        }
    }
}

/// <Y_p Y_q> of one sample.
fn product(first: &Terms, second: &Terms, moments: &Moments) -> f64 {
    let mut value = 0.0;
    for &(wp, i, a) in &first.linear {
        for &(wq, j, b) in &second.linear {
            value += wp * wq * moments.linear_linear(i, a, j, b);
        }
    }
    for (one, other) in [(first, second), (second, first)] {
        if let Some((wq, l, m)) = other.square {
            let mixed = |&(wp, i, a): &(f64, usize, usize)| wp * wq * moments.linear_square([i, l, m], a);
            value += one.linear.iter().map(mixed).sum::<f64>();
            if let Some((wp, k)) = one.output {
                value += wp * wq * moments.square_output(l, m, k);
            }
        }
        if let Some((wq, k)) = other.output {
            let mixed = |&(wp, i, a): &(f64, usize, usize)| wp * wq * moments.linear_output(i, a, k);
            value += one.linear.iter().map(mixed).sum::<f64>();
        }
    }
    if let (Some((wp, i, j)), Some((wq, l, m))) = (first.square, second.square) {
        value += wp * wq * moments.square_square([i, j, l, m]);
    }
    if let (Some((wp, k)), Some((wq, l))) = (first.output, second.output) {
        value += wp * wq * moments.output_output(k, l);
    }
    value
}
