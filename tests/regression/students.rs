//! ReLU students of ReLU teachers.

use super::{replicas, scenario};
use asymptotica::problem::linear_regression::relu_moment;
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};

/// Mean and standard error.
fn mean(list: &[f64]) -> (f64, f64) {
    let n = list.len() as f64;
    let mean = list.iter().sum::<f64>() / n;
    let variance = list.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

/// 60 samples in 10 dimensions, M = 20.
fn students(rest: &str, student: &str, time: f64) -> Scenario {
    let problem = format!(
        "kind = \"linear-regression\"\nsample_ratio = 6.0\nlearning_rate = 0.03\n{rest}\n\
         student = {{ kind = \"relu\", teacher_width = 20, {student} }}\n[law]\nenabled = false"
    );
    let observe = format!(
        "[observe]\ntimes = [{time:?}]\n[simulation]\nmethod = \"direct\"\nsizes = [10]\nreplicas = 1\nseed = 7\n\
         [[panel]]\ny = [\"generalisation_error\", \"training_error\", \"best_error\", \"best_time\"]\n\
         residuals = false"
    );
    scenario(&problem, &observe, &[])
}

#[test]
fn errors_are_those_of_a_separate_program() {
    // Means over 1500 runs of log E_g and log E_t and their standard errors, numpy.
    let list = [
        ("", "width = 15, trained = \"readout\"", 15.0, [(0.37718, 0.00576), (-0.23963, 0.00738)]),
        ("", "width = 60, trained = \"readout\"", 15.0, [(0.34628, 0.00399), (-1.37531, 0.00745)]),
        (
            "init_std = 0.3\nweight_decay = 0.05",
            "width = 240, trained = \"readout\"",
            15.0,
            [(0.14660, 0.00301), (-1.72028, 0.00721)],
        ),
        (
            "init_std = 0.4\nweight_decay = 0.02",
            "width = 15, trained = \"all-weights\", first_layer_std = 0.7",
            9.0,
            [(0.46551, 0.00434), (-3.02168, 0.01186)],
        ),
    ];
    for (rest, student, time, expected) in list {
        let rest = format!("teacher_std = 1.2\nnoise_std = 0.8\n{rest}");
        let runs = replicas(&students(&rest, student, time), 10, 300);
        for (name, (theirs, error)) in ["generalisation_error", "training_error"].into_iter().zip(expected) {
            let logs: Vec<f64> = runs.iter().map(|run| run.get(name).expect("recorded")[0].ln()).collect();
            let (ours, own) = mean(&logs);
            let off = (ours - theirs) / f64::hypot(error, own);
            println!("{student}: {name} {ours} against {theirs}, {off} standard errors");
            assert!(off.abs() < 4.0, "{student}: {name} {ours} against {theirs}");
        }
    }
}

#[test]
fn the_arc_cosine_moment_is_the_integral() {
    // 2 E relu(u) relu(v) by adaptive quadrature over the quadrant, scipy.
    assert!((relu_moment(0.7, 1.9, -0.5) - 0.152_167_839_765_571).abs() < 1e-12);
}

#[test]
fn trained_readouts_peak_at_as_many_units_as_samples() {
    // Long descent: the error at H = P = 60 is above those of fewer and of more units; the best error on the path falls.
    let at = |width: usize| {
        let student = format!("width = {width}, trained = \"readout\"");
        let runs = replicas(&students("teacher_std = 1.0\nnoise_std = 1.0", &student, 240.0), 10, 16);
        ["generalisation_error", "best_error", "training_error"].map(|name| {
            let logs: Vec<f64> = runs.iter().map(|run| run.get(name).expect("recorded")[0].ln()).collect();
            mean(&logs).0.exp()
        })
    };
    let [few, equal, many] = [15, 60, 300].map(at);
    println!("{few:?} {equal:?} {many:?}");
    assert!(equal[0] > 1.3 * few[0] && equal[0] > 1.3 * many[0]);
    assert!(equal[1] < few[1] * 1.05 && many[1] < equal[1] * 1.05);
    // Stopped early nothing is left of the peak, and samples are fitted by many units alone.
    assert!(equal[1] < 0.6 * equal[0] && many[2] < 0.1 * few[2]);
}

#[test]
fn what_networks_do_not_have_is_refused() {
    let refused = |change: &str, says: &str| {
        let text = format!(
            "title = \"t\"\nsource = \"s\"\n[problem]\nkind = \"linear-regression\"\nsample_ratio = 6.0\n\
             teacher_std = 1.0\nnoise_std = 1.0\nlearning_rate = 0.03\n\
             student = {{ kind = \"relu\", width = 9, teacher_width = 4, trained = \"readout\" }}\n{change}\n\
             [observe]\ntimes = [1.0]\n[[panel]]\ny = \"generalisation_error\"\n\
             [simulation]\nsizes = [10]\nreplicas = 1\nseed = 1\n"
        );
        let source = Source::from_text("t", "t.toml", &text).expect("TOML");
        let report = resolve(&source, &Overrides::default()).expect_err("refused").to_string();
        assert!(report.contains(says), "{report}");
    };
    refused("[law]\nstart = \"given\"", "ReLU networks of finite width on a finite set have none");
    refused(
        "solver = \"exact-spectrum\"\n[law]\nenabled = false",
        "set solver = \"steps\" for a ReLU student",
    );
}
