//! The training set: stored, or revealed only in the directions that the algorithm uses.

use super::kernels::{add, dot, dots};
use crate::problem::gaussian_mixture::{Data as Law, GaussianMixture};
use crate::rng::{Gaussians, Simd, Stream};
use rand::{Rng, RngExt};

/// Relative length below which a direction counts as one that is known already.
const KNOWN: f64 = 1e-9;

/// v of length sqrt d.
pub(super) fn centre(d: usize, stream: &Stream) -> Vec<f64> {
    let mut v = vec![0.0; d];
    stream.child("teacher").gaussians().fill(&mut v);
    let square: f64 = v.iter().map(|x| x * x).sum();
    let scale = (d as f64 / square).sqrt();
    v.iter_mut().for_each(|x| *x *= scale);
    v
}

/// n samples x = c v/sqrt d + sqrt(Delta) z with their labels.
pub(super) struct Samples {
    pub labels: Vec<f64>,
    /// c.
    centres: Vec<f64>,
    v: Vec<f64>,
    /// 1 / sqrt d.
    field: f64,
    /// sqrt Delta.
    std: f64,
    inputs: Inputs,
}

enum Inputs {
    /// x, one sample after the other.
    Stored {
        simd: Simd,
        x: Vec<f64>,
    },
    Deferred(Box<Deferred>),
}

impl Samples {
    pub fn new(problem: &GaussianMixture, d: usize, v: &[f64], is_stored: bool, stream: &Stream) -> Self {
        let n = problem.samples(d);
        let field = problem.scaling(d).field;
        let std = problem.cluster_variance.sqrt();
        let mut random = stream.child("clusters").generator();
        let mut cluster = || match (problem.data, random.random::<f64>()) {
            (Law::TwoClusters, u) => 1.0 - 2.0 * f64::from(u < 0.5),
            (Law::ThreeClusters { .. }, u) if u >= 0.5 => 1.0 - 2.0 * f64::from(u < 0.75),
            (Law::ThreeClusters { .. } | Law::LinearTeacher { .. }, _) => 0.0,
        };
        let centres: Vec<f64> = (0..n).map(|_| cluster()).collect();
        let normals = stream.child("data").gaussians();
        let inputs = if is_stored {
            stored(d, v, &centres, field, std, normals)
        } else {
            Inputs::Deferred(Box::new(Deferred::new(n, d, normals)))
        };
        let mut samples = Self { labels: Vec::new(), centres, v: v.to_vec(), field, std, inputs };
        samples.labels = match problem.data {
            Law::TwoClusters => samples.centres.clone(),
            Law::ThreeClusters { .. } => samples.centres.iter().map(|c| 2.0 * c * c - 1.0).collect(),
            Law::LinearTeacher { noise_std } => {
                // v.z/sqrt d is the field of v over sqrt Delta.
                let mut y = vec![0.0; n];
                samples.fields(v, &(0..n as u32).collect::<Vec<u32>>(), &mut y);
                let mut noise = stream.child("label-noise").gaussians();
                y.iter_mut().for_each(|y| *y = *y / std + noise_std * noise.next());
                y
            }
        };
        samples
    }

    pub fn len(&self) -> usize {
        self.centres.len()
    }

    /// r of the chosen samples, w.x/sqrt d, one after the other.
    pub fn fields(&mut self, w: &[f64], chosen: &[u32], r: &mut Vec<f64>) {
        r.resize(chosen.len(), 0.0);
        match &mut self.inputs {
            Inputs::Stored { simd, x } => {
                dots(*simd, x, chosen, w, r);
                r.iter_mut().for_each(|r| *r *= self.field);
            }
            Inputs::Deferred(deferred) => {
                let simd = deferred.simd;
                let m = self.field * self.field * dot(simd, w, &self.v);
                let z = deferred.times(w);
                for (r, &i) in r.iter_mut().zip(chosen) {
                    *r = self.centres[i as usize] * m + self.std * self.field * z[i as usize];
                }
            }
        }
    }

    /// sum over the chosen samples of g x/sqrt d.
    pub fn gradient(&mut self, chosen: &[u32], g: &[f64], sum: &mut [f64]) {
        match &mut self.inputs {
            Inputs::Stored { simd, x } => {
                sum.fill(0.0);
                add(*simd, x, chosen, g, sum);
                sum.iter_mut().for_each(|s| *s *= self.field);
            }
            Inputs::Deferred(deferred) => {
                let mut all = vec![0.0; self.centres.len()];
                for (&i, &g) in chosen.iter().zip(g) {
                    all[i as usize] = g;
                }
                let along: f64 = chosen.iter().zip(g).map(|(&i, g)| self.centres[i as usize] * g).sum();
                let z = deferred.transposed_times(&all);
                let along = self.field * self.field * along;
                for ((sum, z), v) in sum.iter_mut().zip(&z).zip(&self.v) {
                    *sum = along * v + self.std * self.field * z;
                }
            }
        }
    }
}

fn stored(d: usize, v: &[f64], centres: &[f64], field: f64, std: f64, mut normals: Gaussians) -> Inputs {
    let mut x = vec![0.0; centres.len() * d];
    normals.fill(&mut x);
    for (x, c) in x.chunks_exact_mut(d).zip(centres) {
        x.iter_mut().zip(v).for_each(|(x, v)| *x = std * *x + c * field * v);
    }
    Inputs::Stored { simd: Simd::best(), x }
}

/// An n x d matrix Z of independent N(0, 1) entries that is never formed.
///
/// Deferred decisions (Lu 2021, "Householder Dice"; here by Gaussian conditioning): orthonormal p_j in R^d with their
/// images Z p_j and orthonormal u_i in R^n with Z^T u_i are kept. Given them Z is fixed on both spans and a fresh Gaussian
/// matrix between the two complements, so the image of a new direction p is sum_i (Z^T u_i . p) u_i plus a fresh vector
/// orthogonal to all u_i. What is returned has exactly the law of products with one stored matrix. An update that
/// brings a new direction on each side costs O((n + d) k) for k directions.
struct Deferred {
    simd: Simd,
    normals: Gaussians,
    right: Basis,
    left: Basis,
}

/// Orthonormal vectors with their images, one after the other.
struct Basis {
    length: usize,
    image_length: usize,
    vectors: Vec<f64>,
    images: Vec<f64>,
}

impl Basis {
    fn new(length: usize, image_length: usize) -> Self {
        Self { length, image_length, vectors: Vec::new(), images: Vec::new() }
    }

    fn all(&self) -> Vec<u32> {
        (0..(self.vectors.len() / self.length.max(1)) as u32).collect()
    }

    /// <x, vector_j> for all j.
    fn along(&self, simd: Simd, x: &[f64]) -> Vec<f64> {
        let all = self.all();
        let mut out = vec![0.0; all.len()];
        dots(simd, &self.vectors, &all, x, &mut out);
        out
    }

    /// Takes the parts along the basis out of x and returns them.
    fn reduce(&self, simd: Simd, x: &mut [f64]) -> Vec<f64> {
        let all = self.all();
        let mut along = vec![0.0; all.len()];
        for _ in 0..2 {
            let part: Vec<f64> = self.along(simd, x).iter().map(|p| -p).collect();
            add(simd, &self.vectors, &all, &part, x);
            along.iter_mut().zip(&part).for_each(|(a, p)| *a -= p);
        }
        along
    }

    /// sum_j c_j image_j.
    fn image(&self, simd: Simd, c: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.image_length];
        add(simd, &self.images, &self.all(), c, &mut sum);
        sum
    }

    fn push(&mut self, vector: &[f64], image: &[f64]) {
        self.vectors.extend_from_slice(vector);
        self.images.extend_from_slice(image);
    }
}

impl Deferred {
    fn new(n: usize, d: usize, normals: Gaussians) -> Self {
        Self { simd: Simd::best(), normals, right: Basis::new(d, n), left: Basis::new(n, d) }
    }

    /// Z w.
    fn times(&mut self, w: &[f64]) -> Vec<f64> {
        product(self.simd, &mut self.normals, &mut self.right, &self.left, w)
    }

    /// Z^T g.
    fn transposed_times(&mut self, g: &[f64]) -> Vec<f64> {
        product(self.simd, &mut self.normals, &mut self.left, &self.right, g)
    }
}

/// The image of x under the matrix whose known products on the side of x are `own`, on the other side `other`.
fn product(simd: Simd, normals: &mut Gaussians, own: &mut Basis, other: &Basis, x: &[f64]) -> Vec<f64> {
    let mut rest = x.to_vec();
    let along = own.reduce(simd, &mut rest);
    let mut image = own.image(simd, &along);
    let length = dot(simd, &rest, &rest).sqrt();
    if length <= KNOWN * dot(simd, x, x).sqrt() {
        return image;
    }
    rest.iter_mut().for_each(|r| *r /= length);
    let mut fresh = vec![0.0; own.image_length];
    normals.fill(&mut fresh);
    other.reduce(simd, &mut fresh);
    // What the products on the other side already say of this direction.
    let all = other.all();
    let mut said = vec![0.0; all.len()];
    dots(simd, &other.images, &all, &rest, &mut said);
    add(simd, &other.vectors, &all, &said, &mut fresh);
    image.iter_mut().zip(&fresh).for_each(|(i, f)| *i += length * f);
    own.push(&rest, &fresh);
    image
}

/// One fresh sample: its field by each of some weights, and its label without noise.
pub(super) fn fresh_fields(
    problem: &GaussianMixture,
    w: &[f64],
    v: &[f64],
    normals: &mut Gaussians,
    random: &mut impl Rng,
    room: &mut [f64],
) -> (f64, f64) {
    let simd = Simd::best();
    let field = problem.scaling(w.len()).field;
    normals.fill(room);
    let u: f64 = random.random();
    let c = match problem.data {
        Law::TwoClusters => 1.0 - 2.0 * f64::from(u < 0.5),
        Law::ThreeClusters { .. } if u >= 0.5 => 1.0 - 2.0 * f64::from(u < 0.75),
        Law::ThreeClusters { .. } | Law::LinearTeacher { .. } => 0.0,
    };
    let m = field * field * dot(simd, w, v);
    let r = c * m + problem.cluster_variance.sqrt() * field * dot(simd, w, room);
    let y = match problem.data {
        Law::TwoClusters => c,
        Law::ThreeClusters { .. } => 2.0 * c * c - 1.0,
        Law::LinearTeacher { .. } => field * dot(simd, v, room),
    };
    (r, y)
}
