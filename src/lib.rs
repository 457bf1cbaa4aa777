//! asymptotica tests the exact theory of high-dimensional learning against the learning itself.
//!
//! For a learning problem that theory claims to solve in high dimension, it answers: *does the exact
//! asymptotic law predict what finite networks do, and how large is the gap at finite size?* It integrates the
//! law, runs the finite-dimensional algorithm beside it, decides by an equivalence test that can fail, and
//! draws both. The binary `figure` is the way in; this page is the map.
//!
//! # Two roads
//! A problem is defined once, in [`problem`]. [`theory`] and [`simulate`] read the definition and never each
//! other, which `tests/architecture.rs` enforces. [`run`] alone sees both.
//!
//! ```text
//!                    ┌──────────── problem ────────────┐      definitions: parameters, scalings, starts
//!                    │                │                │
//!   math  linalg ─► ode ─► theory     │     simulate ◄─ rng   law | algorithm on vectors of length d
//!                    └────────┬───────┴───────┬────────┘
//!                         trajectory     trajectory           observables by name, at completed updates
//!                             └───── run ─────┘ ◄── scenario  TOML -> checked values
//!                                     │
//!                            compare ─┴─► report              bands and verdict; figures, tables, records
//! ```
//! [`markup`] is the text of figures: [`scenario`] checks it where it is written, [`report`] sets it.
//!
//! # Notation
//! | letter | meaning |
//! |---|---|
//! | d | input dimension, the size that goes to infinity |
//! | t | time = completed updates / d |
//! | K, M (`k`, `m`) | units of student and teacher |
//! | w_k, w*_m | their weights, vectors of length d |
//! | λ_k = w_k·x/√d, ρ_m = w*_m·x/√d | fields |
//! | Q, R, T (`q`, `r`, `t_overlap`) | overlaps w wᵀ/d, w w*ᵀ/d, w* w*ᵀ/d |
//! | v, v* | second layers |
//! | g | activation |
//! | η (`eta`) | learning rate on the clock t |
//! | σ (`noise_std`) | standard deviation of the label noise |
//! | κ | weight decay per unit of t |
//! | b | batch size |
//! | ε_g | generalisation error, half the mean squared difference of outputs without label noise |
//!
//!
//! Deep linear networks have letters of their own: L weight matrices W_l of widths N_0 ... N_L, target map A = U s Vᵀ,
//! mode strengths u_i, κ the learning rate and η the length of one step; time = η × updates, and the sizes of a
//! simulation are 1/η (or divide the weights at time 0).
//!
//! Gaussian mixtures: α = n/d samples per dimension, Δ cluster variance, λ ridge, ν divisor of the sum over samples, b
//! share of the samples in an update, τ persistence time, m = w·v/d, C(t, t') = w(t)·w(t')/d; time = updates.
//!
//! Linear regression and its relatives keep the letters of their papers: `linear-regression` a = P/N samples per input,
//! S = (σ_w² + σ_0²)/σ²; `streaming-sgd` γ the rate on t = updates / d, l_i eigenvalues of the inputs, B the batch;
//! `noisy-quadratic` h_i curvatures of K modes, p the preconditioner's power; `transfer` δ = w* − w_0, d/n inputs per
//! sample; `batch-hessian` P dimensions, outliers l_i. Their exact units stand in `figure describe KIND`.
//!
//! Small exact laws: `class-imbalance` π_k frequencies of c classes, z_k margins, κ rate, η = κ/size; `matrix-sensing`
//! M target of rank r in n dimensions, k columns of X or F and G, m measurements; `discretisation-drift` E loss, g
//! gradient, H Hessian with eigenvalues l_i, h step.
//!
//! Three more keep theirs as well: `extensive-width` κ = m/d units, α = n/d² samples, Δ the noise; `in-context` n examples in a
//! prompt, s² the noise, B prompts per update; `sparse-parity` k features, β = B/d^(k−1).
//!
//! Kernels: `ntk` L hidden layers of width n, S and T covariance and tangent kernel, P training points; `kernel-regression` n
//! samples, λ_i eigenvalues, a_i coefficients of the target, δ the ridge, κ the effective one; time = samples.
//!
//! # A law in five lines
//! Soft committee machine, K = M = 2, the start of the high-precision anchor of the tests:
//!
//! ```
//! use asymptotica::scenario::{Overrides, Source, resolve};
//! use asymptotica::theory;
//!
//! let text = r#"
//! title = "anchor"
//! source = "example"
//! [problem]
//! kind = "committee"
//! student_width = 1
//! teacher_width = 1
//! activation = "linear"
//! learning_rate = 0.5
//! noise_std = 0.2
//! trained = "first-layer"
//! init = { kind = "given", Q = [[0.3]], R = [[0.2]] }
//! [observe]
//! times = [0.0, 60.0]
//! [law]
//! start = "given"
//! [[panel]]
//! y = "generalisation_error"
//! "#;
//! let scenario = resolve(&Source::from_text("anchor", "anchor.toml", text)?, &Overrides::default())?;
//! let case = &scenario.cases[0];
//! let options = theory::LawOptions { tolerance: 1e-10, faults: vec![], measure_error: false };
//! let curve = theory::integrate(
//!     &case.problem, &case.problem.limit_start(), &case.observe.times, &case.observe.observables, &options,
//! )?;
//! // One linear unit learns to the noise floor η σ² / (4 − 2 η).
//! let end = curve.get("generalisation_error").unwrap()[1];
//! assert!((end - 0.5 * 0.04 / (4.0 - 1.0)).abs() < 1e-9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod compare;
pub mod linalg;
pub mod markup;
pub mod math;
pub mod ode;
pub mod problem;
pub mod report;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod simulate;
pub mod theory;
pub mod trajectory;
