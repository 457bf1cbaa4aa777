//! SGD for least squares long after the start, where the risk is many orders below that of the start: closed forms and
//! numbers of an independent program (numpy: exponentials of the matrix of the modes, by squaring nonnegative matrices).

use super::{law, replicas, scenario, standard_errors};
use asymptotica::run::Job;
use asymptotica::trajectory::Curve;

fn curve(problem: &str, times: &str, size: usize) -> Curve {
    let names = if problem.contains("finite") {
        "[\"excess_risk\", \"distance\", \"training_loss\"]"
    } else {
        "[\"excess_risk\", \"distance\", \"log_risk\", \"rate\"]"
    };
    let rest = format!("[observe]\ntimes = {times}\n[[panel]]\ny = {names}\nresiduals = false");
    law(&scenario(&format!("kind = \"streaming-sgd\"\n{problem}"), &rest, &[]), size)
}

fn assert_near(curve: &Curve, name: &str, expected: &[f64], tolerance: f64) {
    let found = curve.get(name).expect("recorded");
    assert_eq!(found.len(), expected.len(), "{name}: {:?}", curve.end);
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < tolerance, "{name}: {found:e} for {expected:e}");
    }
}

#[test]
fn white_inputs_without_noise_decay_exponentially_for_ever() {
    let problem = "spectrum = { kind = \"isotropic\" }\nlearning_rate = 1.0\nbatch = 5\nnoise_std = 0.0";
    let exact = [15.0, 20.0, 25.0, 300.0].map(|t: f64| 0.5 * (-1.8 * t).exp());
    assert_near(&curve(problem, "[15, 20, 25, 300]", 0), "excess_risk", &exact, 1e-12);
    let problem =
        "spectrum = { kind = \"isotropic\", variance = 2.5 }\ntarget = { kind = \"isotropic\", norm = 2.0 }
learning_rate = 0.3\nbatch = 3\nnoise_std = 0.0";
    assert_near(&curve(problem, "[40]", 0), "log_risk", &[5.0_f64.ln() - 1.3125 * 40.0], 1e-13);
}

#[test]
fn several_passes_without_noise_go_on_to_learn() {
    let problem = "spectrum = { kind = \"isotropic\" }\ndata = { kind = \"finite\", sample_ratio = 0.25 }
learning_rate = 1.0\nnoise_std = 0.0";
    let few = curve(problem, "[60]", 0);
    assert_near(&few, "training_loss", &[2.365147478494e-16], 1e-10);
    assert_near(&few, "distance", &[0.75], 1e-13);
    let problem =
        "spectrum = { kind = \"isotropic\", variance = 0.5 }\nlearning_rate = 3.0\nbatch = 3\nnoise_std = 0.0
data = { kind = \"finite\", sample_ratio = 4.0 }";
    let many = curve(problem, "[10, 40]", 0);
    assert_near(&many, "training_loss", &[2.754725309191e-17, 2.799942703324e-57], 1e-10);
    assert_near(&many, "distance", &[3.151825539605e-16, 3.318711030790e-56], 1e-10);
}

#[test]
fn uniform_eigenvalues_are_resolved_at_all_times() {
    let problem = "spectrum = { kind = \"linear\" }\nlearning_rate = 0.5\nnoise_std = 0.0";
    let late = curve(problem, "[1e3, 3e3, 1e4, 1e5]", 0);
    let distance = [1.0005787722456e-3, 3.3339714358211e-4, 1.0000572424826e-4, 1.0000057155634e-5];
    assert_near(&late, "distance", &distance, 1e-10);
    let excess = [5.720935750774e-7, 6.351642473588e-8, 5.714940418260e-9, 5.714351041407e-11];
    assert_near(&late, "excess_risk", &excess, 1e-10);
}

#[test]
fn more_eigenvalues_than_are_solved_in_closed_form_keep_their_relative_accuracy() {
    let problem = "spectrum = { kind = \"power-law\", exponent = 0.2 }\nlearning_rate = 1.1\nbatch = 2\nnoise_std = 0.0";
    let late = curve(problem, "[5, 40]", 1200);
    assert_near(&late, "distance", &[5.510490871472e-2, 3.354023929035e-10], 1e-6);
    assert_near(&late, "excess_risk", &[7.686064800790e-3, 4.430585881286e-11], 1e-6);
}

/// White inputs: Psi = Psi_0 + eta^2 ln(b/b_0) - 2 eta B (b - b_0), so that b ends where this is 0 and Psi falls at the rate
/// 2 gamma - gamma^2 / B of gamma = eta / b.
#[test]
fn adaptive_rates_without_noise_settle_and_decay() {
    let problem = "spectrum = { kind = \"isotropic\" }\nrule = { kind = \"adagrad-norm\", offset = 1.0 }
learning_rate = 1.4\nbatch = 3\nnoise_std = 0.0";
    let late = curve(problem, "[20, 40]", 0);
    let mut b = 1.0_f64;
    for _ in 0..50 {
        b -= (0.5 + 1.96 * b.ln() - 8.4 * (b - 1.0)) / (1.96 / b - 8.4);
    }
    let gamma = 1.4 / b;
    assert_near(&late, "rate", &[gamma, gamma], 1e-8);
    let log = late.get("log_risk").expect("recorded");
    let rate = (log[0] - log[1]) / 20.0;
    assert!((rate - 2.0 * gamma + gamma * gamma / 3.0).abs() < 1e-7, "{rate}");
}

/// Directions in which the inputs do not vary are never learnt.
#[test]
fn eigenvalues_may_be_0() {
    let path = std::env::temp_dir().join(format!("asymptotica-zero-{}.txt", std::process::id()));
    std::fs::write(&path, "2.0\n0\n1.0\n").expect("a temporary file");
    let problem = |spectrum: String| {
        format!(
            "kind = \"streaming-sgd\"\nspectrum = {spectrum}\nlearning_rate = 0.6\nnoise_std = 0.4\nbatch = 2"
        )
    };
    let file = problem(format!("{{ kind = \"file\", path = {:?} }}", path.display().to_string()));
    let rest = "[observe]\ntimes = [0.5, 2.0, 6.0, 60.0]\n[simulation]\nmethod = \"direct\"\nsizes = [300]
replicas = 1\nseed = 2\n[[panel]]\ny = [\"excess_risk\", \"distance\"]\nresiduals = false";
    let file = scenario(&file, rest, &[]);
    std::fs::remove_file(&path).expect("the file");
    let (limit, runs) = (law(&file, 300), replicas(&file, 300, 200));
    // Psi = (sigma^2/2)/(1 - gamma tr H/(2 B d)) at the end, and T = gamma Psi / B of the two groups that learn.
    let psi = 0.08 / (1.0 - 0.6 / 4.0);
    let (found, expected) = (limit.get("distance").unwrap()[3], 1.0 / 3.0 + 2.0 / 3.0 * 0.3 * psi);
    assert!((found / expected - 1.0).abs() < 1e-12, "{found} for {expected}");
    for name in ["excess_risk", "distance"] {
        // The law is off by 1/d: below the error of 200 runs.
        assert!(standard_errors(&limit, &runs, name) < 4.5, "{name}");
    }
    let refused = problem("{ kind = \"list\", values = [0.0, 0.0] }".into());
    let text =
        format!("title = \"t\"\nsource = \"s\"\n[problem]\n{refused}\n[law]\nstart = \"given\"\n{rest}\n");
    let source = asymptotica::scenario::Source::from_text("t", "t.toml", &text).expect("valid TOML");
    let report =
        asymptotica::scenario::resolve(&source, &Default::default()).expect_err("refused").to_string();
    assert!(report.contains("all zero"), "{report}");
}

#[test]
fn a_power_law_without_a_dimension_asks_for_sizes() {
    let problem = "kind = \"streaming-sgd\"\nspectrum = { kind = \"power-law\", exponent = 0.7 }\nlearning_rate = 0.6\nnoise_std = 0.4";
    let rest = "[observe]\ntimes = [1.0]\n[[panel]]\ny = \"risk\"\nresiduals = false";
    let job = Job { case: 0, size: 0, replica: None };
    let error = job.run(&scenario(problem, rest, &[]), &|| false).expect_err("no dimension").to_string();
    assert!(error.contains("add [simulation] with sizes"), "{error}");
}

/// A data set with fewer modes than samples and dimensions: law of its spectrum against runs on it.
#[test]
fn data_of_low_rank_follow_their_spectrum() {
    let text = "kind = \"streaming-sgd\"\nspectrum = { kind = \"list\", values = [1.0, 0.0] }
data = { kind = \"finite\", sample_ratio = 1.5 }\nlearning_rate = 0.8\nnoise_std = 0.5\nbatch = 2\nmoments = \"data\"
[law]\nstart = \"replica\"";
    let rest = "[observe]\ntimes = [1.0, 4.0, 8.0]\n[simulation]\nmethod = \"direct\"\nsizes = [200]\nreplicas = 8\nseed = 4
[[panel]]\ny = [\"training_loss\", \"risk\", \"distance\"]\nresiduals = false";
    let scenario = scenario(text, rest, &[]);
    let results: Vec<_> = (0..8)
        .map(|r| Job { case: 0, size: 200, replica: Some(r) }.run(&scenario, &|| false).expect("a replica"))
        .collect();
    for name in ["training_loss", "risk", "distance"] {
        for k in 0..3 {
            let of = |curve: &Option<Curve>| curve.as_ref().unwrap().get(name).unwrap()[k];
            let ratio: f64 = results.iter().map(|r| of(&r.simulation) / of(&r.law)).sum::<f64>() / 8.0;
            assert!((ratio - 1.0).abs() < 0.03, "{name} at point {k}: {ratio}");
        }
    }
}
