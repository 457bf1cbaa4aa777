//! Student, teachers, means and inputs as vectors of length d.

use super::learner::{Body, Fields};
use crate::problem::scaling::OnePassStep;
use crate::problem::teacher_mixture::{Init, Overlaps, TeacherMixture};
use crate::rng::{Gaussians, Stream};
use crate::simulate::SimulationError;
use crate::simulate::dense::{add, dot};
use crate::simulate::semidefinite::square_root;
use nalgebra::{DMatrix, DVector};

/// Coordinates of samples between two questions whether to stop: some milliseconds.
const WORK_BETWEEN_POLLS: usize = 1 << 21;

/// Inputs come from the stream `data`, student, teachers and means from `init`.
pub(super) struct Vectors {
    d: usize,
    variance: Vec<f64>,
    student: Vec<f64>,
    teachers: Vec<Vec<f64>>,
    /// Empty where all means are 0.
    means: Vec<Vec<f64>>,
    step: OnePassStep,
    inputs: Box<Gaussians>,
    x: Vec<f64>,
    test_set: Stream,
}

impl Vectors {
    pub fn new(problem: &TeacherMixture, d: usize, stream: &Stream) -> Result<Self, SimulationError> {
        if d == 0 {
            return Err(SimulationError::TooSmall { size: 0, needed: 1 });
        }
        let groups = problem.groups();
        let init = stream.child("init");
        let start = problem.limit_start();
        let (student, mut fixed) = match problem.init {
            Init::Random { std } => {
                let fixed = realise(&start.fixed_gram(), d, &init.child("fixed"))?;
                let mut student = vec![0.0; d];
                init.child("student").gaussians().fill(&mut student);
                student.iter_mut().for_each(|w| *w *= std);
                (student, fixed)
            }
            _ => {
                let mut all = realise(&start.gram(), d, &init.child("fixed"))?;
                (all.remove(0), all)
            }
        };
        let mut means = fixed.split_off(groups);
        if !problem.has_means() {
            means.clear();
        }
        Ok(Self {
            d,
            variance: problem.variance.clone(),
            student,
            teachers: fixed,
            means,
            step: OnePassStep::new(d),
            inputs: Box::new(stream.child("data").gaussians()),
            x: vec![0.0; d],
            test_set: stream.child("test-set"),
        })
    }

    /// What turns normal numbers into an input of a sub-population.
    fn law(&self, group: usize) -> InputLaw<'_> {
        let mean = self.means.get(group).map(Vec::as_slice);
        InputLaw { width: self.variance[group].sqrt(), mean, scale: self.step.field }
    }

    fn fields(&self, group: usize, x: &[f64]) -> Fields {
        Fields {
            student: dot(&self.student, x) * self.step.field,
            teacher: dot(&self.teachers[group], x) * self.step.field,
        }
    }
}

/// x = scale mean + width z.
struct InputLaw<'a> {
    width: f64,
    mean: Option<&'a [f64]>,
    scale: f64,
}

impl InputLaw<'_> {
    fn draw(&self, normals: &mut Gaussians, x: &mut [f64]) {
        normals.fill(x);
        match self.mean {
            Some(mean) => x.iter_mut().zip(mean).for_each(|(x, m)| *x = self.width * *x + self.scale * m),
            None => x.iter_mut().for_each(|x| *x *= self.width),
        }
    }
}

/// Vectors with these overlaps, exactly, in random orientation: with gram = A A^T, A of full column rank, vector a
/// is sum_j A_aj f_j on a random orthonormal frame f_j (times sqrt d).
fn realise(gram: &DMatrix<f64>, d: usize, stream: &Stream) -> Result<Vec<Vec<f64>>, SimulationError> {
    let factor = square_root(gram)?;
    let rank = factor.ncols();
    if d < rank {
        return Err(SimulationError::TooSmall { size: d, needed: rank });
    }
    let mut gaussians = stream.gaussians();
    let mut frame: Vec<Vec<f64>> = Vec::with_capacity(rank);
    for _ in 0..rank {
        let mut f = vec![0.0; d];
        gaussians.fill(&mut f);
        // Gram-Schmidt twice: orthogonal to rounding, whatever the vectors (Giraud et al. 2005).
        for other in frame.iter().chain(&frame) {
            let overlap = dot(other, &f) / d as f64;
            add(&mut f, -overlap, other);
        }
        let length = (dot(&f, &f) / d as f64).sqrt();
        f.iter_mut().for_each(|x| *x /= length);
        frame.push(f);
    }
    let vector = |row: usize| {
        let mut v = vec![0.0; d];
        for (j, f) in frame.iter().enumerate() {
            add(&mut v, factor[(row, j)], f);
        }
        v
    };
    Ok((0..gram.nrows()).map(vector).collect())
}

impl Body for Vectors {
    fn next_input(&mut self, group: usize) -> Fields {
        let mean = self.means.get(group).map(Vec::as_slice);
        let law = InputLaw { width: self.variance[group].sqrt(), mean, scale: self.step.field };
        law.draw(&mut self.inputs, &mut self.x);
        self.fields(group, &self.x)
    }

    fn descend(&mut self, c: f64) {
        add(&mut self.student, c, &self.x);
    }

    fn overlaps(&mut self) -> Overlaps {
        let groups = self.teachers.len();
        let overlap = |a: &[f64], b: &[f64]| dot(a, b) / self.d as f64;
        let with_mean = |a: &[f64], c: usize| self.means.get(c).map_or(0.0, |mean| overlap(a, mean));
        let (w, t) = (&self.student, &self.teachers);
        Overlaps {
            q: overlap(w, w),
            r: DVector::from_fn(groups, |c, _| overlap(w, &t[c])),
            m: DVector::from_fn(groups, |c, _| with_mean(w, c)),
            b: 0.0,
            t: DMatrix::from_fn(groups, groups, |i, j| overlap(&t[i], &t[j])),
            s: DMatrix::from_fn(groups, groups, |j, c| with_mean(&t[j], c)),
            u: DMatrix::from_fn(groups, groups, |a, c| {
                self.means.get(a).map_or(0.0, |mean| with_mean(mean, c))
            }),
        }
    }

    fn probe(
        &mut self,
        group: usize,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(Fields),
    ) -> bool {
        let mut inputs = self.test_set.index(number as u64).index(group as u64).gaussians();
        let mut x = vec![0.0; self.d];
        for sample in 0..samples {
            if sample % (WORK_BETWEEN_POLLS / self.d + 1) == 0 && stop() {
                return false;
            }
            self.law(group).draw(&mut inputs, &mut x);
            take(self.fields(group, &x));
        }
        true
    }

    fn updates_between_polls(&self) -> u64 {
        (WORK_BETWEEN_POLLS / self.d) as u64 + 1
    }
}
