//! v(theta) of one depth at a few dozen nanoseconds a point: one Taylor series around each of many nodes.
//!
//! All modes of one depth move on one curve (see `mode`), so its inverse is worth a table once there are many
//! points. With x = u/s = 1/(1 + e^-v), w = 1 - x and a = 1 - 2/L, v' = f = L x^a along theta. Around a node, on the
//! clock tau = (theta - theta_i) f_i, the series of v, G = f/f_i and w follow from
//!
//! v' = G, G' = a G P, w' = -(1 - w) P, P = w G,
//!
//! by products of series. The nearest singularities of f lie at v = ±i pi and nodes are 1/4 apart in v, so terms fall
//! by a factor of about 20: fourteen reach rounding.

use super::mode::{Clock, LINEAR_FROM};

/// Distance of nodes in v.
const SPACING: f64 = 0.25;
const TERMS: usize = 14;

/// The inverse of theta(v) from a lowest v on.
#[derive(Clone, Debug)]
pub struct Table {
    depth: f64,
    /// theta half-way in v between two nodes, after which the later one is nearer.
    changes: Vec<f64>,
    nodes: Vec<Node>,
    /// theta at [`LINEAR_FROM`].
    end: f64,
}

#[derive(Clone, Debug)]
struct Node {
    theta: f64,
    /// d v / d theta.
    slope: f64,
    /// Of v, in powers of (theta - theta_i) f_i.
    series: [f64; TERMS],
}

impl Table {
    /// `lowest` is the smallest v that will be asked for.
    pub fn new(clock: &Clock, lowest: f64) -> Self {
        let intervals = ((LINEAR_FROM - lowest) / SPACING).ceil().max(1.0) as usize;
        let place = |i: f64| LINEAR_FROM - SPACING * (intervals as f64 - i);
        let nodes = (0..=intervals).map(|i| Node::new(clock, place(i as f64))).collect();
        let changes = (0..intervals).map(|i| clock.theta(place(i as f64 + 0.5))).collect();
        Self { depth: clock.depth(), changes, nodes, end: clock.theta(LINEAR_FROM) }
    }

    /// v at `theta`. `near` is the index of a node to look at first and becomes the one that was used.
    pub fn invert(&self, theta: f64, near: &mut usize) -> f64 {
        if theta > self.end {
            return LINEAR_FROM + self.depth * (theta - self.end);
        }
        let after = |i: usize| i == 0 || self.changes[i - 1] <= theta;
        let before = |i: usize| i == self.changes.len() || theta < self.changes[i];
        if !(after(*near) && before(*near)) {
            *near = self.changes.partition_point(|&change| change <= theta);
        }
        let node = &self.nodes[*near];
        let tau = (theta - node.theta) * node.slope;
        node.series.iter().rev().fold(0.0, |sum, term| sum * tau + term)
    }
}

impl Node {
    fn new(clock: &Clock, v: f64) -> Self {
        let (theta, inverse_slope, bend) = clock.theta_and_slope(v);
        // bend = a w, where w = 1/(1 + e^v).
        let share = 1.0 - 2.0 / clock.depth();
        let mut g = [0.0; TERMS];
        let mut w = [0.0; TERMS];
        let mut p = [0.0; TERMS];
        (g[0], w[0]) = (1.0, bend / share);
        let mut series = [0.0; TERMS];
        series[0] = v;
        let product =
            |a: &[f64; TERMS], b: &[f64; TERMS], k: usize| -> f64 { (0..=k).map(|j| a[j] * b[k - j]).sum() };
        for k in 0..TERMS - 1 {
            p[k] = product(&w, &g, k);
            let next = (k + 1) as f64;
            series[k + 1] = g[k] / next;
            g[k + 1] = share * product(&g, &p, k) / next;
            w[k + 1] = (product(&w, &p, k) - p[k]) / next;
        }
        Self { theta, slope: 1.0 / inverse_slope, series }
    }
}
