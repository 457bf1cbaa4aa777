//! A network as a list of nodes, and its two kernels.
//!
//! The pairs of nodes that an output needs are listed once, in an order in which each follows what it is made of; every pair
//! of inputs then runs once through that list.

use super::moments::{Moments, Part};
use crate::problem::ntk::{Nonlinearity, Parametrisation};
use crate::theory::ntk::dual::diagonal;
use crate::theory::ntk::recursion::Kernels;
use nalgebra::{DMatrix, DVectorView};
use rayon::prelude::*;
use std::collections::HashMap;

/// `factor` times the matrix `weight`, N(0, 1/columns) entries, times the vector of the node `source`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    pub weight: usize,
    pub factor: f64,
    pub source: usize,
}

/// A vector of as many units as the network is wide.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Some coordinates of the input.
    Input {
        from: usize,
        count: usize,
    },
    /// The number 1: what a bias multiplies.
    One,
    /// Sum of edges, no two of one weight.
    Fields(Vec<Edge>),
    /// Sum of factor times node, over nodes that are independent of each other.
    Stream(Vec<(f64, usize)>),
    Normalised {
        source: usize,
        epsilon: f64,
    },
    Units(usize),
}

/// A pair of nodes, its parts by their place in the schedule.
#[derive(Clone, Debug)]
enum Step {
    Input { count: usize, from: (usize, usize), nodes: (usize, usize) },
    One,
    Sum { parts: Vec<SumPart>, weights: bool },
    Normalised { pair: usize, left: usize, right: usize, epsilon: f64 },
    Units { pair: usize, fields: (usize, usize), units: (usize, usize) },
}

/// Factor and node on either side, and the pair where both sides have the part.
#[derive(Clone, Copy, Debug)]
struct SumPart {
    left: Option<(f64, usize)>,
    right: Option<(f64, usize)>,
    pair: Option<usize>,
    /// What a step of the weights adds to the tangent kernel, in units of the source's covariance.
    gain: f64,
}

/// A network of infinite width, ready to be evaluated.
#[derive(Clone, Debug)]
pub struct Program {
    nonlinearity: Nonlinearity,
    nodes: Vec<Node>,
    steps: Vec<Step>,
    /// Factor, gain and place of the pairs of which the output is made.
    output: Vec<(f64, f64, usize)>,
    /// 1 in place of <phi' phi'>.
    pub(super) flat_slopes: bool,
}

/// Mean squares of all nodes at one input, and of phi at fields.
struct Point {
    variances: Vec<f64>,
    roots: Vec<f64>,
}

/// Moments and tangent kernel of a pair of nodes.
#[derive(Clone, Copy, Default)]
struct Pair {
    moments: Moments,
    t: f64,
}

struct Scheduler<'a> {
    nodes: &'a [Node],
    parametrisation: Parametrisation,
    steps: Vec<Step>,
    places: HashMap<(usize, usize), usize>,
}

impl Scheduler<'_> {
    /// Of weights with the product `factor` of their scales on the node `source`: the factor itself where entries N(0, 1)
    /// move. Standard weights move by units / factor times as much, in units of the width: 1 on units, 0 on inputs and
    /// biases.
    fn gain(&self, factor: f64, source: usize) -> f64 {
        match (self.parametrisation, &self.nodes[source]) {
            (Parametrisation::Standard, Node::Units(_)) => 1.0,
            (Parametrisation::Standard, _) => 0.0,
            _ => factor,
        }
    }

    /// The place of the pair of nodes `a` and `b`.
    fn place(&mut self, a: usize, b: usize) -> usize {
        if let Some(&place) = self.places.get(&(a, b)) {
            return place;
        }
        let nodes = self.nodes;
        let step = match (&nodes[a], &nodes[b]) {
            (Node::Input { from, count }, Node::Input { from: other, .. }) => {
                Step::Input { count: *count, from: (*from, *other), nodes: (a, b) }
            }
            (Node::One, Node::One) => Step::One,
            (Node::Fields(left), Node::Fields(right)) => {
                let left: Vec<_> = left.iter().map(|e| (e.weight, e.factor, e.source)).collect();
                let right: Vec<_> = right.iter().map(|e| (e.weight, e.factor, e.source)).collect();
                Step::Sum { parts: self.parts(&left, &right), weights: true }
            }
            (Node::Stream(left), Node::Stream(right)) => {
                let numbered = |list: &[(f64, usize)]| -> Vec<_> {
                    list.iter().enumerate().map(|(m, &(factor, node))| (m, factor, node)).collect()
                };
                Step::Sum { parts: self.parts(&numbered(left), &numbered(right)), weights: false }
            }
            (Node::Normalised { source, epsilon }, Node::Normalised { source: other, .. }) => {
                let pair = self.place(*source, *other);
                Step::Normalised { pair, left: *source, right: *other, epsilon: *epsilon }
            }
            (Node::Units(left), Node::Units(right)) => {
                Step::Units { pair: self.place(*left, *right), fields: (*left, *right), units: (a, b) }
            }
            (left, right) => unreachable!("one matrix multiplies {left:?} and {right:?}"),
        };
        self.steps.push(step);
        self.places.insert((a, b), self.steps.len() - 1);
        self.steps.len() - 1
    }

    /// Parts by their number, on one side or on both.
    fn parts(&mut self, left: &[(usize, f64, usize)], right: &[(usize, f64, usize)]) -> Vec<SumPart> {
        let mut parts = Vec::new();
        for &(number, factor, a) in left {
            let partner = right.iter().find(|(other, ..)| *other == number);
            parts.push(SumPart {
                left: Some((factor, a)),
                right: partner.map(|&(_, factor, b)| (factor, b)),
                pair: partner.map(|&(_, _, b)| self.place(a, b)),
                gain: partner.map_or(0.0, |&(_, other, _)| self.gain(factor * other, a)),
            });
        }
        for &(number, factor, b) in right {
            if left.iter().all(|(other, ..)| *other != number) {
                parts.push(SumPart { left: None, right: Some((factor, b)), pair: None, gain: 0.0 });
            }
        }
        parts
    }
}

impl Program {
    /// The output reads `readout`, in which one weight may stand several times.
    pub(super) fn new(
        nonlinearity: Nonlinearity,
        parametrisation: Parametrisation,
        nodes: Vec<Node>,
        readout: &[Edge],
    ) -> Self {
        let mut scheduler =
            Scheduler { nodes: &nodes, parametrisation, steps: Vec::new(), places: HashMap::new() };
        let mut output = Vec::new();
        for left in readout {
            for right in readout.iter().filter(|right| right.weight == left.weight) {
                let place = scheduler.place(left.source, right.source);
                let factor = left.factor * right.factor;
                output.push((factor, scheduler.gain(factor, left.source), place));
            }
        }
        let steps = scheduler.steps;
        Self { nonlinearity, nodes, steps, output, flat_slopes: false }
    }

    fn point(&self, x: DVectorView<f64>) -> Point {
        let mut variances: Vec<f64> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let variance = match node {
                Node::Input { from, count } => x.rows(*from, *count).norm_squared() / *count as f64,
                Node::One => 1.0,
                Node::Fields(edges) => edges.iter().map(|e| e.factor * e.factor * variances[e.source]).sum(),
                Node::Stream(parts) => parts.iter().map(|(f, node)| f * f * variances[*node]).sum(),
                Node::Normalised { source, epsilon } => variances[*source] / (variances[*source] + epsilon),
                Node::Units(fields) => diagonal(&self.nonlinearity, variances[*fields]).0,
            };
            variances.push(variance);
        }
        let roots = variances.iter().map(|v| v.sqrt()).collect();
        Point { variances, roots }
    }

    fn points(&self, x: &DMatrix<f64>) -> Vec<Point> {
        x.column_iter().map(|column| self.point(column.as_view())).collect()
    }

    /// S and T between two inputs; `pairs` and `parts` are room.
    fn run(
        &self,
        x: (DVectorView<f64>, &Point),
        y: (DVectorView<f64>, &Point),
        pairs: &mut Vec<Pair>,
        room: &mut Vec<Part>,
    ) -> (f64, f64) {
        let (of_x, of_y) = (x.1, y.1);
        pairs.clear();
        for (place, step) in self.steps.iter().enumerate() {
            let pair = match step {
                Step::Input { count, from, nodes } => {
                    let (a, b) = (x.0.rows(from.0, *count), y.0.rows(from.1, *count));
                    let norm = (*count as f64).sqrt();
                    let roots = (norm * of_x.roots[nodes.0], norm * of_y.roots[nodes.1]);
                    Pair { moments: Moments::of_inputs(a.iter().zip(b.iter()), roots), t: 0.0 }
                }
                Step::One => Pair { moments: Moments { c: 1.0, minus: 0.0, plus: 2.0 }, t: 0.0 },
                Step::Sum { parts, weights } => {
                    room.clear();
                    let mut t = 0.0;
                    for part in parts {
                        let root = |side: Option<(f64, usize)>, point: &Point| {
                            side.map_or(0.0, |(factor, node)| factor.abs() * point.roots[node])
                        };
                        let (left, right) = (root(part.left, of_x), root(part.right, of_y));
                        let mut moments = Moments::default();
                        if let (Some((a, _)), Some((b, _)), Some(pair)) = (part.left, part.right, part.pair) {
                            let Pair { moments: below, t: tangent } = pairs[pair];
                            moments = below.scaled(a * b);
                            t += a * b * tangent;
                            if *weights {
                                t += part.gain * below.c;
                            }
                        }
                        room.push(Part { left, right, moments });
                    }
                    Pair { moments: Moments::sum(room), t }
                }
                Step::Normalised { pair, left, right, epsilon } => {
                    let Pair { moments, t } = pairs[*pair];
                    let (p, q) = (of_x.variances[*left] + epsilon, of_y.variances[*right] + epsilon);
                    let factor = 1.0 / (p.sqrt() * q.sqrt());
                    Pair { moments: moments.scaled(factor), t: factor * t }
                }
                Step::Units { pair, fields, units } => {
                    let Pair { moments, t } = pairs[*pair];
                    let both = |nodes: &(usize, usize)| (of_x.variances[nodes.0], of_y.variances[nodes.1]);
                    let (moments, slopes) = moments.units(&self.nonlinearity, both(fields), both(units));
                    Pair { moments, t: if self.flat_slopes { t } else { slopes * t } }
                }
            };
            debug_assert_eq!(place, pairs.len());
            pairs.push(pair);
        }
        let (mut s, mut t) = (0.0, 0.0);
        for &(factor, gain, place) in &self.output {
            let Pair { moments, t: tangent } = pairs[place];
            s += factor * moments.c;
            t += gain * moments.c + factor * tangent;
        }
        (s, t)
    }

    /// The kernels between the columns of `x`.
    pub fn kernels(&self, x: &DMatrix<f64>) -> Kernels {
        self.block(x, x, true)
    }

    /// The kernels between the columns of `x` and those of `y`.
    ///
    /// # Panics
    /// If the inputs have different dimensions.
    pub fn cross_kernels(&self, x: &DMatrix<f64>, y: &DMatrix<f64>) -> Kernels {
        assert_eq!(x.nrows(), y.nrows(), "dimensions of the inputs");
        self.block(x, y, false)
    }

    fn block(&self, x: &DMatrix<f64>, y: &DMatrix<f64>, symmetric: bool) -> Kernels {
        let (rows, columns) = (x.ncols(), y.ncols());
        let mut kernels = Kernels { nngp: DMatrix::zeros(rows, columns), ntk: DMatrix::zeros(rows, columns) };
        if rows == 0 {
            return kernels;
        }
        let of_x = self.points(x);
        let of_y = if symmetric { Vec::new() } else { self.points(y) };
        let of_y = if symmetric { &of_x } else { &of_y };
        let parts = kernels.nngp.as_mut_slice().par_chunks_mut(rows);
        parts.zip(kernels.ntk.as_mut_slice().par_chunks_mut(rows)).enumerate().for_each(|(j, (s, t))| {
            let (mut pairs, mut room) = (Vec::with_capacity(self.steps.len()), Vec::new());
            let last = if symmetric { j + 1 } else { rows };
            for (i, (s, t)) in s.iter_mut().zip(t).enumerate().take(last) {
                let (a, b) = (x.column(i), y.column(j));
                let (a, b) = ((a.as_view(), &of_x[i]), (b.as_view(), &of_y[j]));
                (*s, *t) = self.run(a, b, &mut pairs, &mut room);
            }
        });
        if symmetric {
            kernels.nngp.fill_lower_triangle_with_upper_triangle();
            kernels.ntk.fill_lower_triangle_with_upper_triangle();
        }
        kernels
    }

    /// S(x, x) of every column.
    pub fn variances(&self, x: &DMatrix<f64>) -> Vec<f64> {
        let (mut pairs, mut room) = (Vec::new(), Vec::new());
        let mut variance = |column: DVectorView<f64>| {
            let point = self.point(column);
            self.run((column, &point), (column, &point), &mut pairs, &mut room).0
        };
        x.column_iter().map(|column| variance(column.as_view())).collect()
    }
}
