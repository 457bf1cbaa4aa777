//! Descent in function space: components, losses, mini-batches, stopping, and faults that are refuted.

use super::planted::{self, Bench, refutes, replicas, scenario, standard_errors};
use asymptotica::compare::Outcome as Judgement;
use asymptotica::problem::{self, Problem, ntk};
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};
use asymptotica::theory::{self, LawError, LawOptions};
use asymptotica::trajectory::Curve;
use nalgebra::{DMatrix, DVector};

pub(super) fn shipped(name: &str, set: &[&str], faults: &[&str]) -> Scenario {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    let source = Source::read(&path).unwrap_or_else(|report| panic!("{report}"));
    let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
    let overrides = Overrides {
        preset: Some("quick".into()),
        set: own(set),
        faults: own(faults),
        ..Overrides::default()
    };
    resolve(&source, &overrides).unwrap_or_else(|report| panic!("{report}"))
}

pub(super) fn problem(keys: &str) -> Problem {
    let text = format!(
        "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"ntk\"\n{keys}\n[observe]\ntimes = [1.0]\n[law]\nstart = \
         \"replica\"\n[simulation]\nsizes = [8]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"train_loss\"\n"
    );
    let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
    resolve(&source, &Overrides::default())
        .unwrap_or_else(|report| panic!("{report}"))
        .cases
        .remove(0)
        .problem
}

pub(super) fn law(
    problem: &Problem,
    start: &problem::Start,
    times: &[f64],
    names: &[&str],
) -> Result<Curve, LawError> {
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    let options = LawOptions { tolerance: 1e-10, faults: vec![], measure_error: false };
    theory::integrate(problem, start, times, &names, &options)
}

pub(super) fn definition(problem: &Problem) -> &ntk::Ntk {
    match problem {
        Problem::Ntk(problem) => problem,
        _ => panic!("another problem"),
    }
}

/// The three faults that a law of kernel regression must not survive, on the scenario that ships.
#[test]
fn rate_layer_and_bias_are_refuted_at_quick_size() {
    let name = "jacot-2018-components";
    let sound = shipped(name, &[], &[]);
    let bench = Bench::new(&sound);
    let (outcome, sentence) = bench.judge(&sound);
    assert_eq!(outcome, Judgement::Confirmed, "{sentence}");
    for fault in ["learning_rate=1.1", "learning_rate=0.9", "drop=layer", "drop=bias", "drop=derivative"] {
        let (outcome, sentence) = bench.judge(&shipped(name, &[], &[fault]));
        assert_eq!(outcome, Judgement::Refuted, "{fault}: {sentence}");
    }
}

const POINTS: &str = "hidden_layers = 2\nactivation = \"erf\"\nweight_std = 1.5\nbias_std = 0.2\n\
                      inputs = { kind = \"sphere\", points = 5, tests = 2, dimension = 4 }\n\
                      target = { kind = \"polynomial\", coefficients = [0.2, 1.0, 0.5] }\n";

fn start() -> (DVector<f64>, DVector<f64>) {
    (DVector::from_fn(5, |i, _| 0.4 * (1.7 * i as f64).sin()), DVector::from_vec(vec![0.3, -0.2]))
}

fn given() -> problem::Start {
    let (train, test) = start();
    problem::Start::Ntk(ntk::Start::Outputs { train, test })
}

fn kernels(problem: &Problem) -> (ntk::Data, DMatrix<f64>, DMatrix<f64>) {
    let problem = definition(problem);
    let (data, network) = (problem.data(), theory::ntk::network(problem));
    let kernel = network.kernels(&data.inputs).ntk;
    let cross = network.cross_kernels(&data.tests, &data.inputs).ntk;
    (data, kernel, cross)
}

#[test]
fn a_residual_decays_at_the_rate_of_its_eigenvalue() {
    let problem = problem(&format!("{POINTS}learning_rate = 0.7"));
    let (data, kernel, _) = kernels(&problem);
    let eigen = kernel.symmetric_eigen();
    let mut order: Vec<usize> = (0..5).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let names = ["residual[1]", "residual[2]", "residual[4]", "eigenvalue[1]", "eigenvalue[4]"];
    let curve = law(&problem, &given(), &[0.0, 3.0, 40.0], &names).expect("a law");
    for (name, place) in [("residual[1]", 0), ("residual[2]", 1), ("residual[4]", 3)] {
        let v = eigen.eigenvectors.column(order[place]);
        let sign = v.dot(&data.labels).signum();
        let first = sign * v.dot(&(&data.labels - start().0)) / 5.0_f64.sqrt();
        let factor = 1.0 - 0.7 * eigen.eigenvalues[order[place]] / 5.0;
        let found = curve.get(name).expect("recorded");
        for (value, k) in found.iter().zip([0, 3, 40]) {
            assert!((value - first * factor.powi(k)).abs() < 1e-12, "{name} {k}: {value}");
        }
    }
    for (name, place) in [("eigenvalue[1]", 0), ("eigenvalue[4]", 3)] {
        assert!((curve.get(name).expect("recorded")[2] - eigen.eigenvalues[order[place]]).abs() < 1e-12);
    }
}

#[test]
fn components_of_a_multiple_eigenvalue_are_refused_and_harmonics_take_their_place() {
    let circle = problem(
        "hidden_layers = 1\nlearning_rate = 0.3\nbias_std = 0.4\ninputs = { kind = \"circle\", points = 8, tests = 4 }\n\
         target = { kind = \"harmonics\", cosine = [0.0, 1.0, 0.7, 0.2, 0.3], sine = [0.0, 0.5] }",
    );
    let start = problem::Start::Ntk(ntk::Start::Ensemble);
    let error = law(&circle, &start, &[1.0], &["residual[2]"]).expect_err("cosine and sine are degenerate");
    assert!(error.to_string().contains("multiple") && error.to_string().contains("harmonic"), "{error}");
    // The kernel of equal angles is circulant: its eigenvalue at frequency k is the sum of T(g) cos(k g).
    let (_, kernel, _) = kernels(&circle);
    let names = ["harmonic[1]", "harmonic[2]", "harmonic[3]", "harmonic[4]"];
    let curve = law(&circle, &start, &[7.0], &names).expect("a law");
    for (k, amplitude) in [(1, 1.0), (2, 0.7), (3, 0.2), (4, 0.3)] {
        let angle = |i: usize| std::f64::consts::TAU * (k * i) as f64 / 8.0;
        let eigenvalue: f64 = (0..8).map(|i| kernel[(0, i)] * angle(i).cos()).sum();
        let expected = amplitude * (1.0 - 0.3 * eigenvalue / 8.0).powi(7);
        let found = curve.get(&format!("harmonic[{k}]")).expect("recorded")[0];
        assert!((found - expected).abs() < 1e-12, "{k}: {found} {expected}");
    }
}

/// All 100 pairs of batches of two points among five, two updates deep, each a plain linear map.
#[test]
fn second_moments_under_mini_batches_are_means_over_all_batches() {
    let problem = problem(&format!("{POINTS}learning_rate = 0.7\nbatch = 2"));
    let (data, kernel, cross) = kernels(&problem);
    let pairs: Vec<(usize, usize)> = (0..5).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
    let update = |f: &mut DVector<f64>, g: &mut DVector<f64>, (i, j): (usize, usize)| {
        let mut error = DVector::zeros(5);
        error[i] = (f[i] - data.labels[i]) / 2.0;
        error[j] = (f[j] - data.labels[j]) / 2.0;
        *g -= &cross * &error * 0.7;
        *f -= &kernel * &error * 0.7;
    };
    let mut sums = [0.0; 4];
    for first in &pairs {
        for second in &pairs {
            let (mut f, mut g) = start();
            update(&mut f, &mut g, *first);
            update(&mut f, &mut g, *second);
            sums[0] += 0.5 * (&f - &data.labels).norm_squared() / 5.0;
            sums[1] += 0.5 * (&g - &data.test_labels).norm_squared() / 2.0;
            sums[2] += g[1] * g[1];
            sums[3] += g[1];
        }
    }
    let names = ["train_loss", "test_loss", "f_squared[2]", "f[2]"];
    let curve = law(&problem, &given(), &[2.0], &names).expect("a law");
    for (name, sum) in names.iter().zip(sums) {
        let found = curve.get(name).expect("recorded")[0];
        assert!((found - sum / 100.0).abs() < 1e-12, "{name}: {found} {}", sum / 100.0);
    }
}

const BATCHES: &str = "kind = \"ntk\"\nhidden_layers = 1\nactivation = \"erf\"\nweight_std = 1.5\nbias_std = 0.3\n\
                       learning_rate = 0.5\nbatch = 2\ncentred = true\n\
                       inputs = { kind = \"circle\", points = 6, tests = 6 }\n\
                       target = { kind = \"harmonics\", cosine = [0.0, 1.0, 0.5] }\n[law]\nstart = \"limit\"";
const BATCH_RUNS: &str = "[observe]\ntimes = [1.0, 2.0, 4.0]\n[simulation]\nmethod = \"direct\"\nsizes = [400]\n\
                          replicas = 4000\nseed = 4\n[[panel]]\ny = \"train_loss\"\n[claim]\n\
                          observables = [\"train_loss\"]\nmetric = \"absolute\"\nresolution = 0.1\n";

#[test]
fn wide_networks_follow_the_moments_of_mini_batches() {
    let sound = scenario(BATCHES, BATCH_RUNS, &[]);
    let (runs, law) = (replicas(&sound, 400, 200), planted::law(&sound, 400));
    let gap = standard_errors(&law, &runs, "train_loss");
    assert!(gap < 4.0, "{gap}");
    refutes(BATCHES, BATCH_RUNS, &["drop=batch", "batch+=1"]);
}

/// Halving the step halves the distance to the flow, which Runge-Kutta steps follow.
#[test]
fn logistic_descent_becomes_its_flow() {
    let at = |rate: f64| {
        let problem = problem(&format!("{POINTS}loss = \"logistic\"\nlearning_rate = {rate}"));
        law(&problem, &given(), &[(4.0 / rate).round()], &["f_train[2]", "f[1]", "train_loss"])
            .expect("a law")
    };
    let problem = problem(&format!("{POINTS}loss = \"logistic\"\nlearning_rate = 1.0"));
    let (data, kernel, cross) = kernels(&problem);
    assert!(data.labels.iter().all(|y| y.abs() == 1.0));
    // p - 1 for the class of the label: the softmax of (f, 0) less the one-hot label.
    let gradient = |f: &DVector<f64>| {
        DVector::from_fn(5, |i, _| {
            let p = 1.0 / (1.0 + (-f[i]).exp());
            if data.labels[i] > 0.0 { p - 1.0 } else { p }
        })
    };
    let (mut f, mut g) = start();
    let h = 4.0 / 400.0;
    for _ in 0..400 {
        let k1 = &kernel * gradient(&f) / -5.0;
        let k2 = &kernel * gradient(&(&f + &k1 * (0.5 * h))) / -5.0;
        let k3 = &kernel * gradient(&(&f + &k2 * (0.5 * h))) / -5.0;
        let k4 = &kernel * gradient(&(&f + &k3 * h)) / -5.0;
        // The test outputs by Simpson's rule on the same stages.
        let middle = gradient(&(&f + &k2 * (0.5 * h)));
        let next = &f + (k1 + k2 * 2.0 + k3 * 2.0 + k4) * (h / 6.0);
        g -= &cross * (gradient(&f) + middle * 4.0 + gradient(&next)) * (h / 30.0);
        f = next;
    }
    let errors: Vec<f64> = [0.1, 0.05, 0.025]
        .iter()
        .map(|rate| {
            let curve = at(*rate);
            let value = |name: &str| curve.get(name).expect("recorded")[0];
            (value("f_train[2]") - f[1]).abs().max((value("f[1]") - g[0]).abs())
        })
        .collect();
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 1.0).abs() < 0.1, "order {order}: {errors:?}");
    }
    let ensemble = problem::Start::Ntk(ntk::Start::Ensemble);
    let error = law(&problem, &ensemble, &[1.0], &["train_loss"]).expect_err("no closed mean");
    assert!(error.to_string().contains("centred"), "{error}");
}

#[test]
fn the_best_time_to_stop_is_that_of_an_exhaustive_search() {
    let problem = problem(
        "hidden_layers = 1\nactivation = \"relu\"\nbias_std = 0.2\nlearning_rate = 0.5\nnoise_std = 0.8\ncentred = true\n\
         inputs = { kind = \"sphere\", points = 24, tests = 40, dimension = 4, seed = 3 }\n\
         target = { kind = \"polynomial\", coefficients = [0.0, 1.0] }",
    );
    let found = theory::overlay(&problem, "optimal-stopping-time").expect("a time");
    let times: Vec<f64> = (0..2000).map(f64::from).collect();
    let curve =
        law(&problem, &problem::Start::Ntk(ntk::Start::Ensemble), &times, &["test_loss"]).expect("a law");
    let losses = curve.get("test_loss").expect("recorded");
    let best = (0..2000).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).expect("some");
    assert!(best > 5 && best < 1900, "{best} is no interior minimum");
    assert_eq!(found, times[best]);
    assert!(theory::overlay_is_time(&problem, "optimal-stopping-time"));
}

/// The table that ships is its formula, and tables are found beside the scenario that names them.
#[test]
fn tables_are_read_beside_their_scenario() {
    let scenario = shipped("two-spirals", &["problem.inputs.standardised=false"], &[]);
    let Problem::Ntk(problem) = &scenario.cases[0].problem else { panic!("another problem") };
    let data = problem.data();
    assert_eq!((data.inputs.shape(), data.tests.shape()), ((2, 130), (2, 64)));
    let point = |row: usize| {
        let i = ((37 * (row / 2)) % 97) as f64;
        let (r, a) = (6.5 * (104.0 - i) / 104.0, std::f64::consts::PI * i / 16.0);
        let sign = if row.is_multiple_of(2) { 1.0 } else { -1.0 };
        (sign * r * a.sin(), sign * r * a.cos(), sign)
    };
    let columns = data.inputs.column_iter().chain(data.tests.column_iter());
    let labels = data.labels.iter().chain(&data.test_labels);
    for (row, (x, y)) in columns.zip(labels).enumerate() {
        let expected = point(row);
        assert!((x[0] - expected.0).abs() < 1e-13 && (x[1] - expected.1).abs() < 1e-13 && *y == expected.2);
    }
    // Standardised coordinates have mean 0 and mean square 1 over the training points.
    let scaled = shipped("two-spirals", &[], &[]);
    let data = definition(&scaled.cases[0].problem).data();
    for coordinate in data.inputs.row_iter() {
        assert!(coordinate.mean().abs() < 1e-14 && (coordinate.norm_squared() / 130.0 - 1.0).abs() < 1e-13);
    }
}

#[test]
fn data_sets_that_leave_the_kernel_singular_are_refused() {
    let complaint = |keys: &str| {
        let text = format!(
            "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"ntk\"\nhidden_layers = 1\nlearning_rate = 1.0\n{keys}\n\
             [observe]\ntimes = [1.0]\n[law]\nstart = \"limit\"\n[[panel]]\ny = \"train_loss\"\n"
        );
        let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
        resolve(&source, &Overrides::default()).expect_err("refused").to_string()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let mut written = 0;
    let mut write = |text: &str| {
        written += 1;
        let path = folder.path().join(format!("{written}.csv"));
        std::fs::write(&path, text).expect("a writable folder");
        format!(
            "inputs = {{ kind = \"table\", path = {path:?}, tests = 1 }}\ntarget = {{ kind = \"table\" }}"
        )
    };
    let harmonic = "target = { kind = \"harmonics\", cosine = [0.0, 1.0] }";
    for (keys, rule) in [
        (
            "inputs = { kind = \"given\", x = [[1.0, 0.5], [0.2, 0.1], [1.0, 0.5]] }\n".to_string()
                + harmonic,
            "rows 1 and 3",
        ),
        (
            "inputs = { kind = \"arc\", points = 5, angle = 1.5707963267948966 }\n".to_string() + harmonic,
            "points 1 and 5",
        ),
        (write("x,y\n1.0,2.0\n1.0,3.0\n2.0,1.0\n4.0,1.0\n"), "rows 1 and 2"),
        (write("1.0,2.0\n1.0\n"), "line 2"),
        (write("1.0,2.0\n1.0,nan\n"), "line 2"),
        (write("1.0,2.0\n"), "1 test points of 1 rows"),
        (
            "inputs = { kind = \"table\", path = \"nowhere.csv\", tests = 1 }\ntarget = { kind = \"table\" }"
                .into(),
            "cannot be read",
        ),
        (
            format!("inputs = {{ kind = \"table\", path = \"nowhere.csv\", tests = 1 }}\n{harmonic}"),
            "for both",
        ),
        (
            format!("batch = 9\ninputs = {{ kind = \"circle\", points = 8, tests = 0 }}\n{harmonic}"),
            "9 points of 8",
        ),
    ] {
        let found = complaint(&keys);
        assert!(found.contains(rule), "{rule}: {found}");
    }
}

/// W_s^2 = 2 keeps ReLU networks of any depth in range, with T_xx = 2 (L + 1); five times as much does not.
#[test]
fn deep_networks_out_of_range_say_what_to_change() {
    let keys = |weight_std: f64| {
        format!(
            "hidden_layers = 1000\nweight_std = {weight_std:?}\ncentred = true\nlearning_rate = 1e-4\n\
             inputs = {{ kind = \"circle\", points = 4 }}\ntarget = {{ kind = \"harmonics\", cosine = [0.0, 1.0] }}\n"
        )
    };
    let at = |weight_std: f64| {
        let problem = problem(&keys(weight_std));
        let start = problem::Start::Ntk(ntk::Start::Ensemble);
        law(&problem, &start, &[0.0], &["kernel[1,1]"])
    };
    let critical = at(std::f64::consts::SQRT_2).expect("a kernel");
    let found = critical.get("kernel[1,1]").expect("an entry")[0];
    assert!((found / 2002.0 - 1.0).abs() < 1e-12, "{found}");
    let error = at(5.0).expect_err("out of range").to_string();
    assert!(error.contains("weight_std"), "{error}");
}
