//! SGD for least squares, one pass and several.

use super::{law, refutes, replicas, scenario, standard_errors};
use asymptotica::linalg::{product, product_transpose, symmetric_eigen, transpose_product};
use asymptotica::problem::streaming_sgd::Group;
use asymptotica::rng::Stream;
use asymptotica::run::Job;
use asymptotica::theory::streaming_sgd::{OnePass, largest_stable_step, largest_stable_step_of_data};
use asymptotica::trajectory::Curve;
use nalgebra::DMatrix;
use rand::RngExt;

pub const GENERIC: &str = "kind = \"streaming-sgd\"
spectrum = { kind = \"list\", values = [1.7, 0.9, 0.3] }
target = { kind = \"isotropic\", norm = 1.2 }
learning_rate = 0.6
noise_std = 0.45
batch = 2";

pub const OBSERVE: &str = "[observe]
times = [0.5, 1.0, 2.0, 4.0, 8.0]
[[panel]]
y = [\"risk\", \"excess_risk\", \"distance\"]
residuals = false";

#[test]
fn the_volterra_equation_and_the_modes_are_one_law() {
    let curve = law(&scenario(GENERIC, OBSERVE, &[]), 0);
    let groups: Vec<Group> = [1.7, 0.9, 0.3]
        .map(|eigenvalue| Group { eigenvalue, fraction: 1.0 / 3.0, squares: 1.44 / 3.0 })
        .to_vec();
    let psi = OnePass { groups: &groups, rate: 0.6, noise: 0.45 * 0.45, batch: 2.0 }.risk(8.0, 160);
    for (time, risk) in curve.times.iter().zip(curve.get("risk").unwrap()) {
        let other = psi[(time * 20.0).round() as usize];
        assert!((risk - other).abs() < 1e-8, "t = {time}: {risk} against {other}");
    }
}

#[test]
fn white_inputs_relax_to_the_noise_floor_in_closed_form() {
    let text = "kind = \"streaming-sgd\"
spectrum = { kind = \"isotropic\" }
learning_rate = 0.7
noise_std = 1.3";
    let curve = law(&scenario(text, OBSERVE, &[]), 0);
    let (gamma, floor) = (0.7, 0.5 * 1.69);
    let end = floor / (1.0 - 0.5 * gamma);
    for (time, risk) in curve.times.iter().zip(curve.get("risk").unwrap()) {
        let expected = end + (floor + 0.5 - end) * (-(2.0 * gamma - gamma * gamma) * time).exp();
        assert!((risk - expected).abs() < 1e-8, "{risk} against {expected}");
    }
}

#[test]
fn the_exact_moments_are_the_mean_of_runs_at_every_dimension() {
    // d = 12 is far from the limit: the limit law is off by 10 standard errors, the exact mean is not.
    let exact = format!("{GENERIC}\nmoments = \"gaussian\"");
    let rest = format!("{OBSERVE}\n[simulation]\nmethod = \"direct\"\nsizes = [12]\nreplicas = 1\nseed = 2");
    let exact = scenario(&exact, &rest, &[]);
    let runs = replicas(&exact, 12, 8000);
    let moments = law(&exact, 12);
    for name in &moments.observables {
        let off = standard_errors(&moments, &runs, name);
        assert!(off < 4.0, "{name}: {off} standard errors");
    }
    let limit = law(&scenario(GENERIC, &rest, &[]), 12);
    assert!(standard_errors(&limit, &runs, "risk") > 6.0);
}

#[test]
fn adaptive_rates_follow_their_law() {
    let text = "kind = \"streaming-sgd\"
spectrum = { kind = \"linear\" }
learning_rate = 1.4
rule = { kind = \"adagrad-norm\", offset = 0.4 }
noise_std = 0.6
batch = 3";
    let rest = OBSERVE.replace("\"distance\"", "\"rate\"")
        + "\n[simulation]\nmethod = \"direct\"\nsizes = [800]\nreplicas = 1\nseed = 2";
    let scenario = scenario(text, &rest, &[]);
    let (law, runs) = (law(&scenario, 800), replicas(&scenario, 800, 24));
    for name in ["risk", "rate"] {
        let (expected, n) = (law.get(name).unwrap(), runs.len() as f64);
        for (k, expected) in expected.iter().enumerate() {
            let mean = runs.iter().map(|r| r.get(name).unwrap()[k]).sum::<f64>() / n;
            // 1/d and the error of the mean are each below half a percent.
            assert!((mean / expected - 1.0).abs() < 0.015, "{name}: {mean} against {expected}");
        }
    }
}

#[test]
fn several_passes_follow_the_spectrum_of_their_own_data() {
    // Law on the data's spectrum against runs on the same data. Only the sampling is random.
    let text = "kind = \"streaming-sgd\"
spectrum = { kind = \"power-law\", exponent = 0.4 }
data = { kind = \"finite\", sample_ratio = 1.5 }
learning_rate = 1.1
noise_std = 0.5
batch = 2
moments = \"data\"
[law]
start = \"replica\"";
    let rest = "[observe]
times = [0.5, 1.0, 2.0, 4.0, 8.0]
[simulation]
method = \"direct\"
sizes = [200]
replicas = 8
seed = 4
[[panel]]
y = [\"training_loss\", \"risk\"]
residuals = false";
    let scenario = scenario(text, rest, &[]);
    let results: Vec<_> = (0..8)
        .map(|r| Job { case: 0, size: 200, replica: Some(r) }.run(&scenario, &|| false).expect("a replica"))
        .collect();
    for name in ["training_loss", "risk"] {
        for k in 0..5 {
            let of = |curve: &Option<Curve>| curve.as_ref().unwrap().get(name).unwrap()[k];
            let ratio: f64 = results.iter().map(|r| of(&r.simulation) / of(&r.law)).sum::<f64>() / 8.0;
            assert!((ratio - 1.0).abs() < 0.03, "{name} at point {k}: {ratio}");
        }
    }
}

#[test]
fn faults_of_the_law_are_refuted() {
    let rest = "[observe]
times = [0.5, 2.0, 6.0]
[simulation]
method = \"direct\"
sizes = [60, 120, 240]
replicas = [3000, 1500, 700]
seed = 3
[[panel]]
y = \"risk\"
[claim]
observables = [\"risk\"]
metric = \"relative\"
resolution = 0.02
limit = \"extrapolate\"";
    refutes(
        GENERIC,
        rest,
        &[
            "drop=gamma2",
            "drop=noise-floor",
            "square=noise",
            "problem.learning_rate=1.1",
            "problem.noise_std=1.1",
            "problem.batch+=1",
            "problem.target.norm=1.1",
        ],
    );
}

#[test]
fn the_largest_stable_step_separates_shrinking_from_growing_moments() {
    let l: Vec<f64> = (1..=100).map(|i| f64::powf(i as f64, -0.7)).collect();
    for (batch, step) in [(1, 0.1808), (4, 0.664), (16, 1.640), (64, 1.933)] {
        assert!((largest_stable_step(&l, batch) - step).abs() < 6e-4, "B = {batch}");
    }
    // The recursion of the moments itself, 1 % on either side of the root.
    let step = largest_stable_step(&l, 4);
    for (factor, grows) in [(0.99, false), (1.01, true)] {
        let eta = factor * step;
        let mut s = vec![1.0; l.len()];
        let mut norms = Vec::new();
        for _ in 0..20_000 {
            let sum: f64 = l.iter().zip(&s).map(|(l, s)| l * s).sum();
            for (l, s) in l.iter().zip(s.iter_mut()) {
                *s = (1.0 - eta * l).powi(2) * *s + eta * eta / 4.0 * (l * l * *s + l * sum);
            }
            norms.push(sum);
        }
        assert_eq!(norms[19_999] > norms[19_000], grows, "factor {factor}");
    }
}

#[test]
fn the_stable_step_of_a_data_set_is_that_of_its_whole_covariance_map() {
    // Second route: the matrix of the map on all of the symmetric matrices, entry by entry.
    let (n, d, batch) = (9, 4, 2);
    let mut x = DMatrix::<f64>::zeros(n, d);
    Stream::root(21).gaussians().fill(x.as_mut_slice());
    let step = largest_stable_step_of_data(&x, batch).unwrap();
    let h = transpose_product(&x, &x) / n as f64;
    let p = (n - batch) as f64 / (batch * (n - 1)) as f64;
    let radius = |eta: f64| {
        let keep = DMatrix::identity(d, d) - &h * eta;
        let mut map = DMatrix::zeros(d * d, d * d);
        for j in 0..d * d {
            let mut s = DMatrix::zeros(d, d);
            s.as_mut_slice()[j] = 1.0;
            let mut noise = -product(&product(&h, &s), &h);
            for i in 0..n {
                let row = x.row(i).transpose();
                let column = DMatrix::from_column_slice(d, 1, row.as_slice());
                let outer = product_transpose(&column, &column);
                noise += product(&product(&outer, &s), &outer) / n as f64;
            }
            let image = product(&product(&keep, &s), &keep) + noise * (p * eta * eta);
            map.as_mut_slice()[j * d * d..(j + 1) * d * d].copy_from_slice(image.as_slice());
        }
        // The map is self-adjoint in the Frobenius product.
        symmetric_eigen(&map).unwrap().values.amax()
    };
    assert!(radius(0.999 * step) < 1.0 && radius(1.001 * step) > 1.0, "step {step}");
}

#[test]
fn batches_of_a_data_set_diverge_just_above_their_stable_step() {
    // Real SGD without replacement on a small data set: the mean square over many runs grows above the step of the
    // covariance map and shrinks below it.
    let (n, d, batch) = (12, 3, 3);
    let mut x = DMatrix::<f64>::zeros(n, d);
    Stream::root(22).gaussians().fill(x.as_mut_slice());
    let step = largest_stable_step_of_data(&x, batch).unwrap();
    let mean_square = |eta: f64, updates: usize| {
        let mut sum = 0.0;
        let runs = 4000;
        for run in 0..runs {
            let mut choice = Stream::root(23).index(run).generator();
            let mut w = [1.0; 3];
            for _ in 0..updates {
                let mut order: Vec<usize> = (0..n).collect();
                let mut gradient = [0.0; 3];
                for b in 0..batch {
                    let pick = choice.random_range(b as u64..n as u64) as usize;
                    order.swap(b, pick);
                    let row = x.row(order[b]);
                    let r: f64 = (0..d).map(|j| row[j] * w[j]).sum();
                    (0..d).for_each(|j| gradient[j] += r * row[j] / batch as f64);
                }
                (0..d).for_each(|j| w[j] -= eta * gradient[j]);
            }
            sum += w.iter().map(|w| w * w).sum::<f64>();
        }
        sum / runs as f64
    };
    assert!(mean_square(0.8 * step, 16) < mean_square(0.8 * step, 4));
    assert!(mean_square(1.25 * step, 16) > mean_square(1.25 * step, 4));
}

/// Data with nearly as many samples as dimensions, late: numbers of an independent quadrature.
#[test]
fn several_passes_are_followed_near_the_interpolation_threshold() {
    let end = |ratio: f64, noise: f64, time: &str| {
        let text = format!(
            "kind = \"streaming-sgd\"\nspectrum = {{ kind = \"isotropic\" }}\nlearning_rate = 1.0\nnoise_std = {noise:?}\nbatch = 1000000
data = {{ kind = \"finite\", sample_ratio = {ratio:?} }}"
        );
        let observe = format!(
            "[observe]\ntimes = [{time}]\n[[panel]]\ny = [\"excess_risk\", \"distance\"]\nresiduals = false"
        );
        law(&scenario(&text, &observe, &[]), 0).values.iter().map(|v| v[0]).collect::<Vec<_>>()
    };
    let late = |ratio| end(ratio, 1.0, "1e6")[0];
    assert!(
        (late(0.99) - 49.505).abs() < 6e-3 && (late(1.0) - 330.2).abs() < 0.2,
        "{} {}",
        late(0.99),
        late(1.0)
    );
    let start = end(1.003, 0.0, "0.0");
    assert!((start[0] - 0.5).abs() < 1e-12 && (start[1] - 1.0).abs() < 1e-12, "{start:?}");
}
