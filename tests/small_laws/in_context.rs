//! Linear regression in context.

use super::{law, refutes, replicas, scenario, standard_errors};
use asymptotica::problem::in_context::{Covariance, InContext, Predictor, Prior};
use asymptotica::theory::in_context::Law;

const LIST: &[f64] = &[2.0, 1.0, 0.5, 0.25];

fn problem(covariance: Covariance, prior: Prior, d: usize, n: usize, noise: f64) -> InContext {
    InContext {
        dimension: d,
        context: n,
        covariance,
        prior,
        noise_variance: noise,
        predictor: Predictor::OneStep { rate: None, preconditioned: false },
        test_prompts: 1,
    }
}

const GENERIC: &str = "kind = \"in-context\"\ndimension = 4\ncontext = 13\nnoise_variance = 0.7
covariance = { kind = \"list\", values = [2.0, 1.0, 0.5, 0.25] }\nprior = \"inverse-covariance\"";

fn text(prior: &str, rest: &str) -> String {
    let generic = GENERIC.replace("inverse-covariance", prior);
    format!("{generic}\n{rest}")
}

fn rest(times: &str, observables: &str, sizes: &str, replicas: &str, claim: &str) -> String {
    let limit = if sizes.contains(',') { "extrapolate" } else { "at-size" };
    format!(
        "[observe]\ntimes = {times}\n[simulation]\nmethod = \"direct\"\nsizes = {sizes}\nreplicas = {replicas}\nseed = 9
[[panel]]\ny = [{observables}]\nresiduals = false\n[claim]\nmetric = \"relative\"\nlimit = \"{limit}\"\n{claim}"
    )
}

#[test]
fn best_steps_are_those_of_the_papers() {
    let isotropic = Law::new(&problem(Covariance::Identity, Prior::Identity, 8, 20, 0.5));
    let best = isotropic.best();
    assert!((best[0] - 0.033898).abs() < 5e-7 && best.iter().all(|m| *m == best[0]));
    assert!((isotropic.risk(&best) - 2.5763).abs() < 5e-5);
    // d (1 - 2 eta n + eta^2 n (n + d + 1 + s2)) at any rate.
    let eta: f64 = 0.021;
    let expected = 8.0 * (1.0 - 40.0 * eta + 20.0 * eta * eta * 29.5);
    assert!((isotropic.risk(&[eta; 8]) - expected).abs() < 1e-12);

    let list = Covariance::List { values: LIST.to_vec() };
    let inverse = Law::new(&problem(list.clone(), Prior::InverseCovariance, 6, 15, 0.3));
    for (m, s) in inverse.best().iter().zip(LIST.iter().cycle()) {
        assert!((m * s - 1.0 / 22.3).abs() < 1e-14);
    }
    let plain = Law::new(&problem(list, Prior::Identity, 6, 15, 0.3));
    let trace = 2.0 + 1.0 + 0.5 + 0.25 + 2.0 + 1.0;
    for (m, s) in plain.best().iter().zip(LIST.iter().cycle()) {
        assert!((m - 1.0 / (16.0 * s + trace + 0.3)).abs() < 1e-14);
    }
}

#[test]
fn best_step_is_a_minimum() {
    for prior in [Prior::Identity, Prior::InverseCovariance] {
        let law = Law::new(&problem(Covariance::PowerLaw { exponent: 0.7 }, prior, 5, 9, 0.4));
        let best = law.best();
        for i in 0..5 {
            for step in [-1e-3, 1e-3] {
                let mut moved = best.clone();
                moved[i] += step;
                assert!(law.risk(&moved) > law.risk(&best));
            }
        }
    }
}

#[test]
fn the_rate_of_least_squares_is_the_best_rate() {
    // The sheet's own simulation found .033892 beside .033898.
    let text = "kind = \"in-context\"\ndimension = 8\ncontext = 20\nnoise_variance = 0.5\npredictor = { kind = \"one-step\" }";
    let claim = "observables = [\"rate\"]\nresolution = 0.2";
    let scenario = scenario(text, &rest("[0.0]", "\"rate\", \"risk\"", "[6000]", "1", claim), &[]);
    let (law, runs) = (law(&scenario, 6000), replicas(&scenario, 6000, 24));
    for name in ["rate", "risk"] {
        let off = standard_errors(&law, &runs, name);
        assert!(off < 4.0, "{name}: {off} standard errors");
    }
}

#[test]
fn one_step_of_every_shape_has_the_risk_of_the_law() {
    for prior in ["identity", "inverse-covariance"] {
        for predictor in [
            "preconditioned = true, rate = 0.031",
            "preconditioned = false, rate = 0.027",
            "preconditioned = true",
        ] {
            let text = text(prior, &format!("predictor = {{ kind = \"one-step\", {predictor} }}"));
            let claim = "observables = [\"risk\"]\nresolution = 0.2";
            let scenario = scenario(&text, &rest("[0.0]", "\"risk\", \"rate\"", "[4000]", "1", claim), &[]);
            let off = standard_errors(&law(&scenario, 4000), &replicas(&scenario, 4000, 16), "risk");
            assert!(off < 4.5, "{prior}, {predictor}: {off} standard errors");
        }
    }
}

#[test]
fn faults_of_one_step_are_refuted() {
    let faults = ["drop=one", "drop=noise", "drop=trace", "problem.context+=4", "problem.noise_variance=1.5"];
    for prior in ["identity", "inverse-covariance"] {
        let text = text(prior, "predictor = { kind = \"one-step\", preconditioned = true }");
        let claim = "observables = [\"rate\", \"risk\"]\nresolution = 0.02";
        refutes(&text, &rest("[0.0]", "\"rate\", \"risk\"", "[6000]", "24", claim), &faults);
    }
}

#[test]
fn training_curve_is_the_limit_of_many_prompts() {
    let text = text(
        "identity",
        "predictor = { kind = \"attention\", rate = 0.0004, init = { kind = \"aligned\", value = 0.1, attention = 0.05 } }",
    );
    let claim = "observables = [\"rate\", \"rate_first\", \"rate_last\"]\nresolution = 0.045";
    let times = "[20.0, 60.0, 120.0, 200.0]";
    let observables = "\"rate\", \"rate_first\", \"rate_last\"";
    let rest = rest(times, observables, "[50, 100, 200]", "[96, 64, 48]", claim);
    refutes(&text, &rest, &["drop=one", "drop=trace", "problem.predictor.rate=1.2"]);
}

#[test]
fn balanced_isotropic_training_is_a_logistic_curve() {
    // u^2 = d v^2, a = u v: a' = 2 sqrt(d) n a (1 - (n + d + 1 + s2) a) on the clock rate x updates, the mode of a two-layer
    // linear network.
    let (d, n, noise): (f64, f64, f64) = (4.0, 13.0, 0.7);
    let (rate, value) = (1e-6, 0.1);
    let text = format!(
        "kind = \"in-context\"\ndimension = 4\ncontext = 13\nnoise_variance = 0.7
predictor = {{ kind = \"attention\", rate = {rate:?}, init = {{ kind = \"aligned\", value = {value:?}, attention = {:?} }} }}",
        value / d.sqrt()
    );
    let claim = "observables = [\"rate\"]\nresolution = 0.2";
    let times = "[0.0, 30000.0, 60000.0, 90000.0]";
    let scenario = scenario(&text, &rest(times, "\"rate\"", "[10]", "1", claim), &[]);
    let curve = law(&scenario, 10);
    let end = 1.0 / (n + d + 1.0 + noise);
    for (time, found) in curve.times.iter().zip(&curve.values[0]) {
        let start = value * value / d.sqrt();
        let growth = (2.0 * d.sqrt() * n * rate * time).exp();
        let expected = end * start * growth / (end + start * (growth - 1.0));
        assert!((found / expected - 1.0).abs() < 1e-4, "{time}: {found} against {expected}");
    }
}

#[test]
fn trained_attention_ends_at_the_best_step() {
    for prior in ["identity", "inverse-covariance"] {
        let text = text(
            prior,
            "predictor = { kind = \"attention\", optimizer = { kind = \"adam\" }, rate = 0.01, decay = 500, init = { kind = \"aligned\", value = 0.2, attention = 0.2 } }",
        );
        let claim = "observables = [\"best_rate\"]\nresolution = 0.2";
        let observables = "\"best_rate\", \"off_diagonal\", \"rate_last\"";
        let scenario = scenario(&text, &rest("[500.0]", observables, "[256]", "1", claim), &[]);
        let law = law(&scenario, 256);
        let runs = replicas(&scenario, 256, 2);
        let mean = |name: &str| runs.iter().map(|r| r.get(name).expect("measured")[0]).sum::<f64>() / 2.0;
        let best = law.get("best_rate").expect("of the law")[0];
        assert!(
            (mean("best_rate") / best - 1.0).abs() < 0.04,
            "{prior}: {} against {best}",
            mean("best_rate")
        );
        assert!(mean("off_diagonal") < 0.1 * best, "{prior}: {}", mean("off_diagonal"));
    }
}
