//! Softmax regression with rare classes.

use crate::roads::{law, pair, refusal, refutes, rest, run, scenario};
use asymptotica::problem::Problem;
use asymptotica::problem::class_imbalance::ClassImbalance;
use asymptotica::theory::class_imbalance::{loss, margin, missing};

const ALGORITHMS: [&str; 5] = [
    "{ kind = \"gd\" }",
    "{ kind = \"heavy-ball\", momentum = 0.7 }",
    "{ kind = \"normalised-gd\" }",
    "{ kind = \"sign\" }",
    "{ kind = \"adam\", beta1 = 0.6, beta2 = 0.8, epsilon = 3e-4 }",
];

fn problem(algorithm: &str, more: &str) -> String {
    format!(
        "kind = \"class-imbalance\"\nfrequencies = {{ kind = \"power-law\", classes = 12, exponent = 1.2 }}
learning_rate = 1.3\nalgorithm = {algorithm}\n{more}"
    )
}

fn definition(text: &str) -> ClassImbalance {
    let rest = rest("[0.0]", "[1]", "[\"loss\"]", 0.1);
    match &scenario(text, &rest, &[]).cases[0].problem {
        Problem::ClassImbalance(problem) => problem.clone(),
        other => panic!("{:?}", other.kind().kind),
    }
}

/// The sheet: c = 1000, pi = 0.005, 5000 steps of 0.5.
#[test]
fn the_loss_of_one_class_is_the_anchor() {
    let text =
        "kind = \"class-imbalance\"\nfrequencies = { kind = \"list\", values = [0.005], classes = 1000 }
algorithm = { kind = \"gd\" }";
    let scenario = scenario(text, &rest("[2500.0]", "[2]", "[\"class_loss[1]\"]", 0.01), &[]);
    let (simulated, law) = pair(&scenario, 2, 0);
    assert!((law.values[0][0] - 0.21463).abs() < 5e-6, "{}", law.values[0][0]);
    assert!((simulated.values[0][0] - 0.21455).abs() < 5e-6, "{}", simulated.values[0][0]);
    assert_eq!(simulated.work.updates, 5000);
}

#[test]
fn margins_solve_the_flow_at_any_time() {
    for c in [2, 10, 1000, 100_000] {
        for exponent in [-300, -12, -3, 0, 2, 5, 12, 300] {
            let s = 10.0_f64.powi(exponent);
            let z = margin(c, s);
            // The implicit solution, divided by its right side.
            let left = ((c - 1) as f64 * z + z.exp_m1()) / (c as f64 * s);
            assert!((left - 1.0).abs() < 1e-12 * (1.0 + z), "c = {c}, s = {s}: {left}");
            // dz/ds = c / (c - 1 + e^z), by a difference of relative size 1e-5.
            let slope = (margin(c, s * 1.00001) - margin(c, s * 0.99999)) / (2e-5 * s);
            let expected = c as f64 / ((c - 1) as f64 + z.exp());
            assert!((slope / expected - 1.0).abs() < 1e-6 + 1e-9 * (z / (slope * s)), "c = {c}, s = {s}");
            assert!((missing(c, z) - (1.0 - (-loss(c, z)).exp())).abs() < 1e-15 * c as f64);
        }
    }
    assert_eq!(margin(7, 0.0), 0.0);
}

#[test]
fn stored_pairs_of_weights_are_the_dense_algorithm() {
    let rest = rest("[0.0, 0.4, 3.0]", "[20]", "[\"loss\", \"class_loss\", \"margin\"]", 0.1);
    // All frequencies different, and several classes of each.
    let groups = "{ kind = \"groups\", count = 4 }";
    let law = "{ kind = \"power-law\", classes = 12, exponent = 1.2 }";
    for (frequencies, c) in [(law, 12), (groups, 15)] {
        for algorithm in ALGORITHMS {
            let curve = |storage: &str| {
                let more = format!("storage = \"{storage}\"");
                let text = problem(algorithm, &more).replace(law, frequencies);
                run(&scenario(&text, &rest, &[]), 20, 0)
            };
            let (paired, dense) = (curve("paired"), curve("dense"));
            assert_eq!(paired.values.len(), 2 * c + 1);
            for (name, (a, b)) in paired.observables.iter().zip(paired.values.iter().zip(&dense.values)) {
                for (a, b) in a.iter().zip(b) {
                    assert!((a - b).abs() < 1e-12, "{algorithm}, {name}: {a} {b}");
                }
            }
            assert!((dense.values[0][0] - (c as f64).ln()).abs() < 1e-14);
        }
    }
}

/// Deviations from the flow halve with the step; sign descent has none.
#[test]
fn every_algorithm_has_its_flow_as_limit() {
    let rest =
        rest("[0.5, 2.0, 5.0]", "[1000, 2000]", "[\"loss\", \"class_loss[1]\", \"class_loss[12]\"]", 0.1);
    for algorithm in ALGORITHMS {
        let scenario = scenario(&problem(algorithm, ""), &rest, &[]);
        let gap = |size: usize| -> Vec<f64> {
            let (simulated, law) = pair(&scenario, size, 0);
            let flat = |c: &asymptotica::trajectory::Curve| c.values.concat();
            flat(&simulated).iter().zip(flat(&law)).map(|(a, b)| a / b - 1.0).collect()
        };
        for (coarse, fine) in gap(1000).iter().zip(gap(2000)) {
            if algorithm.contains("sign") {
                assert!(fine.abs() < 1e-11, "{algorithm}: {fine}");
            } else {
                let ratio = coarse / fine;
                assert!((ratio - 2.0).abs() < 0.1 && fine.abs() < 0.02, "{algorithm}: {coarse} {fine}");
            }
        }
    }
}

#[test]
fn faults_of_the_law_are_refuted() {
    let at = |size: &str| rest("[0.3, 1.0, 3.0, 10.0]", size, "[\"class_loss\"]", 0.01);
    let mass = "problem.frequencies.exponent=1.1";
    refutes(&problem(ALGORITHMS[0], ""), &at("[200]"), &["drop=frequency", "drop=classes", mass]);
    refutes(&problem(ALGORITHMS[1], ""), &at("[4000]"), &["drop=momentum", "drop=frequency"]);
    refutes(&problem(ALGORITHMS[2], ""), &at("[500]"), &["drop=frequency", "drop=classes"]);
    refutes(&problem(ALGORITHMS[3], ""), &at("[1]").replace("0.3, ", ""), &["halve=sign"]);
    let epsilon = "problem.algorithm.epsilon=1.5";
    refutes(&problem(ALGORITHMS[4], ""), &at("[4000]"), &["drop=epsilon", "halve=sign", epsilon]);
}

#[test]
fn groups_are_those_of_the_paper() {
    for (m, n, c) in [(11, 22_528, 2047), (7, 896, 127)] {
        let text = format!(
            "kind = \"class-imbalance\"\nfrequencies = {{ kind = \"groups\", count = {m} }}\nalgorithm = {{ kind = \"gd\" }}"
        );
        let problem = definition(&text);
        assert_eq!((problem.counts().iter().sum::<usize>(), problem.classes()), (n, c));
        assert_eq!(problem.groups, m);
        for group in 0..m {
            let members = (0..c).filter(|&k| problem.group_of[k] == group);
            let mass: f64 = members.map(|k| problem.shares[k]).sum();
            assert!((mass - 1.0 / m as f64).abs() < 1e-14, "group {group}: {mass}");
        }
    }
    // Groups of a power law have about equal mass; a class belongs where the middle of its share lies.
    let problem = definition(&problem(ALGORITHMS[0], "loss_groups = 4"));
    assert_eq!(problem.group_of, [0, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3].map(|g: usize| g));
}

/// Gradient flow is slow on rare classes and sign flow is not; in group means as in the classes.
#[test]
fn group_losses_are_weighted_means_of_class_losses() {
    let rest = rest("[4.0]", "[10]", "[\"loss\", \"class_loss\", \"group_loss\"]", 0.1);
    let text = problem(ALGORITHMS[0], "loss_groups = 4");
    let problem = definition(&text);
    let scenario = scenario(&text, &rest, &[]);
    for curve in [law(&scenario, 10), run(&scenario, 10, 0)] {
        let loss = |name: &str| curve.get(name).expect("recorded")[0];
        let mean: f64 = (0..12).map(|k| problem.shares[k] * loss(&format!("class_loss[{}]", k + 1))).sum();
        assert!((mean - loss("loss")).abs() < 1e-14);
        let members = (2..4).map(|k| (problem.shares[k], loss(&format!("class_loss[{}]", k + 1))));
        let (mass, sum) = members.fold((0.0, 0.0), |(m, s), (pi, l)| (m + pi, s + pi * l));
        assert!((sum / mass - loss("group_loss[3]")).abs() < 1e-14);
    }
}

/// Random inputs: the loss starts at ln c, and a small step lowers it by the step times the squared gradient, which
/// normalised descent measures.
#[test]
fn random_inputs_descend_along_their_gradient() {
    let base = "kind = \"class-imbalance\"\nfrequencies = { kind = \"groups\", count = 3 }";
    let rest = "[observe]\ntimes = [0.0, 1.0]\n[law]\nenabled = false\n[simulation]\nsizes = [1]\nreplicas = 1\nseed = 1
[[panel]]\ny = \"loss\"";
    for inputs in
        ["{ kind = \"uniform\", dimension = 30 }", "{ kind = \"gaussian\", dimension = 30, scale = 0.3 }"]
    {
        let drop = |algorithm: &str, rate: f64| {
            let text = format!(
                "{base}\ninputs = {inputs}\nalgorithm = {{ kind = \"{algorithm}\" }}\nlearning_rate = {rate:?}"
            );
            let curve = run(&scenario(&text, rest, &[]), 1, 0);
            assert!((curve.values[0][0] - 7.0_f64.ln()).abs() < 1e-14);
            (curve.values[0][0] - curve.values[0][1]) / rate
        };
        let (squared, norm) = (drop("gd", 1e-6), drop("normalised-gd", 1e-6));
        assert!((squared - norm * norm).abs() < 1e-4 * squared, "{inputs}: {squared} {norm}");
    }
}

#[test]
fn broken_rules_are_named() {
    let base = "kind = \"class-imbalance\"\n";
    let list = |list: &str| {
        format!("{base}frequencies = {{ kind = \"list\", {list} }}\nalgorithm = {{ kind = \"gd\" }}")
    };
    for (text, part) in [
        (list("values = [0.7, 0.5], classes = 5"), "leave nothing for 3 further classes"),
        (list("values = []"), "is empty"),
        (list("values = [1.0]"), "make one class"),
        (list("values = [0.5, 0.5], classes = 2"), ""),
        (problem("{ kind = \"heavy-ball\", momentum = 1.0 }", ""), "never moves"),
        (problem("{ kind = \"gd\" }", "inputs = { kind = \"gaussian\", dimension = 5 }"), "samples"),
    ] {
        if part.is_empty() {
            definition(&text);
        } else {
            let message = refusal(&text);
            assert!(message.contains(part), "{message}");
        }
    }
}
