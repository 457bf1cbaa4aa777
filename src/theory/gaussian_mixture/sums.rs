//! Sums over the effective samples.

/// Sums over the population of one update, `vectors` being means of gradients, then their noise if there is any,
/// then fresh Gaussian fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub pool: usize,
    pub vectors: usize,
    /// <vector_i pool_j>, row by row.
    pub along_pool: Vec<f64>,
    /// <vector_i vector_j>.
    pub gram: Vec<f64>,
    /// <vector_i (c + sqrt(Delta) zeta)>.
    pub along_input: Vec<f64>,
    /// <Var(s) d_a d_b> of the walkers' slopes d.
    pub noise: Vec<f64>,
    /// Loss and share of correct samples of the first copy.
    pub loss: f64,
    pub accuracy: f64,
}

impl Sums {
    pub fn clear(&mut self, pool: usize, vectors: usize) {
        (self.pool, self.vectors) = (pool, vectors);
        for (list, length) in [
            (&mut self.along_pool, vectors * pool),
            (&mut self.gram, vectors * vectors),
            (&mut self.along_input, vectors),
        ] {
            list.clear();
            list.resize(length, 0.0);
        }
        (self.loss, self.accuracy) = (0.0, 0.0);
    }

    pub fn add(&mut self, other: &Self) {
        let lists = [
            (&mut self.along_pool, &other.along_pool),
            (&mut self.gram, &other.gram),
            (&mut self.along_input, &other.along_input),
            (&mut self.noise, &other.noise),
        ];
        for (to, from) in lists {
            to.iter_mut().zip(from).for_each(|(a, b)| *a += b);
        }
        self.loss += other.loss;
        self.accuracy += other.accuracy;
    }

    pub fn scale(&mut self, factor: f64) {
        for list in [&mut self.along_pool, &mut self.gram, &mut self.along_input, &mut self.noise] {
            list.iter_mut().for_each(|a| *a *= factor);
        }
        self.loss *= factor;
        self.accuracy *= factor;
    }

    /// <vector_i pool_j> for all j.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.along_pool[i * self.pool..(i + 1) * self.pool]
    }
}
