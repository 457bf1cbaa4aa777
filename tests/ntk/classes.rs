//! The softmax loss: function-space descent of several classes against numbers of numpy, its flow, the logistic loss of
//! two classes, the largest stable rate, targets that are classes, and what is refused.

use super::dynamics::{definition, law, problem, shipped};
use super::planted::Bench;
use asymptotica::compare::Outcome as Judgement;
use asymptotica::problem::{self, Problem, ntk};
use asymptotica::scenario::{Overrides, Source, resolve};
use asymptotica::theory;
use asymptotica::trajectory::Curve;
use nalgebra::DVector;

const POINTS: &str = "hidden_layers = 2\nweight_std = 1.4\nbias_std = 0.3\n\
                      inputs = { kind = \"given\", x = [[1.0, 0.2], [-0.3, 0.9], [-0.8, -0.5], [0.4, -1.1], [0.1, 1.3]], \
                      tests = [[0.7, -0.4], [-0.9, 0.6]] }\n";
const CLASSES: &str =
    "loss = \"softmax\"\nclasses = 3\ntarget = { kind = \"given\", y = [1, 2, 3, 1, 2], tests = [1, 3] }\n";

fn outputs(train: impl Iterator<Item = f64>, test: impl Iterator<Item = f64>) -> problem::Start {
    let list = |values: Vec<f64>| DVector::from_vec(values);
    problem::Start::Ntk(ntk::Start::Outputs { train: list(train.collect()), test: list(test.collect()) })
}

fn start() -> problem::Start {
    let pairs = |points: u32| (0..points).flat_map(|i| (0..3).map(move |c| (f64::from(i), f64::from(c))));
    outputs(
        pairs(5).map(|(i, c)| 0.4 * (1.3 * i + 2.1 * c).sin()),
        pairs(2).map(|(i, c)| 0.4 * (0.7 * i - 1.1 * c).cos()),
    )
}

fn value(curve: &Curve, name: &str, at: usize) -> f64 {
    curve.get(name).unwrap_or_else(|| panic!("{name}"))[at]
}

const NAMES: [&str; 8] = [
    "train_loss",
    "test_loss",
    "train_error",
    "test_error",
    "f_train[2,3]",
    "f[1,1]",
    "f[2,3]",
    "probability[2,1]",
];

/// f_(k+1) = f_k - (eta/P) T (p - Y) written in numpy, the kernels from their closed forms with 40 digits.
#[test]
fn descent_has_the_numbers_of_an_independent_iteration() {
    let relu = [
        [
            1.1062622354100464,
            1.081215278208282,
            0.8,
            0.5,
            -0.2822161302281568,
            0.4,
            0.028294880667081076,
            0.35435243754223683,
        ],
        [
            0.7261983175626548,
            1.0249728838846452,
            0.0,
            0.5,
            -0.5699757862834821,
            0.7814894951190008,
            -0.08826569443567248,
            0.26646404819391356,
        ],
        [
            0.19261862040425023,
            0.9252918566030456,
            0.0,
            0.5,
            -1.0113757541442758,
            1.83564614608736,
            -0.016397733730041962,
            0.09677896633906785,
        ],
        [
            0.021293567807759137,
            1.0388373067374612,
            0.0,
            0.5,
            -1.5520594803142915,
            3.1762015975332134,
            0.2742367272440108,
            0.01693271263999565,
        ],
    ];
    let erf = [
        [
            1.1062622354100464,
            1.081215278208282,
            0.8,
            0.5,
            -0.2822161302281568,
            0.4,
            0.028294880667081076,
            0.35435243754223683,
        ],
        [
            0.6159443217545706,
            0.868440113082136,
            0.0,
            0.5,
            -0.42930729642205095,
            1.0208441911255979,
            0.130207726114023,
            0.1751136179704887,
        ],
        [
            0.1354660378694055,
            0.7943316790142937,
            0.0,
            0.5,
            -0.6393648918781107,
            2.4908310363051718,
            0.5001466972108476,
            0.027718265502331998,
        ],
        [
            0.01635421560749794,
            0.9584484747717888,
            0.0,
            0.5,
            -0.9941173930837913,
            4.293635141627169,
            0.9833189914502144,
            0.0027105351070385994,
        ],
    ];
    for (activation, expected) in [("relu", relu), ("erf", erf)] {
        let problem =
            problem(&format!("{POINTS}{CLASSES}learning_rate = 0.8\nactivation = \"{activation}\""));
        let curve = law(&problem, &start(), &[0.0, 1.0, 7.0, 60.0], &NAMES).expect("a law");
        for (at, row) in expected.iter().enumerate() {
            for (name, expected) in NAMES.iter().zip(row) {
                let found = value(&curve, name, at);
                assert!((found - expected).abs() < 1e-12, "{activation} {at} {name}: {found} {expected}");
            }
        }
    }
}

/// Outputs of the flow at t = 3 by 4000 Runge-Kutta steps in numpy; the distance of descent halves with the step.
#[test]
fn descent_becomes_its_flow() {
    for (activation, expected) in [
        ("relu", [-0.8131588103242017, -0.06686253945506644]),
        ("erf", [-0.5425575817127686, 0.3277626914003185]),
    ] {
        let errors: Vec<f64> = [0.1_f64, 0.05, 0.025]
            .iter()
            .map(|rate| {
                let problem = problem(&format!(
                    "{POINTS}{CLASSES}learning_rate = {rate}\nactivation = \"{activation}\""
                ));
                let names = ["f_train[2,3]", "f[2,3]"];
                let curve = law(&problem, &start(), &[(3.0 / rate).round()], &names).expect("a law");
                let gaps = names.iter().zip(expected).map(|(name, f)| (value(&curve, name, 0) - f).abs());
                gaps.fold(0.0, f64::max)
            })
            .collect();
        for pair in errors.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((order - 1.0).abs() < 0.1, "{activation}: order {order}, {errors:?}");
        }
    }
}

/// f_1 - f_2 moves under the sum of two equal kernels: the logistic law at twice the rate.
#[test]
fn two_classes_are_the_logistic_loss_at_twice_the_rate() {
    let two = problem(&format!(
        "{POINTS}learning_rate = 0.7\nloss = \"softmax\"\nclasses = 2\n\
         target = {{ kind = \"given\", y = [1, 2, 2, 1, 2], tests = [1, 2] }}"
    ));
    let logistic = problem(&format!(
        "{POINTS}learning_rate = 1.4\nloss = \"logistic\"\n\
         target = {{ kind = \"given\", y = [1, -1, -1, 1, -1], tests = [1, -1] }}"
    ));
    let f = |i: f64| [0.3 * (1.7 * i).sin(), -0.2 * (2.3 * i).cos()];
    let pair = |points: u32| (0..points).flat_map(move |i| f(f64::from(i)));
    let difference = |points: u32| (0..points).map(move |i| f(f64::from(i))[0] - f(f64::from(i))[1]);
    let times = [0.0, 1.0, 5.0, 40.0, 300.0];
    let names =
        ["train_loss", "test_loss", "train_error", "test_error", "f[2,1]", "f[2,2]", "probability[1,1]"];
    let found = law(&two, &outputs(pair(5), pair(2)), &times, &names).expect("a law");
    let names = ["train_loss", "test_loss", "train_error", "test_error", "f[1]", "f[2]"];
    let expected = law(&logistic, &outputs(difference(5), difference(2)), &times, &names).expect("a law");
    for at in 0..times.len() {
        for name in ["train_loss", "test_loss", "train_error", "test_error"] {
            let (found, expected) = (value(&found, name, at), value(&expected, name, at));
            assert!((found - expected).abs() < 1e-12, "{at} {name}: {found} {expected}");
        }
        let wrong = f64::from(u8::from(value(&expected, "f[1]", at) < 0.0))
            + f64::from(u8::from(value(&expected, "f[2]", at) > 0.0));
        assert_eq!(value(&expected, "test_error", at), 0.5 * wrong, "{at}");
        let log_odds = value(&found, "f[2,1]", at) - value(&found, "f[2,2]", at);
        assert!((log_odds - value(&expected, "f[2]", at)).abs() < 1e-12, "{at}: {log_odds}");
        let p = 1.0 / (1.0 + (-value(&expected, "f[1]", at)).exp());
        assert!((value(&found, "probability[1,1]", at) - p).abs() < 1e-12, "{at}: {p}");
    }
}

/// 4 P / largest eigenvalue, the eigenvalue of the five points from numpy. Below it the loss falls in every update; two
/// nearly equal points of different classes, whose probabilities stay near 1/2, show that it cannot be much larger.
#[test]
fn the_largest_stable_rate_is_that_of_the_curvature() {
    let five = problem(&format!("{POINTS}{CLASSES}learning_rate = 0.8\nactivation = \"relu\""));
    let found = theory::overlay(&five, "largest-stable-rate").expect("a rate");
    assert!((found - 20.0 / 9.126801322021894).abs() < 1e-12, "{found}");

    let near = |rate: f64| {
        problem(&format!(
            "hidden_layers = 1\nlearning_rate = {rate}\nloss = \"softmax\"\nclasses = 2\n\
             inputs = {{ kind = \"given\", x = [[1.0, 0.0], [1.0, 0.02]] }}\n\
             target = {{ kind = \"given\", y = [1, 2] }}"
        ))
    };
    let bound = theory::overlay(&near(1.0), "largest-stable-rate").expect("a rate");
    let losses = |rate: f64| {
        let start = outputs([1.0, 0.0, 1.0, 0.0].into_iter(), std::iter::empty());
        let times: Vec<f64> = (0..60).map(f64::from).collect();
        law(&near(rate), &start, &times, &["train_loss"])
            .expect("a law")
            .get("train_loss")
            .expect("kept")
            .to_vec()
    };
    assert!(losses(0.98 * bound).windows(2).all(|pair| pair[1] < pair[0]));
    assert!(losses(1.3 * bound).windows(2).any(|pair| pair[1] > pair[0]));
}

#[test]
fn targets_are_classes_of_the_angle() {
    let labels = |keys: &str| {
        let problem = problem(&format!(
            "hidden_layers = 1\nlearning_rate = 1.0\nloss = \"softmax\"\ncentred = true\n\
             inputs = {{ kind = \"circle\", points = 12, tests = 6 }}\n{keys}"
        ));
        let data = definition(&problem).data();
        let list = |labels: DVector<f64>| labels.iter().map(|y| *y as usize).collect::<Vec<_>>();
        (list(data.labels), list(data.test_labels))
    };
    // Points at 0, 30, ... degrees, test points at 30, 90, ...: boundaries belong to the sector that begins there.
    let sectors = labels("classes = 3\ntarget = { kind = \"sectors\" }");
    assert_eq!(sectors, (vec![1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3], vec![1, 1, 2, 2, 3, 3]));
    let turned = labels("classes = 4\ntarget = { kind = \"sectors\", offset = 1.5707963267948966 }");
    assert_eq!(turned, (vec![4, 4, 4, 1, 1, 1, 2, 2, 2, 3, 3, 3], vec![4, 1, 1, 2, 3, 3]));
    // cos g, cos(g - 120 degrees), cos(g + 120 degrees): sectors from -60 degrees, ties to the first class.
    let s = 0.75_f64.sqrt();
    let largest = labels(&format!(
        "classes = 3\ntarget = {{ kind = \"largest-harmonics\", cosine = [[0, 1], [0, -0.5], [0, -0.5]], \
         sine = [[0, 0], [0, {s}], [0, {}]] }}",
        -s
    ));
    assert_eq!(largest, (vec![1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 1, 1], vec![1, 2, 2, 3, 3, 1]));
}

/// All outputs are equal at the start of a centred network: chance level, ln C, and 1/C.
#[test]
fn centred_networks_start_at_chance() {
    let keys = format!("{POINTS}{CLASSES}learning_rate = 0.8\ncentred = true");
    let limit = problem::Start::Ntk(ntk::Start::Ensemble);
    let names = ["train_loss", "test_error", "probability[2,3]"];
    let curve = law(&problem(&keys), &limit, &[0.0], &names).expect("a law");
    for (name, expected) in names.iter().zip([3.0_f64.ln(), 2.0 / 3.0, 1.0 / 3.0]) {
        assert!((value(&curve, name, 0) - expected).abs() < 1e-15, "{name}");
    }
    let spread = problem(&format!("{POINTS}{CLASSES}learning_rate = 0.8"));
    let error = law(&spread, &limit, &[0.0], &names).expect_err("no closed mean");
    assert!(error.to_string().contains("softmax") && error.to_string().contains("centred"), "{error}");
    // Observables of one output are refused by name.
    assert!(law(&spread, &start(), &[0.0], &["f[1]"]).is_err());
    assert!(law(&spread, &start(), &[0.0], &["f[1,4]"]).is_err());
}

#[test]
fn classes_come_from_a_table_and_what_is_undefined_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a writable folder");
        format!(
            "inputs = {{ kind = \"table\", path = {path:?}, tests = 1 }}\ntarget = {{ kind = \"table\" }}\n"
        )
    };
    let softmax = "hidden_layers = 1\nlearning_rate = 1.0\nloss = \"softmax\"\nclasses = 3\n";
    let good = table("good.csv", "a,b,class\n1.0,2.0,3\n1.5,3.0,1\n2.0,1.0,2\n4.0,1.0,1\n");
    let data = definition(&problem(&format!("{softmax}{good}"))).data();
    assert_eq!((data.labels.as_slice(), data.test_labels.as_slice()), (&[3.0, 1.0, 2.0][..], &[1.0][..]));

    let complaint = |keys: &str| {
        let text = format!(
            "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"ntk\"\n{keys}\n[observe]\ntimes = [1.0]\n[law]\n\
             start = \"replica\"\n[simulation]\nsizes = [8]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"train_loss\"\n"
        );
        let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
        resolve(&source, &Overrides::default()).expect_err("refused").to_string()
    };
    let circle = "inputs = { kind = \"circle\", points = 6, tests = 3 }\n";
    let sectors = "target = { kind = \"sectors\" }\n";
    let single = "hidden_layers = 1\nlearning_rate = 1.0\n";
    for (keys, rule, remedy) in [
        (format!("{single}loss = \"softmax\"\n{circle}{sectors}"), "classes: is missing", "add classes"),
        (
            format!("{single}classes = 3\n{circle}target = {{ kind = \"harmonics\", cosine = [1.0] }}"),
            "one output",
            "problem of its own",
        ),
        (format!("{single}{circle}{sectors}"), "gives classes", "set loss = \"softmax\""),
        (
            format!("{softmax}{circle}target = {{ kind = \"harmonics\", cosine = [1.0] }}"),
            "needs classes",
            "sectors",
        ),
        (format!("{softmax}{circle}{sectors}noise_std = 0.1"), "noise on numbers", "given"),
        (
            format!("{softmax}{circle}{sectors}batch = 2"),
            "softmax loss have no closed moments",
            "law.enabled = false",
        ),
        (
            format!("{softmax}{circle}{sectors}centred = true\narchitecture = {{ kind = \"tied\" }}"),
            "one readout",
            "another wiring",
        ),
        (
            format!("{softmax}{circle}{sectors}parametrisation = \"mean-field\""),
            "mean-field",
            "law.enabled = false",
        ),
        (
            format!(
                "{softmax}{circle}target = {{ kind = \"given\", y = [1, 2, 3, 1, 2, 0], tests = [1, 2, 3] }}"
            ),
            "label 0 at point 6",
            "from 1 to 3",
        ),
        (
            format!(
                "{softmax}{circle}target = {{ kind = \"given\", y = [1, 2, 3, 1, 2, 1], tests = [1, 2.5, 3] }}"
            ),
            "label 2.5 at point 2",
            "from 1 to 3",
        ),
        (
            format!("{softmax}{}", table("bad.csv", "1.0,2.0,3\n1.5,3.0,4\n2.0,1.0,2\n")),
            "label 4 at point 2",
            "from 1 to 3",
        ),
        (
            format!(
                "{softmax}{circle}target = {{ kind = \"largest-harmonics\", cosine = [[0, 1], [0, -1]] }}"
            ),
            "2 rows for 3 classes",
            "give 3 rows",
        ),
        (
            format!("{softmax}inputs = {{ kind = \"given\", x = [[1.0], [2.0]] }}\n{sectors}"),
            "two coordinates",
            "given",
        ),
    ] {
        let found = complaint(&keys);
        assert!(found.contains(rule) && found.contains(remedy), "{rule}: {found}");
    }
    let Problem::Ntk(_) = problem(&format!("{softmax}{good}")) else { panic!("another problem") };
    let stop = theory::overlay(&problem(&format!("{softmax}{circle}{sectors}")), "optimal-stopping-time");
    assert!(stop.expect_err("of squares").to_string().contains("squared loss"));
}

/// The scenario that ships.
#[test]
fn rate_layer_and_bias_are_refuted_for_three_classes() {
    let name = "softmax-three-sectors";
    let sound = shipped(name, &[], &[]);
    let bench = Bench::new(&sound);
    let (outcome, sentence) = bench.judge(&sound);
    assert_eq!(outcome, Judgement::Confirmed, "{sentence}");
    for fault in ["learning_rate=1.1", "learning_rate=0.9", "drop=layer", "drop=bias", "drop=derivative"] {
        let (outcome, sentence) = bench.judge(&shipped(name, &[], &[fault]));
        assert_eq!(outcome, Judgement::Refuted, "{fault}: {sentence}");
    }
}
