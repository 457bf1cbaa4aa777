//! The causal sweep: one population carried forward update by update.
//!
//! # Form
//! A field is h = sum_j M_j phi_j with phi_j = sqrt(alpha) e_j + q_j. e_j is a fresh N(0, 1) field, q_j an orthonormal
//! basis of the gradients so far; phi_0 = sqrt(alpha) e_0 carries the start, with M_0 = A/sqrt(alpha), and Langevin noise
//! and probe forces have fields without q as well. On the side of the weights w - m v = sqrt(alpha) sum_j M_j E_j with
//! orthonormal E_j, hence C = m m' + alpha sum_j M_j M_j'. Any number of weight vectors (copies, tangents) that see the
//! same data share the basis.
//!
//! # Moment matching
//! The pool is an orthonormal basis, in population mean, of everything in use. A fresh field is made orthogonal to it and
//! scaled to length 1. The noise of a batch, (s - E s) Lambda', is made orthogonal to the pool and to the mean gradients
//! and scaled to its exact variance. Then every q_j is a short list of coefficients over the pool, and an update
//! reads the pool once. Without moment matching e_j and q_j stand in the pool as they are.

use super::algebra::{Combination, Outside, add};
use super::basis::{Field, Past, along_basis, along_listed};
use super::block::{Column, Drive, FieldOf};
use super::plan::{Plan, SAMPLES_PER_FIELD, Snapshot, Stop, Weights};
use super::population::{Population, Update};
use super::selection::Process;
use super::sums::Sums;
use super::walker::{Gradient, Walker, push};
use crate::problem::gaussian_mixture::{GaussianMixture, Start};
use crate::rng::Stream;

/// Relative size below which a vector counts as lying in the pool: inner products know no better.
const IN_POOL: f64 = 1e-6;

/// Relative size of what is new in a gradient without noise below which its length is no longer taken from differences
/// of inner products, but from the vector itself. Without this, the lengths of nearly converged gradients are off by a
/// per cent, the pool is no longer orthonormal, and the sweep explodes some ten updates later.
const EXPLICIT: f64 = 1e-2;

/// One sweep of the law over one population.
///
/// ```
/// use asymptotica::problem::gaussian_mixture::{Batch, Data, Dynamics, GaussianMixture, Loss, Route};
/// use asymptotica::rng::Stream;
/// use asymptotica::theory::gaussian_mixture::{Faults, Plan, sweep};
///
/// // Square loss in full batch, two clusters: alpha = 2, Delta = 1/2, lambda = 0.1, eta = 0.2, R = 0.01.
/// let problem = GaussianMixture {
///     data: Data::TwoClusters, sample_ratio: 2.0, cluster_variance: 0.5, loss: Loss::Square, ridge: 0.1,
///     learning_rate: 0.2, normalisation: 1.0, initial_variance: 0.01, initial_overlap: 0.0, batch: Batch::Full,
///     momentum: 0.0, temperature: 0.0, dynamics: Dynamics::Steps, correlation_times: vec![], fork_time: None,
///     response: false, route: Route::Spectrum,
/// };
/// let plan = Plan {
///     population: 1000, moment_matching: true, tolerance: 1e-8, updates: vec![2], onsets: vec![], fork: None,
///     faults: Faults::default(),
/// };
/// let (snapshots, _) = sweep(&problem, problem.start(), &plan, &Stream::root(1));
/// let w = &snapshots[0].first;
/// assert!((w.m - 0.512).abs() < 1e-10 && (w.overlap(w, 2.0) - 0.3360591856).abs() < 1e-9);
/// ```
pub fn sweep(
    problem: &GaussianMixture,
    start: Start,
    plan: &Plan,
    stream: &Stream,
) -> (Vec<Snapshot>, Option<Stop>) {
    let mut sweep = Sweep::new(problem, start, plan, stream);
    let mut snapshots = Vec::with_capacity(plan.updates.len());
    let last = plan.updates.last().copied().unwrap_or(0);
    for t in 0..=last {
        sweep.events(t);
        let wanted = plan.updates.iter().filter(|&&update| update == t).count();
        let snapshot = match sweep.update(t, wanted > 0, t == last) {
            Ok(snapshot) => snapshot,
            Err(stop) => return (snapshots, Some(stop)),
        };
        snapshots.extend(std::iter::repeat_n(snapshot, wanted).flatten());
    }
    (snapshots, None)
}

struct Sweep<'a> {
    problem: &'a GaussianMixture,
    plan: &'a Plan,
    population: Population,
    fields: Vec<Field>,
    walkers: Vec<Walker>,
    /// Pool vectors that the next pass completes.
    columns: Vec<Column>,
    /// Fields of the forces, by onset.
    forces: Vec<usize>,
    sums: Sums,
}

impl<'a> Sweep<'a> {
    fn new(problem: &'a GaussianMixture, start: Start, plan: &'a Plan, stream: &Stream) -> Self {
        let end = problem.time_of(plan.updates.last().copied().unwrap_or(0));
        let expected = 2.0 * problem.expected_fields(end) + 20.0;
        let mut population =
            Population::new(problem, plan.population, expected as usize, plan.moment_matching, stream);
        let mut source = || Field { e: population.fresh(plan.moment_matching), q: Past::None };
        let mut fields = vec![source()];
        let forces = plan.onsets.iter().map(|_| {
            fields.push(source());
            fields.len() - 1
        });
        let forces: Vec<usize> = forces.collect();
        let weights =
            Weights { m: start.overlap, fields: vec![(start.variance / problem.sample_ratio).sqrt()] };
        let drive = Drive::Copy(0);
        let first = Walker { drive, weights, moved: Weights::default(), force: None, largest: 0.0 };
        Self {
            problem,
            plan,
            population,
            fields,
            walkers: vec![first],
            columns: Vec::new(),
            forces,
            sums: Sums::default(),
        }
    }

    /// What sets in before update `t`.
    fn events(&mut self, t: usize) {
        if self.plan.fork == Some(t) {
            self.population.fork();
            let second = Walker { drive: Drive::Copy(1), ..self.walkers[0].clone() };
            self.walkers.insert(1, second);
        }
    }

    /// Tangents that begin with the displacement eta u of their first update.
    fn set_forces_in(&mut self, t: usize) {
        for (onset, &force) in self.plan.onsets.iter().zip(&self.forces) {
            if *onset == t {
                let mut moved = Weights { m: 0.0, fields: vec![0.0; force + 1] };
                moved.fields[force] = push(self.problem);
                let weights = moved.clone();
                let drive = Drive::Tangent;
                self.walkers.push(Walker { drive, weights, moved, force: Some(force), largest: 0.0 });
            }
        }
    }

    /// The fields of one walker over the pool, its new columns included.
    fn field_of(&self, walker: &Walker) -> FieldOf {
        let delta = self.problem.cluster_variance.sqrt();
        let root = self.problem.sample_ratio.sqrt();
        let mut over_pool = vec![0.0; self.population.pool + self.columns.len()];
        for (field, m) in self.fields.iter().zip(&walker.weights.fields) {
            over_pool[field.e] += delta * root * m;
            match &field.q {
                Past::None => {}
                _ if self.plan.faults.memory => {}
                Past::At(i) => over_pool[*i] += delta * m,
                Past::Coefficients(q) => add(&mut over_pool, delta * m, q),
            }
        }
        FieldOf { slope: walker.weights.m, over_pool }
    }

    /// Update `t`, with the state before it if `observe`; only that state if it is the last one.
    fn update(&mut self, t: usize, observe: bool, is_last: bool) -> Result<Option<Snapshot>, Stop> {
        let fields: Vec<FieldOf> = self.walkers.iter().map(|walker| self.field_of(walker)).collect();
        let problem = self.problem;
        let process = Process::new(
            problem.batch,
            problem.learning_rate,
            t,
            self.plan.faults.batch_noise,
            self.plan.population,
            self.plan.moment_matching,
        );
        let drives: Vec<Drive> = self.walkers.iter().map(|walker| walker.drive).collect();
        let copies = drives.iter().filter(|drive| **drive != Drive::Tangent).count();
        let sources = if problem.temperature > 0.0 { copies } else { 0 };
        // With noise in the gradients every walker needs a fresh field in every update.
        let eager = if process.is_certain() || is_last { 0 } else { drives.len() + sources };
        let mut sums = std::mem::take(&mut self.sums);
        let columns = std::mem::take(&mut self.columns);
        let (columns, fields, process, drives) = (&columns[..], &fields[..], &process, &drives[..]);
        let request = Update { columns, fields, process, drives, fresh: eager, observe };
        self.population.update(&request, &mut sums);
        let snapshot = observe.then(|| self.snapshot(&sums));
        if !(sums.gram.iter().all(|x| x.is_finite()) && sums.loss.is_finite()) {
            return Err(Stop::Diverged { update: t });
        }
        if !is_last {
            let gradients = self.decompose(&mut sums, process.is_certain(), eager, sources)?;
            self.step(&gradients, sources);
            self.set_forces_in(t);
            let carried = self.plan.population / SAMPLES_PER_FIELD;
            if self.fields.len() > 1 + self.forces.len() + carried {
                return Err(Stop::TooSmall { fields: carried, update: t });
            }
        }
        self.sums = sums;
        Ok(snapshot)
    }

    fn snapshot(&self, sums: &Sums) -> Snapshot {
        let root = self.problem.sample_ratio.sqrt();
        let response = |force: &usize| {
            let tangent = self.walkers.iter().find(|walker| walker.force == Some(*force));
            tangent.map_or(0.0, |walker| root * walker.weights.fields[*force])
        };
        Snapshot {
            first: self.walkers[0].weights.clone(),
            second: self.walkers.get(1).filter(|w| w.drive == Drive::Copy(1)).map(|w| w.weights.clone()),
            responses: self.forces.iter().map(response).collect(),
            loss: sums.loss,
            accuracy: sums.accuracy,
        }
    }

    /// Extends basis and pool by what is new in the gradients.
    fn decompose(
        &mut self,
        sums: &mut Sums,
        is_certain: bool,
        eager: usize,
        sources: usize,
    ) -> Result<Vec<Gradient>, Stop> {
        let walkers = self.walkers.len();
        let matched = self.plan.moment_matching;
        let pool = sums.pool;
        let taken_out = self.taken_out(pool);
        let outside = Outside::new(sums, |p| taken_out[p]);
        let combinations = self.gradients(sums, &outside, is_certain);

        // Coordinates of every gradient over the pool, and what is new of it.
        let along_pool: Vec<Vec<f64>> = (0..walkers)
            .map(|a| {
                let mut row = sums.row(a).to_vec();
                if !is_certain && !matched {
                    add(&mut row, 1.0, sums.row(walkers + a));
                }
                row
            })
            .collect();
        let mut new: Vec<Combination> = Vec::new();
        // Squared lengths from which on something is new.
        let mut least = Vec::new();
        let mut coordinates: Vec<Vec<f64>> = Vec::new();
        // Unmatched pools have no explicit way.
        let in_pool = if matched { IN_POOL } else { 1e-4 };
        for (a, gradient) in combinations.iter().enumerate() {
            let within: f64 =
                along_pool[a].iter().zip(&taken_out).filter(|(_, out)| **out).map(|(x, _)| x * x).sum();
            let square = within + outside.inner(gradient, gradient);
            let rounding = self.walkers[a].rounding(square);
            let mut rest = gradient.clone();
            let mut along = outside.reduce(&mut rest, &new);
            let left = outside.inner(&rest, &rest);
            let mut is_new = left > (in_pool * in_pool * square).max(rounding);
            if is_new && is_certain && matched && left < EXPLICIT * EXPLICIT * square {
                if self.population.adjoin_vector(a) {
                    self.population.draw(0, sums);
                    return self.decompose(sums, is_certain, eager, sources);
                }
                // Inner products that differ by the rounding of a pool it lies in.
                is_new = false;
            }
            if is_new {
                let length = left.sqrt();
                rest.iter_mut().for_each(|x| *x /= length);
                new.push(rest);
                along.push(length);
            }
            least.push((self.plan.tolerance * self.plan.tolerance * square).max(rounding));
            coordinates.push(along);
        }
        let first_e = pool + new.len();

        let mut gradients = Vec::new();
        let mut fresh = 0;
        for a in 0..walkers {
            let mut coordinate = along_pool[a].clone();
            coordinate.extend(&coordinates[a]);
            coordinate.resize(first_e, 0.0);
            let before = self.fields.len();
            let found = if matched {
                along_basis(&self.fields, &coordinate, least[a])
            } else {
                along_listed(&self.fields, &coordinate, pool, &coordinates[a], least[a])
            };
            let (mut along_fields, addition) = found;
            if let Some((q, length)) = addition {
                self.fields.push(Field { e: first_e + fresh, q });
                along_fields.push(length);
                fresh += 1;
            }
            let root = self.problem.sample_ratio.sqrt();
            for (sum, field) in along_fields[..before].iter_mut().zip(&self.fields[..before]) {
                let is_own = matches!(field.q, Past::None);
                if field.e < pool && (is_own || !self.plan.faults.response) {
                    *sum += root * coordinate[field.e];
                }
            }
            let noise = if is_certain || matched { 0.0 } else { sums.along_input[walkers + a] };
            gradients.push(Gradient { along_input: sums.along_input[a] + noise, along_fields });
        }
        for copy in 0..sources {
            self.fields.push(Field { e: first_e + fresh + copy, q: Past::None });
        }
        self.complete(sums, &outside, &taken_out, new, fresh + sources, eager);
        Ok(gradients)
    }

    /// The part of the pool that gradients are reduced by: all of an orthonormal one, or the q_j that stand in it.
    fn taken_out(&self, pool: usize) -> Vec<bool> {
        let mut taken_out = vec![self.plan.moment_matching; pool];
        for field in &self.fields {
            if let Past::At(i) = field.q
                && i < pool
            {
                taken_out[i] = true;
            }
        }
        taken_out
    }

    /// The gradients as combinations of the latest vectors.
    fn gradients(&self, sums: &Sums, outside: &Outside, is_certain: bool) -> Vec<Combination> {
        let walkers = self.walkers.len();
        let mut gradients: Vec<Combination> = (0..walkers).map(|a| outside.unit(a)).collect();
        if is_certain {
            return gradients;
        }
        let mut noise: Vec<Combination> = (0..walkers).map(|a| outside.unit(walkers + a)).collect();
        if self.plan.moment_matching {
            let mut means: Vec<Combination> = Vec::new();
            for (a, mean) in gradients.iter().enumerate() {
                let mut u = mean.clone();
                outside.reduce(&mut u, &means);
                let (left, before) = (outside.inner(&u, &u), sums.gram[a * sums.vectors + a]);
                if left > IN_POOL * IN_POOL * before {
                    u.iter_mut().for_each(|x| *x /= left.sqrt());
                    means.push(u);
                }
            }
            for x in &mut noise {
                outside.reduce(x, &means);
            }
            noise = outside.recolour(noise, &sums.noise);
        }
        for (gradient, noise) in gradients.iter_mut().zip(&noise) {
            add(gradient, 1.0, noise);
        }
        gradients
    }

    /// The columns of the pool that the next pass completes: new directions of gradients, then fresh fields.
    fn complete(
        &mut self,
        sums: &mut Sums,
        outside: &Outside,
        taken_out: &[bool],
        mut new: Vec<Combination>,
        fresh: usize,
        eager: usize,
    ) {
        let directions = new.len();
        let vectors = sums.vectors;
        let first = vectors - eager;
        let late;
        let mut outside = outside;
        if fresh > eager {
            self.population.draw(fresh, sums);
            late = Outside::new(sums, |p| taken_out[p]);
            outside = &late;
            new.iter_mut().for_each(|combination| combination.resize(sums.vectors, 0.0));
        }
        let first = if fresh > eager { vectors } else { first };
        for i in 0..fresh {
            let mut e = outside.unit(first + i);
            if self.plan.moment_matching {
                outside.reduce(&mut e, &new);
                let length = outside.inner(&e, &e).sqrt();
                e.iter_mut().for_each(|x| *x /= length);
            }
            new.push(e);
        }
        let column = |(i, over_vectors): (usize, Combination)| {
            let is_reduced = self.plan.moment_matching || i < directions;
            let mut over_pool = vec![0.0; if is_reduced { sums.pool } else { 0 }];
            for (v, &c) in over_vectors.iter().enumerate().filter(|(_, c)| is_reduced && **c != 0.0) {
                add(&mut over_pool, -c, sums.row(v));
            }
            over_pool.iter_mut().zip(taken_out).filter(|(_, out)| !**out).for_each(|(x, _)| *x = 0.0);
            Column { over_vectors, over_pool }
        };
        self.columns = new.into_iter().enumerate().map(column).collect();
    }

    /// Moves all weights.
    fn step(&mut self, gradients: &[Gradient], sources: usize) {
        let (fields, push) = (self.fields.len(), push(self.problem));
        for (walker, gradient) in self.walkers.iter_mut().zip(gradients) {
            let source = match walker.drive {
                Drive::Copy(copy) if sources > 0 => Some(fields - sources + copy),
                _ => None,
            };
            walker.step(self.problem, fields, gradient, source, push);
        }
    }
}
