//! The largest stable rate of SGD: laws against anchors and full covariance maps, walkers against both.

use super::{case, law, refutes, replicas, scenario};
use asymptotica::linalg::{product, product_transpose, symmetric_eigen, transpose_product};
use asymptotica::problem::{Method, Start};
use asymptotica::rng::Stream;
use asymptotica::run::Job;
use asymptotica::scenario::{Overrides, Source, resolve};
use asymptotica::simulate;
use asymptotica::theory::{self, LawOptions};
use nalgebra::DMatrix;

/// eta for d = 100, l_i = i^-0.7 by batch, from outside.
const ANCHORS: [(usize, f64); 4] = [(1, 0.1808), (4, 0.664), (16, 1.640), (64, 1.933)];

fn problem(batch: usize, keys: &str) -> String {
    format!(
        "kind = \"streaming-sgd\"\nspectrum = {{ kind = \"power-law\", exponent = 0.7 }}\nlearning_rate = 1.0
noise_std = 0.3\nbatch = {batch}\nfind = {{ kind = \"largest-stable-rate\" }}\n{keys}"
    )
}

fn data(batch: usize, keys: &str) -> String {
    let data = "data = { kind = \"finite\", sample_ratio = 1.75";
    problem(batch, &format!("{data}{keys} }}\nmoments = \"data\"\n[law]\nstart = \"replica\""))
}

fn rest(size: usize, replicas: usize) -> String {
    format!(
        "[observe]\ntimes = [0.0]\n[simulation]\nmethod = \"direct\"\nsizes = [{size}]\nreplicas = {replicas}
seed = 5\n[[panel]]\ny = \"largest_stable_rate\"\nresiduals = false
[claim]\nobservables = [\"largest_stable_rate\"]\nmetric = \"relative\"\nresolution = 0.02"
    )
}

#[test]
fn the_observable_is_the_anchor_in_units_of_gamma() {
    for (batch, step) in ANCHORS {
        let scenario = scenario(&problem(batch, "moments = \"gaussian\""), &rest(100, 6), &[]);
        let gamma = law(&scenario, 100).values[0][0];
        // eta = gamma / d; the anchors have three or four digits.
        assert!((gamma / 100.0 - step).abs() < 6e-4, "B = {batch}: {gamma}");
    }
}

#[test]
fn walkers_find_the_anchors() {
    for (batch, step) in &ANCHORS[..3] {
        let scenario = scenario(&problem(*batch, "moments = \"gaussian\""), &rest(100, 6), &[]);
        let runs = replicas(&scenario, 100, 6);
        let mean = runs.iter().map(|run| run.values[0][0]).sum::<f64>() / 6.0;
        assert!((mean / (100.0 * step) - 1.0).abs() < 0.01, "B = {batch}: {mean}");
    }
}

#[test]
fn infinite_dimension_has_the_critical_rate() {
    let text = problem(3, "").replace("\"power-law\", exponent = 0.7", "\"list\", values = [2.0, 1.0]");
    let scenario = scenario(&text, &rest(50, 6), &[]);
    // 2 B d / tr H with tr H = 1.5 d.
    assert!((law(&scenario, 0).values[0][0] - 4.0).abs() < 1e-12);
}

/// Largest eigenvalue of the map of the second moments, entry by entry, at step eta.
fn radius(x: &DMatrix<f64>, share: f64, eta: f64) -> f64 {
    let (n, d) = x.shape();
    let h = transpose_product(x, x) / n as f64;
    let keep = DMatrix::identity(d, d) - &h * eta;
    let mut map = DMatrix::zeros(d * d, d * d);
    for j in 0..d * d {
        let mut s = DMatrix::zeros(d, d);
        s.as_mut_slice()[j] = 1.0;
        let mut noise = -product(&product(&h, &s), &h);
        for row in x.row_iter() {
            let column = DMatrix::from_iterator(d, 1, row.iter().copied());
            let outer = product_transpose(&column, &column);
            noise += product(&product(&outer, &s), &outer) / n as f64;
        }
        let image = product(&product(&keep, &s), &keep) + noise * (share * eta * eta);
        map.as_mut_slice()[j * d * d..(j + 1) * d * d].copy_from_slice(image.as_slice());
    }
    symmetric_eigen(&map).expect("finite").values.amax()
}

#[test]
fn a_data_set_has_the_rate_of_its_whole_covariance_map() {
    for (keys, share) in [("", 1.0 / 3.0), (", replacement = false", 4.0 / (3.0 * 6.0))] {
        let case = case(&data(3, keys), &rest(4, 6));
        let start = simulate::start(&case.problem, 4, Method::Direct, &Stream::root(9)).expect("data");
        let names = ["largest_stable_rate".to_string()];
        let options = LawOptions { tolerance: 1e-10, faults: vec![], measure_error: false };
        let curve = theory::integrate(&case.problem, &start, &[0.0], &names, &options).expect("a law");
        let Start::Samples(x) = start else { panic!("samples") };
        let step = curve.values[0][0] / 4.0;
        assert_eq!(x.shape(), (7, 4));
        assert!(radius(&x, share, 0.9999 * step) < 1.0 && radius(&x, share, 1.0001 * step) > 1.0);
    }
}

#[test]
fn walkers_find_the_rate_of_their_own_data() {
    // 28 samples in 16 dimensions, and 8, whose steps leave half the directions alone.
    let cases = [
        (1, "", "1.75"),
        (5, "", "1.75"),
        (5, ", replacement = false", "1.75"),
        (21, ", replacement = false", "1.75"),
        (1, "", "0.5"),
        (3, ", replacement = false", "0.5"),
        (8, ", replacement = false", "0.5"),
    ];
    for (batch, keys, ratio) in cases {
        let text = data(batch, keys).replace("sample_ratio = 1.75", &format!("sample_ratio = {ratio}"));
        let scenario = scenario(&text, &rest(16, 6), &[]);
        let mut sum = 0.0;
        for r in 0..6 {
            let job = Job { case: 0, size: 16, replica: Some(r) };
            let result = job.run(&scenario, &|| false).expect("a replica");
            let of = |curve: Option<asymptotica::trajectory::Curve>| curve.expect("a curve").values[0][0];
            sum += of(result.simulation) / of(result.law);
        }
        assert!((sum / 6.0 - 1.0).abs() < 0.02, "B = {batch}{keys}, n/d = {ratio}: {}", sum / 6.0);
    }
}

#[test]
fn faults_of_the_law_are_refuted() {
    refutes(
        &problem(2, "moments = \"gaussian\""),
        &rest(24, 10),
        &[
            "drop=gamma2",
            "drop=fourth-moment",
            "scale=rate",
            "problem.batch+=1",
            "problem.spectrum.exponent=1.1",
        ],
    );
}

#[test]
fn all_samples_at_once_make_no_noise() {
    let course = |faults: &[&str]| {
        let text = data(1, "").replace("find = { kind = \"largest-stable-rate\" }", "");
        let text = text.replace("sample_ratio = 1.75", "sample_ratio = 1.75, replacement = false");
        let rest = rest(8, 6).replace("largest_stable_rate", "risk");
        let scenario = scenario(&text.replace("batch = 1", "batch = 14"), &rest, faults);
        let job = Job { case: 0, size: 8, replica: Some(0) };
        job.run(&scenario, &|| false).expect("a replica").law.expect("a law").values
    };
    assert_eq!(course(&[]), course(&["drop=gamma2"]));
}

#[test]
fn what_has_no_largest_rate_is_refused() {
    let refused = |problem: &str, message: &str| {
        let start = if problem.contains("[law]") { "" } else { "[law]\nstart = \"given\"" };
        let text = format!("title = \"x\"\nsource = \"x\"\n[problem]\n{problem}\n{start}\n{}", rest(20, 6));
        let source = Source::from_text("x", "x.toml", &text).expect("valid TOML");
        let report = resolve(&source, &Overrides::default()).expect_err("a broken rule").to_string();
        assert!(report.contains(message), "{report}");
    };
    refused(&data(2, "").replace("moments = \"data\"\n", ""), "set moments = \"data\"");
    let adaptive = problem(2, "rule = { kind = \"adagrad-norm\", offset = 0.3 }");
    refused(&adaptive, "the largest stable rate is that of a constant one");
    let scenario = scenario(&data(36, ", replacement = false"), &rest(20, 6), &[]);
    let error = Job { case: 0, size: 20, replica: Some(0) }.run(&scenario, &|| false).expect_err("too large");
    assert!(error.to_string().contains("36 different samples out of 35"), "{error}");
}
