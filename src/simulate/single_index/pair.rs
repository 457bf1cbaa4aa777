//! One student and one planted direction: the overlap chain on two numbers.
//!
//! In the plane of theta* and the rest of the student, theta = (m, s) with m^2 + s^2 = 1. An input has independent
//! N(0, 1) components h along theta and t along (s, -m), and a rest orthogonal to the plane whose squared length r^2
//! is chi-square with d - 2 degrees of freedom. Then h* = m h + s t, and the step along x - h theta leads to
//!
//! (m + alpha t s, s - alpha t m, alpha r) / sqrt(1 + alpha^2 (t^2 + r^2)),
//!
//! of which the last two components are one new s. Nothing is approximated, at any d from 2 on.

use super::body::Body;
use super::length::ChiSquare;
use crate::rng::{Gaussians, Stream};

const SAMPLES_BETWEEN_POLLS: u64 = 1 << 16;

/// Inputs come from the streams `data` (in the plane) and `residual` (the rest).
pub(super) struct Pair {
    m: [f64; 1],
    s: f64,
    /// h, t and r^2 of the latest input, and h*.
    h: f64,
    t: f64,
    rest: f64,
    planted: [f64; 1],
    normals: Box<Gaussians>,
    length: ChiSquare,
    test_set: Stream,
}

impl Pair {
    /// At overlap m in dimension d.
    pub fn new(m: f64, d: usize, stream: &Stream) -> Self {
        Self {
            m: [m],
            s: ((1.0 - m) * (1.0 + m)).sqrt(),
            h: 0.0,
            t: 0.0,
            rest: 0.0,
            planted: [0.0],
            normals: Box::new(stream.child("data").gaussians()),
            length: ChiSquare::new(d - 2, &stream.child("residual")),
            test_set: stream.child("test-set"),
        }
    }
}

impl Body for Pair {
    #[inline]
    fn next_input(&mut self) -> f64 {
        self.h = self.normals.next();
        self.t = self.normals.next();
        self.rest = self.length.draw();
        self.planted[0] = self.m[0] * self.h + self.s * self.t;
        self.h
    }

    #[inline]
    fn planted_fields(&self) -> &[f64] {
        &self.planted
    }

    #[inline]
    fn tangent_square(&self) -> Option<f64> {
        Some(self.t * self.t + self.rest)
    }

    #[inline]
    fn advance(&mut self, alpha: f64) {
        let (m, s) = (self.m[0], self.s);
        let along = alpha * self.t;
        let square = alpha * alpha;
        let (m, s) = (m + along * s, s - along * m);
        let rest = s * s + square * self.rest;
        // The length of the new vector itself, so that rounding does not add up.
        let inverse = 1.0 / (m * m + rest).sqrt();
        self.m[0] = m * inverse;
        self.s = rest.sqrt() * inverse;
    }

    #[inline]
    fn overlaps(&self) -> &[f64] {
        &self.m
    }

    fn measure(&mut self) {}

    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(f64, &[f64]),
    ) -> bool {
        let mut normals = self.test_set.index(number as u64).gaussians();
        for sample in 0..samples {
            if (sample as u64).is_multiple_of(SAMPLES_BETWEEN_POLLS) && stop() {
                return false;
            }
            let (h, t) = (normals.next(), normals.next());
            take(h, &[self.m[0] * h + self.s * t]);
        }
        true
    }

    fn updates_between_polls(&self) -> u64 {
        SAMPLES_BETWEEN_POLLS
    }
}
