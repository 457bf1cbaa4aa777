//! Both simulations beside the law, and verdicts that say no.

use super::generic::{METHODS, names};
use super::{GENERIC, problem, single_index};
use asymptotica::problem::Definition;
use asymptotica::problem::single_index::KIND;
use asymptotica::problem::{Method, Start};
use asymptotica::rng::Stream;
use asymptotica::simulate::{self, Measure, Risk, SimulationError};
use rayon::prelude::*;

const SEVERAL: &[&str] = &["problem.directions=3", "problem.init.m=[0.5, 0.2, -0.3]"];
const RANDOM: &[&str] = &["problem.init={ kind = \"random\", hemisphere = true }", "law.start=replica"];

#[test]
fn starts_have_their_overlaps() {
    for method in METHODS {
        for (set, stated) in [(&[][..], vec![0.3]), (SEVERAL, vec![0.5, 0.2, -0.3])] {
            let replica = GENERIC.replica(set, 40, method, &[0.0], &[], Risk::Overlaps).expect("a replica");
            let Start::SingleIndex(start) = replica.start else { panic!("another start") };
            assert!(start.iter().zip(&stated).all(|(a, b)| (a - b).abs() < 1e-14), "{start:?}");
        }
        let error = GENERIC.replica(SEVERAL, 3, method, &[0.0], &[], Risk::Overlaps).unwrap_err();
        assert_eq!(error, SimulationError::TooSmall { size: 3, needed: 4 });
        // d m^2 of a uniform direction has the mean 1, on the half sphere as well.
        let problem = problem(RANDOM);
        let mean: f64 = (0..2000)
            .map(|i| {
                match simulate::start(&problem, 30, method, &Stream::root(18).index(i)).expect("a start") {
                    Start::SingleIndex(m) if m[0] > 0.0 => 30.0 * m[0] * m[0] / 2000.0,
                    other => panic!("{other:?}"),
                }
            })
            .sum();
        assert!((mean - 1.0).abs() < 4.5 * (2.0_f64 / 2000.0).sqrt(), "{method:?}: {mean}");
    }
}

#[test]
fn test_sets_agree_with_the_population_loss() {
    let relu = &["problem.student={ kind = \"relu\" }", "problem.link={ kind = \"tanh\" }"];
    for set in [&[][..], SEVERAL, relu] {
        for method in METHODS {
            let run = |risk| {
                let replica =
                    GENERIC.replica(set, 60, method, &[1.0], &names(&["loss"]), risk).expect("a replica");
                replica.curve.values[0][0]
            };
            let (exact, sampled) = (run(Risk::Overlaps), run(Risk::TestSet { samples: 40_000 }));
            assert!((sampled / exact - 1.0).abs() < 0.04, "{set:?}, {method:?}: {exact} {sampled}");
        }
    }
}

/// Inputs of every law with two moments follow the law of Gaussian ones along a random direction.
#[test]
fn inputs_of_other_laws_lead_to_the_same_overlap() {
    let set = |inputs: &str, planted: &str| {
        let inputs = format!("problem.inputs={inputs}");
        let planted = format!("problem.planted={planted}");
        let set = [&inputs, &planted, "simulation.method=direct", "problem.init.m=0.5"];
        let m: Vec<f64> = (0..12)
            .into_par_iter()
            .map(|i| {
                let names = names(&["m"]);
                let measure = Measure { times: &[3.0], observables: &names, risk: Risk::Overlaps };
                let stream = Stream::root(19).index(i);
                let replica =
                    simulate::replica(&problem(&set), 1000, Method::Direct, &measure, &stream, &|| false);
                replica.expect("a replica").curve.values[0][0]
            })
            .collect();
        m.iter().sum::<f64>() / m.len() as f64
    };
    let gaussian = set("{ kind = \"gaussian\" }", "random");
    for inputs in ["sphere", "rademacher", "laplace", "uniform"] {
        let mean = set(&format!("{{ kind = \"{inputs}\" }}"), "random");
        assert!((mean - gaussian).abs() < 0.03, "{inputs}: {mean} {gaussian}");
    }
    let heavy = set("{ kind = \"student-t\", degrees = 6.0 }", "random");
    assert!((heavy - gaussian).abs() < 0.06, "{heavy} {gaussian}");
}

/// Along an axis the coordinates do not mix: (x^2 - 1)/sqrt 2 of a sign is 0, and there is nothing to learn.
#[test]
fn signs_along_an_axis_hide_the_second_hermite_polynomial() {
    let second = "{ kind = \"he\", order = 2 }";
    let end = |planted: &str| -> f64 {
        let (link, student) = (format!("problem.link={second}"), format!("problem.student={second}"));
        let planted = format!("problem.planted={planted}");
        let rest =
            ["problem.inputs={ kind = \"rademacher\" }", "problem.learning_rate=0.1", "problem.init.m=0.5"];
        let direct = ["simulation.method=direct", "problem.noise_variance=0.0", &link, &student, &planted];
        let set = [&rest[..], &direct].concat();
        GENERIC
            .replica(&set, 1000, Method::Direct, &[4.0], &names(&["m"]), Risk::Overlaps)
            .expect("a replica")
            .curve
            .values[0][0]
    };
    let (axis, random) = (end("axes"), end("random"));
    // The law of Gaussian inputs ends at 0.71.
    assert!(axis < 0.5 && (random - 0.71).abs() < 0.1, "{axis} {random}");
}

/// For k* = 4 the smoothed landscape is left long before the plain one.
#[test]
fn a_smoothed_landscape_is_learnt_in_fewer_samples() {
    let fourth = [
        "problem.link={ kind = \"he\", order = 4 }",
        "problem.student={ kind = \"he\", order = 4 }",
        "problem.noise_variance=0.0",
        "problem.init={ kind = \"random\" }",
        "law.start=replica",
    ];
    let recovered = |set: &[&str]| -> f64 {
        let set = [&fourth[..], set].concat();
        let problem = problem(&[&set[..], &["law.enabled=false", "claim=[]"]].concat());
        let runs = (0..40_u64).into_par_iter().map(|i| {
            let names = names(&["weak_recovery"]);
            let measure = Measure { times: &[400.0], observables: &names, risk: Risk::Overlaps };
            let stream = Stream::root(20).index(i);
            let replica = simulate::replica(&problem, 60, Method::OverlapChain, &measure, &stream, &|| false);
            replica.expect("a replica").curve.values[0][0] / 40.0
        });
        runs.sum()
    };
    let plain = recovered(&["problem.learning_rate=0.003"]);
    let smoothed = recovered(&["problem.algorithm={ kind = \"smoothed\" }", "problem.learning_rate=1.0"]);
    println!("recovered after 400 d samples at d = 60: plain {plain}, smoothed {smoothed}");
    assert!(plain < 0.2 && smoothed > 0.8, "{plain} {smoothed}");
}

#[test]
fn the_law_is_confirmed_in_the_limit_and_faults_are_refuted() {
    let structural: Vec<&str> = KIND.law_faults.iter().map(|(name, _)| *name).collect();
    let parameters = ["problem.learning_rate=1.1", "problem.noise_variance=2.0", "problem.init.m=0.95"];
    GENERIC.confirms_and_refutes(&[], &[&structural[..], &parameters].concat());
}

#[test]
fn several_directions_follow_their_law() {
    let claim = "claim[0].observables=[\"m[1]\", \"m[2]\", \"m[3]\"]";
    let panel = "panel[0].y=[\"m\"]";
    let common = [claim, panel, "claim[0].metric=absolute", "claim[0].resolution=0.03"];
    let smaller = ["simulation.replicas=[1200, 600, 200]", "observe.times.to=8.0"];
    GENERIC.confirms_and_refutes(&[SEVERAL, &common, &smaller].concat(), &["drop=V"]);
}

/// Keys beside a change of about 5 % (a neighbouring value where the key is no number), and the setting in which the
/// change can matter.
const CHANGES: &[(&str, &[&str], &str)] = &[
    ("link", &[], "problem.link.coefficients=[0.1, 0.525, 0.6, -0.2]"),
    ("link", &["problem.link={ kind = \"he\", order = 1 }"], "problem.link.order=2"),
    ("link", &[], "problem.link={ kind = \"sign\" }"),
    ("student", &[], "problem.student.coefficients=[0.0, 0.7, 0.42]"),
    ("student", &[], "problem.student={ kind = \"relu\" }"),
    ("directions", &[], "problem.directions=2"),
    ("learning_rate", &[], "problem.learning_rate=0.315"),
    ("rate_exponent", &[], "problem.rate_exponent=0.05"),
    ("schedule", POWER, "problem.schedule.exponent=0.735"),
    ("schedule", POWER, "problem.schedule.time=4.2"),
    ("noise_variance", &[], "problem.noise_variance=0.21"),
    ("init", &[], "problem.init.m=0.315"),
    ("weak_overlap", &[], "problem.weak_overlap=0.45"),
    ("strong_overlap", &[], "problem.strong_overlap=0.55"),
];
const POWER: &[&str] = &["problem.schedule={ kind = \"power\", exponent = 0.7, time = 4.0 }"];

#[test]
fn every_parameter_is_alive_on_both_roads() {
    // Inputs, orientation and algorithm are outside the law or nothing to it; tests above and of the module hold them.
    let elsewhere = ["inputs", "planted", "algorithm"];
    let short = [
        "simulation.sizes=[40, 80]",
        "observe.times=[1.5, 9.0]",
        "simulation.replicas=1",
        "observe.observables=[\"loss\", \"weak_recovery_time\", \"strong_recovery_time\"]",
        "panel[0].y=overlap",
        "claim[0].observables=[\"overlap\"]",
    ];
    GENERIC.parameters_are_alive(CHANGES, &elsewhere, &short);
    assert!(single_index(&[]).uncovered().is_none());
}
