//! Gradient descent on real weight matrices against the laws: orders in the step, starts, data, and verdicts that
//! say no.

use asymptotica::compare::Outcome as Judgement;
use asymptotica::problem::Method;
use asymptotica::problem::deep_linear::{DeepLinear, KIND, Measured, Start as DeepStart};
use asymptotica::problem::{Problem, Start};
use asymptotica::rng::Stream;
use asymptotica::run::{Job, JobResult, Outcome, verdicts};
use asymptotica::scenario::{Overrides, Scenario, Source, resolve};
use asymptotica::simulate::{self, Measure, Replica, Risk, SimulationError};
use asymptotica::theory::deep_linear::{effective_starts, growing_directions, learning_time};
use asymptotica::theory::{self, LawOptions};
use asymptotica::trajectory::{Curve, End};
use nalgebra::DMatrix;
use std::collections::BTreeSet;

const GENERIC: &str = r#"
title = "Generic parameters"
source = "tests"

[problem]
kind = "deep-linear"
weight_layers = 3
input_width = 4
hidden_width = [5, 4]
output_width = 3
target = { kind = "modes", strengths = [2.2, 1.3, 0.6] }
init = { kind = "aligned", u0 = 0.02 }

[observe]
times = { from = 0.0, to = 8.0, points = 17, spacing = "linear" }

[law]
start = "given"

[simulation]
sizes = [2000]
replicas = 6
seed = 3

[[panel]]
y = ["loss", "u"]

[claim]
observables = ["u", "loss"]
metric = "absolute"
resolution = 0.01
"#;

fn scenario(set: &[&str], faults: &[&str]) -> Scenario {
    let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
    let overrides = Overrides { set: own(set), faults: own(faults), ..Overrides::default() };
    match resolve(&Source::from_text("generic", "generic.toml", GENERIC).expect("valid TOML"), &overrides) {
        Ok(scenario) => scenario,
        Err(report) => panic!("{set:?} {faults:?}: {report}"),
    }
}

/// The problem alone: without a law, so that every start may be asked for.
fn problem(set: &[&str]) -> Problem {
    let (text, _) = GENERIC.split_once("[[panel]]").expect("a panel");
    let text = format!("{text}[[panel]]\ny = \"singular_values\"\n");
    let set = set.iter().copied().chain(["law.enabled=false"]).map(str::to_string).collect();
    let overrides = Overrides { set, ..Overrides::default() };
    match resolve(&Source::from_text("generic", "generic.toml", &text).expect("valid TOML"), &overrides) {
        Ok(scenario) => scenario.cases[0].problem.clone(),
        Err(report) => panic!("{report}"),
    }
}

fn deep(problem: &Problem) -> &DeepLinear {
    match problem {
        Problem::DeepLinear(deep) => deep,
        other => panic!("{:?}", other.kind().kind),
    }
}

fn measured(start: &Start) -> &Measured {
    match start {
        Start::DeepLinear(DeepStart::Measured(start)) => start,
        other => panic!("{other:?}"),
    }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|s| s.to_string()).collect()
}

fn run(problem: &Problem, size: usize, times: &[f64], observables: &[String], seed: u64) -> Replica {
    let measure = Measure { times, observables, risk: Risk::Overlaps };
    simulate::replica(problem, size, Method::Direct, &measure, &Stream::root(seed), &|| false)
        .expect("a replica")
}

fn law(problem: &Problem, replica: &Replica, observables: &[String]) -> Curve {
    let options = LawOptions { tolerance: 1e-11, faults: Vec::new(), measure_error: false };
    theory::integrate(problem, &replica.start, &replica.curve.times, observables, &options).expect("a law")
}

const TWO: &[&str] = &["problem.weight_layers=2", "problem.hidden_width=4"];

/// The largest gap over observables and times halves with the step, for every form of the law.
#[test]
fn gradient_descent_approaches_the_flow_at_first_order() {
    let all = names(&["loss", "u[1]", "u[2]", "singular_values[1]", "kernel_drift"]);
    let times = [0.5, 1.0, 2.0, 4.0];
    let settings: &[&[&str]] = &[
        &[],
        &["problem.weight_layers=1", "problem.hidden_width=1"],
        &["problem.weight_layers=5", "problem.hidden_width=4", "problem.init.u0=0.2"],
        &["problem.input_variance=[1.3, 0.8, 0.6, 1.0]"],
        &["problem.init={ kind = \"gaussian\", gain = 0.7 }", "problem.input_variance=[1.3, 0.8, 0.6, 1.0]"],
        &[
            "problem.init={ kind = \"gaussian\", gain = 0.7 }",
            "problem.training_set=7",
            "problem.noise_std=0.3",
        ],
        &[
            "problem.init={ kind = \"orthogonal\", gain = 0.6 }",
            "problem.training_set=9",
            "problem.whitened=true",
            "problem.input_variance=0.7",
        ],
    ];
    let two: &[&[&str]] = &[
        &["problem.init={ kind = \"unbalanced\", a = 0.4, b = 0.1 }"],
        &[
            "problem.init={ kind = \"lambda-balanced\", lambda = -0.7, std = 0.3 }",
            "problem.learning_rate=0.8",
        ],
        &[
            "problem.init={ kind = \"lambda-balanced\", lambda = 0.0, std = 0.3 }",
            "problem.input_basis=random",
        ],
    ];
    let settings = settings.iter().map(|s| s.to_vec()).chain(two.iter().map(|s| [TWO, *s].concat()));
    for set in settings {
        let problem = problem(&set);
        let gap = |size: usize| {
            let replica = run(&problem, size, &times, &all, 12);
            let law = law(&problem, &replica, &all);
            let pairs = replica.curve.values.iter().flatten().zip(law.values.iter().flatten());
            pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let gaps = [500, 1000, 2000].map(gap);
        for pair in gaps.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((order - 1.0).abs() < 0.05, "{set:?}: gaps {gaps:?}, order {order}");
        }
        println!("{set:?}: gaps {gaps:?}");
    }
}

#[test]
fn times_to_learn_are_those_in_closed_form() {
    for (layers, u0) in [(2, 1e-3), (3, 1e-2), (6, 0.05)] {
        let set = [
            &format!("problem.weight_layers={layers}")[..],
            "problem.hidden_width=4",
            &format!("problem.init.u0={u0}"),
            "problem.learnt_fraction=0.7",
        ];
        let problem = problem(&set);
        let replica = run(&problem, 4000, &[12.0], &names(&["learning_time[1]", "learning_time[3]"]), 5);
        for (values, s) in replica.curve.values.iter().zip([2.2, 0.6]) {
            let exact = learning_time(layers, s, u0, 0.7 * s);
            let gap = values[0] / exact - 1.0;
            assert!(gap.abs() < 4e-3, "L = {layers}, s = {s}: {} against {exact}", values[0]);
        }
    }
}

const SMALL: &[&str] = &[
    "problem.weight_layers=2",
    "problem.input_width=20",
    "problem.hidden_width=40",
    "problem.output_width=15",
    "problem.target={ kind = \"modes\", strengths = [5.0, 4.0, 3.0, 2.0, 1.0] }",
    "problem.init={ kind = \"random\", std = 0.158113883 }",
    "problem.limit=initial-scale",
    "problem.step=0.001",
];

/// Half-rise times of one replica: simulated, by the effective starts, by |h_i|^2 itself, relative to simulated.
fn half_rises(size: usize, seed: u64) -> Vec<[f64; 3]> {
    let problem = problem(SMALL);
    let times: Vec<String> = (1..=5).map(|i| format!("learning_time[{i}]")).collect();
    let replica = run(&problem, size, &[14.0], &times, seed);
    let start = measured(&replica.start);
    let (w1, w2) = (&start.weights[0], &start.weights[1]);
    let sharp = effective_starts(w1, w2, &start.left, &start.right);
    let plain = growing_directions(w1, w2, &start.left, &start.right);
    (0..5)
        .map(|i| {
            let s = 5.0 - i as f64;
            let time = |u0: f64| learning_time(2, s, u0, 0.5 * s);
            let simulated = replica.curve.values[i][0];
            [simulated, time(sharp[i]) / simulated - 1.0, time(plain.row(i).norm_squared()) / simulated - 1.0]
        })
        .collect()
}

#[test]
fn random_starts_learn_at_the_predicted_times() {
    let worst = |size: usize, which: usize| {
        let all = (0..6).flat_map(|seed| half_rises(size, seed));
        all.map(|times| times[which].abs()).fold(0.0, f64::max)
    };
    let (at_100, plain_100) = (worst(100, 1), worst(100, 2));
    let at_10 = worst(10, 1);
    println!(
        "half-rise times, scale 0.1: {at_10:.4}; scale 0.01: {at_100:.4}, by |h|^2 itself {plain_100:.4}"
    );
    // 3 % is what the literature's |h_i|^2 is said to reach; it does not in every draw, its error does not vanish
    // with the scale, and the orthogonal parts do better by an order of magnitude. The step leaves 0.25 %.
    assert!(at_100 < 0.005 && at_10 < 0.01, "{at_100}, {at_10}");
    assert!(plain_100 > 5.0 * at_100 && plain_100 < 0.06, "{plain_100}");

    // Predicted times for one start at scale 0.01, drawn by another program, lie where ours do.
    let anchors = [1.173, 1.431, 1.821, 2.509, 5.005];
    let starts: Vec<Vec<f64>> = (0..40)
        .map(|seed| {
            let problem = problem(SMALL);
            let start =
                simulate::start(&problem, 100, Method::Direct, &Stream::root(1000 + seed)).expect("a start");
            let start = measured(&start);
            let h = growing_directions(&start.weights[0], &start.weights[1], &start.left, &start.right);
            (0..5)
                .map(|i| learning_time(2, 5.0 - i as f64, h.row(i).norm_squared(), 2.5 - 0.5 * i as f64))
                .collect()
        })
        .collect();
    for (i, anchor) in anchors.into_iter().enumerate() {
        let times: Vec<f64> = starts.iter().map(|list| list[i]).collect();
        let mean = times.iter().sum::<f64>() / 40.0;
        let std = (times.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / 39.0).sqrt();
        assert!((anchor - mean).abs() < 3.5 * std, "mode {}: {anchor} against {mean} +- {std}", i + 1);
    }
}

#[test]
fn the_law_of_vanishing_scale_is_that_of_the_program() {
    let problem = problem(SMALL);
    let list = names(&["learning_time[5]", "u[2]", "loss"]);
    let replica = run(&problem, 100, &[1.4, 14.0], &list, 2);
    let law = law(&problem, &replica, &list);
    let expected = half_rises(100, 2)[4];
    assert!((law.values[0][1] / (expected[0] * (1.0 + expected[1])) - 1.0).abs() < 1e-12);
}

fn judge(scenario: &Scenario, outcome: &Outcome) -> asymptotica::compare::Verdict {
    verdicts(scenario, outcome).remove(0).verdict().clone()
}

#[test]
fn planted_faults_are_refuted_and_the_sound_law_is_confirmed() {
    let size = 2000;
    let law = |scenario: &Scenario| -> (Job, JobResult) {
        let job = Job { case: 0, size, replica: None };
        (job, job.run(scenario, &|| false).expect("the law"))
    };
    let sound = scenario(&[], &[]);
    let mut outcome = Outcome { results: vec![law(&sound)], wall_seconds: 0.0 };
    outcome.results.extend((0..6).map(|r| {
        let job = Job { case: 0, size, replica: Some(r) };
        (job, job.run(&sound, &|| false).expect("a replica"))
    }));
    let verdict = judge(&sound, &outcome);
    assert_eq!(verdict.outcome, Judgement::Confirmed, "{}", verdict.sentence());
    println!("{}", verdict.sentence());
    let parameters = [
        "weight_layers+=1",
        "weight_layers+=-1",
        "target.scale=1.05",
        "target.scale=0.95",
        "init.u0=1.2",
        "init.u0=0.8333",
        "learning_rate=1.1",
        "input_variance=1.1",
    ];
    let structural: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
    assert_eq!(structural, ["drop=saturation", "drop=depth"]);
    for fault in structural.into_iter().chain(parameters) {
        let faulted = scenario(&[], &[fault]);
        outcome.results[0] = law(&faulted);
        let verdict = judge(&faulted, &outcome);
        assert_eq!(verdict.outcome, Judgement::Refuted, "{fault}: {}", verdict.sentence());
    }
}

/// Faults reach laws that start from measured weights as well.
#[test]
fn faults_reach_the_law_of_a_measured_start() {
    let set = ["problem.init={ kind = \"gaussian\", gain = 0.6 }", "law.start=replica"];
    let job = Job { case: 0, size: 200, replica: Some(0) };
    let run = |faults: &[&str]| job.run(&scenario(&set, faults), &|| false).expect("a replica");
    let sound = run(&[]);
    for fault in
        ["target.scale=1.05", "weight_layers+=1", "weight_layers+=-1", "learning_rate=1.1", "drop=depth"]
    {
        let faulted = run(&[fault]);
        assert_eq!(
            sound.simulation,
            faulted.simulation.map(|curve| Curve { work: sound.simulation.as_ref().unwrap().work, ..curve })
        );
        let (a, b) = (sound.law.as_ref().unwrap(), faulted.law.as_ref().unwrap());
        let moved = a.values[0].iter().zip(&b.values[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(moved > 1e-3, "{fault} moves the law by {moved}");
    }
}

/// Every declared key beside a change and the setting in which it can matter.
const CHANGES: &[(&str, &[&str], &str)] = &[
    ("weight_layers", &["problem.hidden_width=4"], "problem.weight_layers=4"),
    ("input_width", RANDOM, "problem.input_width=5"),
    ("hidden_width", RANDOM, "problem.hidden_width=[5, 5]"),
    ("output_width", RANDOM, "problem.output_width=4"),
    ("target", &[], "problem.target.strengths=[2.31, 1.3, 0.6]"),
    ("target", &[], "problem.target.scale=1.05"),
    ("target", RANDOM, "problem.target.basis=axes"),
    ("target", POWER, "problem.target.exponent=0.525"),
    ("target", POWER, "problem.target.modes=2"),
    ("target", GIVEN, "problem.target.A=[[1.0, 0.2, 0.0, 0.1], [0.0, 0.84, 0.0, 0.0], [0.1, 0.0, 0.4, 0.3]]"),
    ("target", TREE, "problem.target.scale=1.05"),
    ("init", &[], "problem.init.u0=0.021"),
    ("init", UNBALANCED, "problem.init.a=0.42"),
    ("init", UNBALANCED, "problem.init.b=0.105"),
    ("init", RANDOM, "problem.init.std=0.315"),
    ("init", GAUSSIAN, "problem.init.gain=0.63"),
    ("init", ORTHOGONAL, "problem.init.gain=0.63"),
    ("init", PRETRAINED, "problem.init.gain=0.63"),
    ("init", PRETRAINED, "problem.init.time=5.0"),
    ("init", LAMBDA, "problem.init.lambda=-0.735"),
    ("init", LAMBDA, "problem.init.std=0.315"),
    ("init", WEIGHTS, "problem.init.W1=[[0.42, 0.0, 0.1, 0.0], [0.1, 0.2, 0.0, 0.3]]"),
    ("init", WEIGHTS, "problem.init.W2=[[0.315, 0.0], [0.1, 0.2], [0.0, 0.2]]"),
    ("learning_rate", &[], "problem.learning_rate=1.05"),
    ("input_variance", &[], "problem.input_variance=1.05"),
    (
        "input_variance",
        &["problem.input_variance=[1.2, 0.9, 0.7, 1.0]"],
        "problem.input_variance=[1.2, 0.945, 0.7, 1.0]",
    ),
    ("input_basis", COLOURED, "problem.input_basis=random"),
    ("training_set", SAMPLES, "problem.training_set=10"),
    ("noise_std", SAMPLES, "problem.noise_std=0.315"),
    ("whitened", SAMPLES, "problem.whitened=true"),
    (
        "learnt_fraction",
        &["observe.observables=learning_time[1]", "panel[0].y=learning_time[1]"],
        "problem.learnt_fraction=0.525",
    ),
    ("learnt_loss", &["panel[0].y=loss_time"], "problem.learnt_loss=0.0525"),
    ("limit", SMALL_START, "problem.init.std=0.0105"),
];
const RANDOM: &[&str] = &["problem.init={ kind = \"random\", std = 0.3 }", "law.start=replica"];
const GAUSSIAN: &[&str] = &["problem.init={ kind = \"gaussian\", gain = 0.6 }", "law.start=replica"];
const ORTHOGONAL: &[&str] = &["problem.init={ kind = \"orthogonal\", gain = 0.6 }", "law.start=replica"];
const PRETRAINED: &[&str] =
    &["problem.init={ kind = \"pretrained\", gain = 0.6, time = 4.0 }", "law.start=replica"];
const POWER: &[&str] = &["problem.target={ kind = \"power-law\", modes = 3, exponent = 0.5 }"];
const GIVEN: &[&str] = &[
    "problem.target={ kind = \"given\", A = [[1.0, 0.2, 0.0, 0.1], [0.0, 0.8, 0.0, 0.0], [0.1, 0.0, 0.4, 0.3]] }",
];
const TREE: &[&str] = &[
    "problem.target={ kind = \"tree\", levels = 2 }",
    "problem.output_width=7",
    "problem.init={ kind = \"random\", std = 0.3 }",
    "law.start=replica",
];
const UNBALANCED: &[&str] = &[
    "problem.weight_layers=2",
    "problem.hidden_width=4",
    "problem.init={ kind = \"unbalanced\", a = 0.4, b = 0.1 }",
];
const LAMBDA: &[&str] = &[
    "problem.weight_layers=2",
    "problem.hidden_width=4",
    "problem.init={ kind = \"lambda-balanced\", lambda = -0.7, std = 0.3 }",
    "law.start=replica",
];
const WEIGHTS: &[&str] = &[
    "problem.weight_layers=2",
    "problem.hidden_width=2",
    "problem.target.basis=axes",
    "problem.init={ kind = \"given\", W1 = [[0.4, 0.0, 0.1, 0.0], [0.1, 0.2, 0.0, 0.3]], W2 = [[0.3, 0.0], [0.1, 0.2], [0.0, \
     0.2]] }",
];
const COLOURED: &[&str] = &[
    "problem.input_variance=[1.2, 0.9, 0.7, 1.0]",
    "problem.init={ kind = \"random\", std = 0.3 }",
    "law.start=replica",
];
const SAMPLES: &[&str] = &[
    "problem.training_set=9",
    "problem.noise_std=0.3",
    "problem.init={ kind = \"random\", std = 0.3 }",
    "law.start=replica",
];
const SMALL_START: &[&str] = &[
    "problem.weight_layers=2",
    "problem.hidden_width=4",
    "problem.init={ kind = \"random\", std = 0.01 }",
    "problem.limit=initial-scale",
    "problem.step=0.002",
    "simulation.sizes=[2]",
    "law.start=replica",
];

#[test]
fn every_parameter_is_alive_on_both_roads() {
    // The length of a step and the size of a batch change no law; tanh has none. Tests of their own cover them.
    let apart = ["step", "batch", "activation"];
    let covered: BTreeSet<&str> = CHANGES.iter().map(|(key, _, _)| *key).chain(apart).collect();
    let declared: BTreeSet<&str> = KIND.parameters.iter().map(|p| p.key).collect();
    assert_eq!(covered, declared, "every declared key has a change");
    let values = |set: &[&str]| -> (Vec<f64>, Vec<f64>) {
        let short = [
            "simulation.sizes=[200]",
            "observe.times=[0.7, 3.0, 9.0]",
            "panel[0].y=loss",
            "claim.observables=loss",
        ];
        let scenario = scenario(&[&short, set].concat(), &[]);
        let size = scenario.cases[0].simulation.as_ref().expect("a simulation").sizes[0];
        let wanted = &scenario.panels[0];
        let asymptotica::scenario::Panel::Curves(panel) = wanted else { panic!("curves") };
        let replica = Job { case: 0, size, replica: Some(0) }.run(&scenario, &|| false).expect("a replica");
        let law = match replica.law {
            Some(law) => law,
            None => Job { case: 0, size, replica: None }
                .run(&scenario, &|| false)
                .expect("a law")
                .law
                .expect("a law"),
        };
        let simulation = replica.simulation.expect("a simulation");
        (law.get(&panel.y[0]).expect("drawn").to_vec(), simulation.get(&panel.y[0]).expect("drawn").to_vec())
    };
    for (key, setting, change) in CHANGES {
        let (law, simulation) = values(setting);
        let (changed_law, changed_simulation) = values(&[setting, &[*change][..]].concat());
        let moved =
            |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| ((a - b) / a).abs()).fold(0.0, f64::max);
        assert!(moved(&law, &changed_law) > 1e-4, "{key}: {change} does not move the law");
        assert!(
            moved(&simulation, &changed_simulation) > 1e-4,
            "{key}: {change} does not move the simulation"
        );
    }
}

/// Mini-batches of fresh samples follow the flow with fluctuations of order sqrt(step).
#[test]
fn mini_batches_follow_the_flow_and_their_spread_falls_as_the_root_of_the_step() {
    for data in [&["problem.batch=4"][..], &["problem.batch=4", "problem.training_set=12"]] {
        let set =
            [data, &["problem.noise_std=0.4", "problem.init={ kind = \"gaussian\", gain = 0.7 }"]].concat();
        let problem = problem(&set);
        let list = names(&["u[1]"]);
        let gaps = |size: usize| -> Vec<f64> {
            (0..60)
                .map(|seed| {
                    let replica = run(&problem, size, &[1.5], &list, seed);
                    replica.curve.values[0][0] - law(&problem, &replica, &list).values[0][0]
                })
                .collect()
        };
        let moments = |gaps: &[f64]| {
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            (mean, (gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (gaps.len() - 1) as f64).sqrt())
        };
        let (coarse, fine) = (moments(&gaps(100)), moments(&gaps(1600)));
        // 60 replicas leave 9 % on each spread.
        let exponent = (coarse.1 / fine.1).ln() / 16.0_f64.ln();
        assert!((exponent - 0.5).abs() < 0.15, "{set:?}: spread falls with exponent {exponent}");
        assert!(fine.0.abs() < 4.0 * fine.1 / 60.0_f64.sqrt() + 2.0 / 1600.0, "{set:?}: bias {fine:?}");
    }
}

#[test]
fn starts_are_what_they_say() {
    let start = |set: &[&str]| {
        simulate::start(&problem(set), 100, Method::Direct, &Stream::root(8)).expect("a start")
    };
    let close = |a: DMatrix<f64>, b: f64, tolerance: f64| {
        let n = a.nrows();
        assert!((&a - DMatrix::identity(n, n) * b).amax() < tolerance, "{a}");
    };
    let square = &["problem.input_width=4", "problem.hidden_width=4", "problem.output_width=4"][..];
    let orthogonal = start(&[square, &["problem.init={ kind = \"orthogonal\", gain = 1.3 }"]].concat());
    for w in &measured(&orthogonal).weights {
        close(w.transpose() * w, 1.69, 1e-13);
    }
    // Autoencoders have learnt to exp(-2 t), up to the imbalance of their start, of order std^2.
    let pretrained = start(&[square, &["problem.init={ kind = \"pretrained\" }"]].concat());
    for w in &measured(&pretrained).weights {
        close(w * w.transpose(), 1.0, 2e-3);
    }
    // Where inputs have different variances the narrow encoder keeps the directions of the larger ones.
    let narrow = start(&[
        "problem.weight_layers=2",
        "problem.hidden_width=2",
        "problem.target={ kind = \"modes\", strengths = [1.0], basis = \"axes\" }",
        "problem.input_variance=[0.2, 2.0, 1.5, 0.3]",
        "problem.init={ kind = \"pretrained\", time = 40.0 }",
    ]);
    let kept = &measured(&narrow).weights[0];
    let power = |i: usize| kept.column(i).norm_squared();
    assert!(power(1) > 0.9 && power(2) > 0.9 && power(0) < 0.01 && power(3) < 0.01, "{kept}");
    let scaled = problem(SMALL);
    let (whole, tenth) = (
        simulate::start(&scaled, 1, Method::Direct, &Stream::root(2)).expect("a start"),
        simulate::start(&scaled, 10, Method::Direct, &Stream::root(2)).expect("a start"),
    );
    let gap = (&measured(&whole).weights[1] - &measured(&tenth).weights[1] * 10.0).amax();
    assert!(gap < 1e-15, "sizes divide the start: {gap}");
    assert!(measured(&whole).weights[0].variance().sqrt() - 0.158 < 0.01);
}

#[test]
fn whitened_sets_are_white_and_label_noise_has_its_standard_deviation() {
    let problem = problem(&[
        "problem.training_set=4000",
        "problem.whitened=true",
        "problem.noise_std=0.35",
        "problem.input_variance=0.7",
        "problem.init={ kind = \"gaussian\", gain = 0.7 }",
    ]);
    let start = simulate::start(&problem, 100, Method::Direct, &Stream::root(4)).expect("a start");
    let start = measured(&start);
    let sample = start.sample.as_ref().expect("a training set");
    assert!((&sample.input - DMatrix::identity(4, 4) * 0.7).amax() < 1e-12);
    // <|y|^2> = |A|^2 0.7 + 3 sigma^2, the cross term of the noise averages out as 1/sqrt(P).
    let noise = sample.label_power - 0.7 * start.target.norm_squared();
    assert!((noise / (3.0 * 0.35 * 0.35) - 1.0).abs() < 0.2, "{noise}");
}

#[test]
fn a_test_set_measures_the_loss_of_the_population() {
    let problem = problem(&[
        "problem.init={ kind = \"gaussian\", gain = 0.7 }",
        "problem.input_variance=[1.3, 0.8, 0.6, 1.0]",
    ]);
    let list = names(&["loss"]);
    let run = |risk| {
        let measure = Measure { times: &[0.0, 0.6], observables: &list, risk };
        simulate::replica(&problem, 100, Method::Direct, &measure, &Stream::root(6), &|| false)
            .expect("a replica")
            .curve
    };
    let exact = run(Risk::Overlaps);
    let tested = run(Risk::TestSet { samples: 200_000 });
    for (a, b) in exact.values[0].iter().zip(&tested.values[0]) {
        assert!((a / b - 1.0).abs() < 0.015, "{a} against {b}");
    }
}

/// One update is minus the gradient: the training loss of a tanh network falls by eta |gradient|^2, and near zero
/// weights it is the linear network.
#[test]
fn tanh_networks_descend_their_training_loss_and_are_linear_for_small_inputs() {
    let tanh = |variance: &str, activation: &str| {
        problem(&[
            "problem.training_set=11",
            "problem.whitened=true",
            variance,
            activation,
            "problem.init={ kind = \"gaussian\", gain = 0.9 }",
        ])
    };
    let list = names(&["training_loss", "singular_values[1]"]);
    let nonlinear = tanh("problem.input_variance=1.0", "problem.activation=tanh");
    let losses = |size: usize| {
        let step = 1.0 / size as f64;
        run(&nonlinear, size, &[0.0, step, 2.0 * step], &list, 9).curve.values[0].clone()
    };
    // Second-order: halving the step halves the descent of one step up to O(step), and two half steps equal one.
    let (whole, half) = (losses(1000), losses(2000));
    let descent = (whole[0] - whole[1]) / (half[0] - half[2]);
    assert!((descent - 1.0).abs() < 2e-3, "{descent}");
    assert!(whole[1] < whole[0]);
    let small = |activation: &str| {
        run(&tanh("problem.input_variance=1e-6", activation), 100, &[3.0], &list, 9).curve.values.concat()
    };
    for (a, b) in small("problem.activation=tanh").iter().zip(small("problem.activation=linear")) {
        assert!((a / b - 1.0).abs() < 1e-5, "{a} against {b}");
    }
    let needs = Measure { times: &[0.0], observables: &names(&["loss"]), risk: Risk::Overlaps };
    let refused = simulate::replica(&nonlinear, 10, Method::Direct, &needs, &Stream::root(1), &|| false);
    assert!(matches!(refused, Err(SimulationError::NeedsTestSet)), "{refused:?}");
}

#[test]
fn the_same_seed_gives_the_same_bits_and_a_divergence_is_an_end() {
    let problem = problem(&[
        "problem.init={ kind = \"gaussian\", gain = 0.7 }",
        "problem.batch=3",
        "problem.noise_std=0.2",
    ]);
    let list = names(&["loss", "u[1]"]);
    let (a, b) = (run(&problem, 100, &[0.5, 1.0], &list, 3), run(&problem, 100, &[0.5, 1.0], &list, 3));
    assert_eq!((a.curve.values.clone(), a.start.clone()), (b.curve.values, b.start));
    assert_ne!(a.curve.values, run(&problem, 100, &[0.5, 1.0], &list, 4).curve.values);
    let wild = crate::problem(&["problem.learning_rate=400.0"]);
    let end = run(&wild, 100, &[0.0, 50.0], &list, 3).curve;
    assert!(matches!(end.end, End::Diverged { .. }) && end.times == [0.0], "{:?}", end.end);
    assert_eq!(deep(&problem).columns(), 3);
}

#[test]
fn what_does_not_fit_is_refused_with_a_reason() {
    let refused = |set: &[&str]| {
        let own = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
        let overrides = Overrides { set: own(set), ..Overrides::default() };
        let source = Source::from_text("generic", "generic.toml", GENERIC).expect("valid TOML");
        resolve(&source, &overrides).expect_err("refused").to_string()
    };
    for (set, words) in [
        (&["problem.hidden_width=[5]"][..], "3 weight layers have 2 hidden ones"),
        (&["problem.hidden_width=2"], "cannot carry the 3 modes"),
        (&["problem.hidden_width=4.5"], "must be an integer"),
        (&["problem.output_width=2"], "at most 2"),
        (&["problem.init={ kind = \"unbalanced\", a = 1, b = 1 }"], "two weight layers"),
        (&["problem.limit=initial-scale"], "problem.step"),
        (&["problem.step=0.1"], "no meaning"),
        (&["problem.activation=tanh"], "no exact average"),
        (&["problem.whitened=true"], "at least 4 samples"),
        (&["problem.target={ kind = \"tree\", levels = 2 }"], "has 7 nodes"),
        (&["problem.init={ kind = \"gaussian\", gain = 1 }"], "states no overlaps"),
        (&["problem.training_set=9", "problem.activation=tanh"], "linear networks"),
        (&["problem.limit=initial-scale", "problem.step=0.1"], "two weight layers"),
        (
            &[
                "problem.weight_layers=2",
                "problem.hidden_width=5",
                "problem.init={ kind = \"lambda-balanced\", lambda = 1, std = 1 }",
            ],
            "at most 3",
        ),
    ] {
        let report = refused(set);
        assert!(report.contains(words), "{set:?}: {report}");
    }
}
