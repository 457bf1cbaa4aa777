//! Gradient descent beside the flows that stand for it.

mod network;
mod parameters;

pub use network::Network;
pub use parameters::KIND;

use super::definition::{IdleKey, idle_where};
use super::spec::{Settings, Violation};
use super::{Definition, Method, ObservableInfo, ProblemKind};
use nalgebra::DMatrix;

/// The loss E(theta).
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// theta^T A theta with a symmetric A: the gradient is 2 A theta, the Hessian 2 A.
    Quadratic { matrix: DMatrix<f64> },
    /// (a - x)^2 + b (y - x^2)^2 of theta = (x, y).
    Rosenbrock { a: f64, b: f64 },
    /// Half the mean squared error of a small tanh network.
    Network(Network),
}

/// The flow that the law follows, H the Hessian and g the gradient of E, h the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// -g.
    Gradient,
    /// -g - (h/2) H g.
    Igr,
    /// -g - (h/2) H g - h^2 (H^2 g / 3 + D^3 E[g, g] / 12).
    ThirdOrder,
    /// sum_i ln(1 - h l_i) / (h l_i) (g.u_i) u_i over the eigenpairs of H.
    Principal,
    /// The same less (h^2 / 12) D^3 E[g, g].
    PrincipalCorrected,
}

/// ln(1 - h l) beyond h l = 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// ln |1 - h l|.
    Real,
    /// ln |1 - h l| + i pi; real parts are reported.
    Complex,
}

/// What observe.times counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// h x updates.
    Time,
    Updates,
}

/// theta <- theta - h g, h = `step` / size, `step` the key learning_rate.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscretisationDrift {
    pub function: Function,
    pub flow: Flow,
    pub branch: Branch,
    pub step: f64,
    pub clock: Clock,
    /// theta at time 0.
    pub start: Vec<f64>,
}

const DECLARED: &str = "every key is declared and checked";

impl DiscretisationDrift {
    /// h at this size; a law without a simulation has size 0 and the step itself.
    pub fn step_at(&self, size: usize) -> f64 {
        self.step / size.max(1) as f64
    }

    /// Entries of theta.
    pub fn dimension(&self) -> usize {
        self.start.len()
    }

    pub fn updates_at(&self, time: f64, size: usize) -> u64 {
        match self.clock {
            Clock::Time => (time / self.step_at(size)).round() as u64,
            Clock::Updates => time.round() as u64,
        }
    }

    pub fn time_of(&self, updates: u64, size: usize) -> f64 {
        match self.clock {
            Clock::Time => updates as f64 * self.step_at(size),
            Clock::Updates => updates as f64,
        }
    }

    /// Time of the flow at a time of the clock.
    pub fn flow_time(&self, time: f64, size: usize) -> f64 {
        match self.clock {
            Clock::Time => time,
            Clock::Updates => time * self.step_at(size),
        }
    }

    /// Whether the flow depends on the branch of the logarithm.
    pub fn is_principal(&self) -> bool {
        matches!(self.flow, Flow::Principal | Flow::PrincipalCorrected)
    }

    pub fn is_quadratic(&self) -> bool {
        matches!(self.function, Function::Quadratic { .. })
    }

    /// See [`super::Problem::from_settings`].
    ///
    /// # Errors
    /// Matrices that are not symmetric, starts of another length than theta.
    pub fn from_settings(settings: &Settings) -> Result<Self, Vec<Violation>> {
        let mut broken = Vec::new();
        let (kind, keys) = settings.tagged("function").expect(DECLARED);
        let number = |key| keys.number(key).expect(DECLARED);
        let count = |key| keys.count(key).expect(DECLARED);
        let function = match kind {
            "rosenbrock" => Function::Rosenbrock { a: number("a"), b: number("b") },
            "network" => Function::Network(Network::new(
                count("inputs"),
                count("units"),
                count("samples"),
                number("weight_std"),
                count("seed") as u64,
            )),
            "matrix" => {
                let list = keys.matrix("A").expect(DECLARED);
                let n = list.len();
                let square = list.iter().all(|row| row.len() == n);
                let symmetric = square && (0..n).all(|i| (0..i).all(|j| list[i][j] == list[j][i]));
                if !symmetric || n == 0 {
                    let rule = "is not symmetric: theta^T A theta sees the symmetric part alone";
                    broken.push(Violation::new("function.A", rule, "give (A + A^T)/2"));
                }
                let entry = |i: usize, j: usize| if symmetric { list[i][j] } else { 0.0 };
                Function::Quadratic { matrix: DMatrix::from_fn(n, n, entry) }
            }
            _ => {
                let values = keys.vector("values", 1).expect(DECLARED);
                if values.is_empty() {
                    broken.push(Violation::new(
                        "function.values",
                        "is empty",
                        "give at least one eigenvalue",
                    ));
                }
                let n = values.len();
                let entry = |i: usize, j: usize| if i == j { values[i] } else { 0.0 };
                Function::Quadratic { matrix: DMatrix::from_fn(n, n, entry) }
            }
        };
        let dimension = match &function {
            Function::Quadratic { matrix } => matrix.nrows(),
            Function::Rosenbrock { .. } => 2,
            Function::Network(network) => network.parameters(),
        };
        let start = match (settings.vector("start", dimension), &function) {
            (Some(start), _) => start,
            (None, Function::Network(network)) => network.start(),
            (None, _) => {
                let rule = "is missing, and the function draws none";
                broken.push(Violation::new("start", rule, "give the coordinates at time 0"));
                vec![0.0; dimension]
            }
        };
        if start.len() != dimension {
            let rule = format!("has {} coordinates, and the function has {dimension}", start.len());
            broken.push(Violation::new("start", rule, format!("give one number, or a list of {dimension}")));
        }
        let flow = match settings.text("flow").expect(DECLARED) {
            "igr" => Flow::Igr,
            "third-order" => Flow::ThirdOrder,
            "principal" => Flow::Principal,
            "principal-corrected" => Flow::PrincipalCorrected,
            _ => Flow::Gradient,
        };
        let branch = match settings.text("branch").expect(DECLARED) {
            "complex" => Branch::Complex,
            _ => Branch::Real,
        };
        let clock = match settings.text("clock").expect(DECLARED) {
            "updates" => Clock::Updates,
            _ => Clock::Time,
        };
        let step = settings.number("learning_rate").expect(DECLARED);
        let problem = Self { function, flow, branch, step, clock, start };
        if broken.is_empty() { Ok(problem) } else { Err(broken) }
    }
}

impl Definition for DiscretisationDrift {
    fn kind(&self) -> &'static ProblemKind {
        &KIND
    }

    fn idle_keys(&self) -> Vec<IdleKey> {
        idle_where([(!self.is_principal(), "branch", "it concerns the principal flows")])
    }

    fn observables(&self) -> Vec<ObservableInfo> {
        let entry = |name, label, doc, shape, positive| ObservableInfo {
            name,
            label,
            doc,
            shape,
            positive,
            symmetric: false,
        };
        vec![
            entry("loss", "loss $E$", "the function at theta", vec![], !self.is_quadratic()),
            entry("theta", "$θ$", "coordinates", vec![self.dimension()], false),
            entry(
                "sharpness",
                "$h λ$_{max}",
                "step times the largest eigenvalue of the Hessian at theta: above 2 plain steps grow",
                vec![],
                false,
            ),
        ]
    }

    fn uncovered(&self) -> Option<String> {
        (self.branch == Branch::Complex && self.is_principal() && !self.is_quadratic()).then(|| {
            "the complex branch is followed for quadratics alone; elsewhere the loss has to be continued to complex \
             coordinates: set branch = \"real\""
                .into()
        })
    }

    fn replica_bytes(&self, _size: usize, _method: Method) -> f64 {
        let n = self.dimension() as f64;
        8.0 * (4.0 * n * n + 1e4)
    }

    fn law_needs_size(&self) -> bool {
        true
    }

    fn recorded_time(&self, time: f64, size: usize) -> f64 {
        self.time_of(self.updates_at(time, size), size)
    }

    /// See [`Definition::cost`].
    fn cost(&self, end: f64, size: usize, _method: Method, law: bool) -> f64 {
        let n = self.dimension() as f64;
        let update = match &self.function {
            Function::Network(network) => 2e-8 * n * network.inputs.ncols() as f64,
            _ => 1e-8 * n * n,
        };
        let updates = self.updates_at(end, size.max(1)) as f64;
        let simulation = if size == 0 { 0.0 } else { updates * update };
        let law = if law && !self.is_quadratic() { 1e-8 * n * n * n * (100.0 + updates) } else { 0.0 };
        simulation + law
    }

    fn size_symbol(&self) -> &'static str {
        if self.step == 1.0 { "1/$h$" } else { "(η/$h$)" }
    }
}
