//! What carries the student: vectors of length d, a frame of a few coordinates, or two numbers.

/// A student on the unit sphere, planted directions and inputs.
pub(super) trait Body {
    /// Takes the next input and returns its field h = theta.x.
    fn next_input(&mut self) -> f64;

    /// h*_j of the latest input.
    fn planted_fields(&self) -> &[f64];

    /// |x - h theta|^2 of the latest input; a body that does not know it before its step returns `None`.
    fn tangent_square(&self) -> Option<f64>;

    /// theta <- (theta + alpha (x - h theta)) / its length, for the latest input.
    fn advance(&mut self, alpha: f64);

    /// m_j after the latest step.
    fn overlaps(&self) -> &[f64];

    /// Measures the overlaps anew from what carries the student.
    fn measure(&mut self);

    /// Calls `take` with h and h*_j of `samples` inputs that are not used for learning; `number` tells one call from
    /// another. False if `stop` said so.
    fn probe(
        &mut self,
        samples: usize,
        number: usize,
        stop: &dyn Fn() -> bool,
        take: &mut dyn FnMut(f64, &[f64]),
    ) -> bool;

    /// Updates between two questions whether to stop: some milliseconds.
    fn updates_between_polls(&self) -> u64;
}
