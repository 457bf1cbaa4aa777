//! Scenario files: what resolves, what is refused, and with which words.

use asymptotica::problem::committee::{Committee, Init, Surplus, Teacher};
use asymptotica::problem::{KINDS, Problem};
use asymptotica::scenario::*;
use proptest::prelude::*;

const SKETCH: &str = r#"title  = "Specialisation plateau"
source = "arXiv:1906.08632, Fig. 1b"

[problem]
kind = "committee"
student_width = 4
teacher_width = 4
activation = "erf"
learning_rate = 0.2
noise_std = 0.016
trained = "first-layer"
init = { kind = "random", std = 1.25 }

[observe]
times = { from = 0.1, to = 1e4, points = 61, spacing = "log" }

[law]
start = "replica"
tolerance = 1e-10

[simulation]
method = "direct"
sizes = [784]
replicas = 16
seed = 3

[series]
"problem.student_width" = [2, 4, 6]

[[panel]]
y = "generalisation_error"
x = "time"
scale = "log-log"

[claim]
observables = ["generalisation_error"]
metric = "relative"
resolution = 0.05
limit = "at-size"
within = [[0.1, 200.0], [2000.0, 1e4]]

[preset.quick]
"simulation.replicas" = 8
"panel[0].x_range" = [0.5, 900.0]
expected_time = "40 s"
"#;

/// The smallest scenario, in which tests change or add lines.
const SMALL: &str = r#"title = "t"
source = "s"
[problem]
kind = "committee"
student_width = 3
teacher_width = 2
activation = "erf"
learning_rate = 0.3
noise_std = 0.2
trained = "first-layer"
init = { kind = "random", std = 0.7 }
[observe]
times = [0.5, 2.0, 7.0]
[law]
start = "replica"
[simulation]
sizes = [50, 90]
replicas = 7
seed = 5
[[panel]]
y = "R"
"#;

fn with(text: &str, options: &Overrides) -> Result<Scenario, Report> {
    resolve(&Source::from_text("x", "x.toml", text)?, options)
}

#[track_caller]
fn good(text: &str) -> Scenario {
    with(text, &Overrides::default()).unwrap_or_else(|report| panic!("{report}"))
}

#[track_caller]
fn bad(text: &str) -> String {
    with(text, &Overrides::default()).expect_err("the text is wrong").to_string()
}

/// The whole message where one line is replaced.
#[track_caller]
fn refused(text: &str, line: &str, replacement: &str) -> String {
    assert_eq!(text.matches(line).count(), 1, "{line:?} stands once in the text");
    bad(&text.replace(line, replacement))
}

fn set(text: &str, arguments: &[&str]) -> Result<Scenario, Report> {
    let set = arguments.iter().map(|argument| argument.to_string()).collect();
    with(text, &Overrides { set, ..Overrides::default() })
}

fn committee(case: &Case) -> &Committee {
    match &case.problem {
        Problem::Committee(committee) => committee,
        other => panic!("{:?} is no committee", other.kind().kind),
    }
}

fn curves(scenario: &Scenario) -> &CurvesPanel {
    match &scenario.panels[0] {
        Panel::Curves(panel) => panel,
        _ => panic!("a panel of curves"),
    }
}

fn replicas(case: &Case) -> usize {
    let replicas = &case.simulation.as_ref().expect("a simulation").replicas;
    assert!(replicas.iter().all(|n| *n == replicas[0]), "one number for all sizes: {replicas:?}");
    replicas[0]
}

#[test]
fn the_sketch_resolves() {
    let scenario = good(SKETCH);
    assert_eq!(scenario.id, "x");
    assert_eq!(scenario.series, ["K = 2", "K = 4", "K = 6"]);
    assert_eq!(scenario.cases.len(), 3);
    for (case, width) in scenario.cases.iter().zip([2, 4, 6]) {
        assert_eq!(committee(case).student_width, width);
        assert_eq!(committee(case).init, Init::Random { std: 1.25 });
        assert_eq!(case.problem, case.law_problem);
        assert_eq!(case.observe.observables, ["generalisation_error"]);
        assert_eq!(case.observe.risk, Risk::Overlaps);
        assert_eq!((case.law.start, case.law.tolerance), (LawStart::Replica, 1e-10));
        let simulation = case.simulation.as_ref().unwrap();
        assert_eq!(
            (&simulation.sizes[..], &simulation.replicas[..], simulation.seed),
            (&[784][..], &[16][..], 3)
        );
        assert!(!simulation.starts_only);
    }
    let times = &scenario.cases[0].observe.times;
    assert_eq!((times.len(), times[0], times[60]), (61, 0.1, 1e4));
    // 61 points over 5 decades are 12 steps for each decade
    assert!((times[12] - 1.0).abs() < 1e-14 && (times[48] / 1e3 - 1.0).abs() < 1e-14);
    let panel = curves(&scenario);
    assert_eq!((panel.x.as_str(), panel.x_label.as_str()), ("time", "time (updates / d)"));
    assert_eq!(panel.y_label, "ε_{g}");
    assert!(panel.log_x && panel.log_y && panel.residuals);
    assert_eq!(panel.series, [0, 1, 2]);
    assert_eq!(scenario.claims[0].within, [(0.1, 200.0), (2000.0, 1e4)]);
    assert_eq!(scenario.claims[0].metric, Metric::Relative);
}

#[test]
fn presets_override_the_file() {
    assert_eq!(Source::from_text("x", "x.toml", SKETCH).unwrap().presets(), ["quick"]);
    let preset = |name: &str| Overrides { preset: Some(name.into()), ..Overrides::default() };
    let quick = with(SKETCH, &preset("quick")).unwrap();
    assert_eq!(replicas(&quick.cases[0]), 8);
    assert_eq!(quick.expected_time.as_deref(), Some("40 s"));
    assert_eq!(curves(&quick).x_range, Some((0.5, 900.0)));
    assert_eq!(replicas(&with(SKETCH, &preset("paper")).unwrap().cases[0]), 16);
    assert_eq!(
        with(SKETCH, &preset("slow")).unwrap_err().to_string(),
        "x.toml: --preset slow: the scenario has no such preset\n  help: known presets: quick, paper"
    );
    let wrong = SKETCH.replace("\"simulation.replicas\" = 8", "\"simulation.replica\" = 8");
    assert_eq!(
        with(&wrong, &preset("quick")).unwrap_err().to_string(),
        "x.toml:43: simulation.replica: unknown key
  43 | \"simulation.replica\" = 8
     | ^^^^^^^^^^^^^^^^^^^^
  help: did you mean replicas?"
    );
}

#[test]
fn the_command_line_overrides_with_the_same_checks() {
    let changes = [
        "problem.init.std=0.75",
        "problem.activation=relu",
        "panel[0].x_range=[1, 30]",
        "simulation.sizes=300",
    ];
    let scenario = set(SKETCH, &changes).unwrap();
    assert_eq!(committee(&scenario.cases[1]).init, Init::Random { std: 0.75 });
    assert_eq!(committee(&scenario.cases[1]).activation.name(), "relu");
    assert_eq!(scenario.cases[1].simulation.as_ref().unwrap().sizes, [300]);
    assert_eq!(curves(&scenario).x_range, Some((1.0, 30.0)));

    for (argument, message) in [
        (
            "problem.learning_rate=-0.5",
            "--set: problem.learning_rate = -0.5: must be finite and > 0
   | problem.learning_rate=-0.5
   |                       ^^^^",
        ),
        (
            "problem.noise_sdt=0.5",
            "--set: problem.noise_sdt: unknown key
   | problem.noise_sdt=0.5
   | ^^^^^^^^^^^^^^^^^
  help: did you mean noise_std?",
        ),
        (
            "problem.noise_std",
            "--set: needs KEY=VALUE
   | problem.noise_std
   | ^^^^^^^^^^^^^^^^^
  help: for example problem.noise_std=0.3",
        ),
        (
            "simulation.sizes=[3,",
            "--set: unclosed array, expected `]`
   | simulation.sizes=[3,
   |                     ^
  help: the value is read as TOML",
        ),
        (
            "panel[3].y=R",
            "--set: panel[3].y: panel has the indices 0 to 0
   | panel[3].y=R
   | ^^^^^^^^^^",
        ),
        (
            "problem.learning_rate.x=2",
            "--set: problem.learning_rate.x: learning_rate is a number and has no keys of its own
   | problem.learning_rate.x=2
   | ^^^^^^^^^^^^^^^^^^^^^^^",
        ),
        (
            "problem.student_width=3",
            "--set: problem.student_width: every series sets problem.student_width itself (x.toml:28), so \
             --set would have no effect
   | problem.student_width=3
   | ^^^^^^^^^^^^^^^^^^^^^
  help: set the list: --set 'series.\"problem.student_width\"=[...]'",
        ),
    ] {
        assert_eq!(set(SKETCH, &[argument]).unwrap_err().to_string(), message, "{argument}");
    }
    for path in ["series.problem.student_width=[3, 5]", "series.\"problem.student_width\"=[3, 5]"] {
        assert_eq!(set(SKETCH, &[path]).unwrap().series, ["K = 3", "K = 5"]);
    }
}

#[test]
fn every_wrong_value_is_answered_with_place_rule_and_remedy() {
    for (line, replacement, message) in [
        (
            "learning_rate = 0.3",
            "learning_rate = -0.5",
            "x.toml:8: problem.learning_rate = -0.5: must be finite and > 0
  8 | learning_rate = -0.5
    |                 ^^^^",
        ),
        (
            "learning_rate = 0.3",
            "learning_rte = 0.3",
            "x.toml:8: problem.learning_rte: unknown key
  8 | learning_rte = 0.3
    | ^^^^^^^^^^^^
  help: did you mean learning_rate?",
        ),
        (
            "learning_rate = 0.3\n",
            "",
            "x.toml:3: problem.learning_rate: missing key
  3 | [problem]
    | ^^^^^^^^^
  help: add learning_rate = 0.5  (rate of the first layer on the clock time = updates / d)",
        ),
        (
            "learning_rate = 0.3",
            "learning_rate = \"fast\"",
            "x.toml:8: problem.learning_rate = \"fast\": must be a number, found text
  8 | learning_rate = \"fast\"
    |                 ^^^^^^
  help: a formula starts with =, as in \"= 2 * teacher_width\"",
        ),
        (
            "learning_rate = 0.3",
            "learning_rate = \"0.3\"",
            "x.toml:8: problem.learning_rate = \"0.3\": must be a number, found text
  8 | learning_rate = \"0.3\"
    |                 ^^^^^
  help: remove the quotes",
        ),
        (
            "student_width = 3",
            "student_width = -3",
            "x.toml:5: problem.student_width = -3: must be an integer from 1 to 2048
  5 | student_width = -3
    |                 ^^",
        ),
        (
            "noise_std = 0.2",
            "noise_std = nan",
            "x.toml:9: problem.noise_std = nan: must be finite
  9 | noise_std = nan
    |             ^^^",
        ),
        (
            "noise_std = 0.2",
            "noise_std = inf",
            "x.toml:9: problem.noise_std = inf: must be finite
  9 | noise_std = inf
    |             ^^^",
        ),
        (
            "kind = \"committee\"",
            "kind = \"perceptron\"",
            "x.toml:4: problem.kind = \"perceptron\": is no kind of problem that this program knows
  4 | kind = \"perceptron\"
    |        ^^^^^^^^^^^^
  help: known kinds: KINDS",
        ),
        (
            "activation = \"erf\"",
            "activation = \"rleu\"",
            "x.toml:7: problem.activation = \"rleu\": must be one of \"erf\", \"linear\", \"relu\", \
             \"quadratic\", \"tanh\", \"gelu\", \"softplus\", \"sine\"
  7 | activation = \"rleu\"
    |              ^^^^^^
  help: did you mean \"relu\"?",
        ),
        (
            "init = { kind = \"random\", std = 0.7 }",
            "init = { kind = \"random\" }",
            "x.toml:11: problem.init.std: missing key
  11 | init = { kind = \"random\" }
     |        ^^^^^^^^^^^^^^^^^^^
  help: add std = 1.0  (standard deviation of every weight)",
        ),
        (
            "sizes = [50, 90]",
            "sizes = []",
            "x.toml:17: simulation.sizes = []: must hold at least one integer
  17 | sizes = []
     |         ^^
  help: for example sizes = [500]",
        ),
        (
            "sizes = [50, 90]",
            "sizes = [50, 90, 50]",
            "x.toml:17: simulation.sizes[2] = 50: is listed twice
  17 | sizes = [50, 90, 50]
     |                  ^^",
        ),
        (
            "times = [0.5, 2.0, 7.0]",
            "times = [0.5, 7.0, 2.0]",
            "x.toml:13: observe.times[2] = 2.0: times must ascend, 2 follows 7
  13 | times = [0.5, 7.0, 2.0]
     |                    ^^^",
        ),
        (
            "times = [0.5, 2.0, 7.0]",
            "times = [-0.5, 2.0]",
            "x.toml:13: observe.times[0] = -0.5: times must be >= 0
  13 | times = [-0.5, 2.0]
     |          ^^^^",
        ),
        (
            "times = [0.5, 2.0, 7.0]",
            "times = { from = 0, to = 9.0, points = 4, spacing = \"log\" }",
            "x.toml:13: observe.times.from = 0: must be > 0 with spacing = \"log\"
  13 | times = { from = 0, to = 9.0, points = 4, spacing = \"log\" }
     |                  ^
  help: start above 0 and add include_zero = true if time 0 is wanted",
        ),
        (
            "times = [0.5, 2.0, 7.0]",
            "times = []",
            "x.toml:13: observe.times = []: holds no time
  13 | times = []
     |         ^^
  help: for example times = { from = 1.0, to = 100.0, points = 40, spacing = \"log\" }",
        ),
        (
            "y = \"R\"",
            "y = [\"generalization_error\", \"R[4,1]\"]",
            "x.toml:21: panel[0].y = \"generalization_error\": is no observable of the committee problem
  21 | y = [\"generalization_error\", \"R[4,1]\"]
     |      ^^^^^^^^^^^^^^^^^^^^^^
  help: did you mean generalisation_error?

x.toml:21: panel[0].y = \"R[4,1]\": is no observable of the committee problem
  21 | y = [\"generalization_error\", \"R[4,1]\"]
     |                              ^^^^^^^^
  help: R has R[1,1] to R[3,2]",
        ),
        (
            "y = \"R\"",
            "kind = \"heatmap\"\nmatrix = \"generalisation_error\"",
            "x.toml:22: panel[0].matrix = \"generalisation_error\": is one number, a heat map needs a matrix or a vector
  22 | matrix = \"generalisation_error\"
     |          ^^^^^^^^^^^^^^^^^^^^^^
  help: matrices and vectors of the committee problem: Q, R, T, v",
        ),
        (
            "y = \"R\"",
            "y = \"R\"\noverlays = [\"platau\"]",
            "x.toml:22: panel[0].overlays = \"platau\": is no asymptotic formula of the committee problem
  22 | overlays = [\"platau\"]
     |             ^^^^^^^^
  help: did you mean plateau?",
        ),
        (
            "y = \"R\"",
            "y = \"R\"\nx = \"time / student_widht\"",
            "x.toml:22: panel[0].x = \"time / student_widht\": unknown name student_widht
  22 | x = \"time / student_widht\"
     |     ^^^^^^^^^^^^^^^^^^^^^^
  help: did you mean student_width?",
        ),
        (
            "y = \"R\"",
            "y = \"R\"\nscale = \"log-log\"\nx_range = [0, 5]",
            "x.toml:23: panel[0].x_range = [0, 5]: a logarithmic axis begins above 0
  23 | x_range = [0, 5]
     |           ^^^^^^",
        ),
        (
            "start = \"replica\"",
            "start = \"given\"",
            "x.toml:15: law.start = \"given\": the problem starts at random and states no overlaps
  15 | start = \"given\"
     |         ^^^^^^^
  help: give problem.init = { kind = \"given\", ... }, or use law.start = \"replica\"",
        ),
        (
            "start = \"replica\"",
            "",
            "x.toml:14: law.start: missing key
  14 | [law]
     | ^^^^^
  help: add to [law] start = \"replica\" (each replica's measured start), \"given\" (overlaps stated in the \
             problem) or \"limit\" (limit of a random start)",
        ),
        (
            "[observe]",
            "[obsreve]",
            "x.toml: observe.times: missing key
  help: add times = { from = 1.0, to = 100.0, points = 40, spacing = \"log\" }  (times of the snapshots: an \
             ascending list or a grid)

x.toml:12: obsreve: unknown section
  12 | [obsreve]
     |  ^^^^^^^
  help: did you mean observe?",
        ),
        (
            "student_width = 3",
            "student_width = 3\nstudent_width = 4",
            "x.toml:6:1: duplicate key student_width
  6 | student_width = 4
    | ^^^^^^^^^^^^^
  help: every key stands once in its section",
        ),
        (
            "activation = \"erf\"",
            "activation = erf",
            "x.toml:7:14: erf is neither a number nor text in quotes
  7 | activation = erf
    |              ^^^
  help: write \"erf\" if it is text",
        ),
    ] {
        let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.kind).collect();
        let message = message.replace("KINDS", &kinds.join(", "));
        assert_eq!(refused(SMALL, line, replacement), message, "{replacement}");
    }
}

#[test]
fn the_limit_of_a_symmetric_start_is_refused() {
    let message = refused(SMALL, "start = \"replica\"", "start = \"limit\"");
    let opening = "x.toml:15: law.start = \"limit\": no finite run follows the law from this start";
    assert!(message.starts_with(opening), "{message}");
    assert!(message.contains("use law.start = \"replica\""), "{message}");
    // Linear units have no plateau, and units of different weights are no longer equal after one update.
    let limit = SMALL.replace("start = \"replica\"", "start = \"limit\"");
    good(&limit.replace("\"erf\"", "\"linear\""));
    let weights = "\nstudent_second_layer = [1.0, 0.5, -0.25]\nteacher_second_layer = ";
    good(&limit.replace("noise_std = 0.2", &format!("noise_std = 0.2{weights}[1.0, 0.5]")));
    assert!(
        bad(&limit.replace("noise_std = 0.2", &format!("noise_std = 0.2{weights}[1.0, -1.0]")))
            .contains("plateau")
    );
}

#[test]
fn all_errors_come_together_in_the_order_of_the_file() {
    let text = SMALL
        .replace("student_width = 3", "student_width = 0")
        .replace("noise_std = 0.2", "noise_std = -0.2")
        .replace("replicas = 7", "replicas = true")
        .replace("y = \"R\"", "y = 3");
    let report = with(&text, &Overrides::default()).unwrap_err();
    assert_eq!(report.len(), 4, "{report}");
    let report = report.to_string();
    let lines: Vec<&str> = report.lines().filter(|line| line.starts_with("x.toml")).collect();
    assert_eq!(
        lines,
        [
            "x.toml:5: problem.student_width = 0: must be an integer from 1 to 2048",
            "x.toml:9: problem.noise_std = -0.2: must be finite and >= 0",
            "x.toml:18: simulation.replicas = true: must be an integer, found true or false",
            "x.toml:21: panel[0].y = 3: must be text or a list of texts, found an integer",
        ]
    );
}

#[test]
fn given_overlaps_are_held_against_the_widths_and_against_each_other() {
    let init = "init = { kind = \"random\", std = 0.7 }";
    let given = |q: &str| format!("init = {{ kind = \"given\", Q = {q}, R = [[0.1, 0.2], [0.3, 0.1]] }}");
    assert_eq!(
        refused(SMALL, init, &given("[[0.5, 0.1], [0.1, 0.4]]")),
        "x.toml:11: problem.init.Q: is 2 x 2 where 3 x 3 is needed
  11 | init = { kind = \"given\", Q = [[0.5, 0.1], [0.1, 0.4]], R = [[0.1, 0.2], [0.3, 0.1]] }
     |                              ^^^^^^^^^^^^^^^^^^^^^^^^
  help: rows run over student units for Q and R, over teacher units for T

x.toml:11: problem.init.R: is 2 x 2 where 3 x 2 is needed
  11 | init = { kind = \"given\", Q = [[0.5, 0.1], [0.1, 0.4]], R = [[0.1, 0.2], [0.3, 0.1]] }
     |                                                            ^^^^^^^^^^^^^^^^^^^^^^^^
  help: rows run over student units for Q and R, over teacher units for T"
    );
    let two = SMALL.replace("student_width = 3", "student_width = 2");
    let message = refused(&two, init, &given("[[0.5, 0.9], [0.9, 0.4]]"));
    let opening = "x.toml:11: problem.init: the overlaps [[Q, R], [R^T, T]] have the eigenvalue -";
    assert!(message.starts_with(opening), "{message}");
    let valid = two.replace(init, &given("[[0.5, 0.1], [0.1, 0.4]]")).replace("\"replica\"", "\"given\"");
    assert_eq!(good(&valid).cases[0].law.start, LawStart::Given);
    let ragged = refused(&two, init, &given("[[0.5, 0.1], [0.4]]"));
    assert!(ragged.contains("problem.init.Q[1] = [0.4]: has length 1 where the first row has length 2"));
}

#[test]
fn series_multiply() {
    let text = format!(
        "{SMALL}[series]\n\"problem.student_width\" = [2, 5]\nproblem.activation = [\"erf\", \"relu\", \"tanh\"]\n"
    );
    let scenario = good(&text);
    assert_eq!(
        scenario.series,
        ["K = 2, erf", "K = 2, relu", "K = 2, tanh", "K = 5, erf", "K = 5, relu", "K = 5, tanh"]
    );
    assert_eq!(committee(&scenario.cases[4]).student_width, 5);
    assert_eq!(committee(&scenario.cases[4]).activation.name(), "relu");
    // entries that only the wider students have are recorded where they exist
    assert_eq!(scenario.cases[0].observe.observables, ["R[1,1]", "R[1,2]", "R[2,1]", "R[2,2]"]);
    assert_eq!(scenario.cases[5].observe.observables.len(), 10);
    assert_eq!(curves(&scenario).y.len(), 10);

    assert_eq!(
        bad(&format!("{SMALL}[series]\n\"problem.student_width\" = []\n")),
        "x.toml:23: series.\"problem.student_width\" = []: has no values
  23 | \"problem.student_width\" = []
     |                           ^^
  help: one series for each value: [2, 4, 6]"
    );
    assert!(bad(&format!("{SMALL}[series]\n")).starts_with("x.toml:22: series: is empty"));
    let twice = bad(&format!("{SMALL}[series]\n\"problem.batch\" = [2, 2]\n"));
    assert!(twice.contains("two series have the label \"b = 2\""), "{twice}");
    let unknown = bad(&format!("{SMALL}[series]\n\"problem.student_widht\" = [2, 5]\n"));
    assert_eq!(
        unknown,
        "x.toml:23: problem.student_widht: unknown key
  23 | \"problem.student_widht\" = [2, 5]
     | ^^^^^^^^^^^^^^^^^^^^^^^
  help: did you mean student_width?"
    );
    let panel = bad(&format!("{SMALL}[series]\n\"panel[0].y\" = [\"R\", \"Q\"]\n"));
    assert!(panel.contains("panel cannot change from case to case"), "{panel}");
}

#[test]
fn series_tables_override_any_section() {
    let text = format!(
        "{SMALL}[[series]]
label = \"wide\"
\"problem.student_width\" = 6
simulation.replicas = 9
problem.init = {{ kind = \"informed\" }}
[[series]]
label = \"finite set\"
problem = {{ training_set = 2.5 }}
\"law.enabled\" = false
"
    );
    let scenario = good(&text);
    assert_eq!(scenario.series, ["wide", "finite set"]);
    assert_eq!(committee(&scenario.cases[0]).init, Init::Informed { std: 0.0, surplus: Surplus::Zero });
    assert_eq!((replicas(&scenario.cases[0]), replicas(&scenario.cases[1])), (9, 7));
    assert_eq!(committee(&scenario.cases[1]).training_set, Some(2.5));
    assert!(scenario.cases[0].law.enabled && !scenario.cases[1].law.enabled);

    // without the last line a law would be drawn where none holds
    let message = bad(&text.replace("\"law.enabled\" = false\n", ""));
    assert!(message.contains("a training set of 2.5 d samples"), "{message}");
    assert!(message.contains("(series \"finite set\")"), "{message}");
    assert!(message.contains("help: set law.enabled = false"), "{message}");
}

#[test]
fn sweeps_link_keys_by_formulas() {
    let text = SMALL
        .replace("student_width = 3", "student_width = \"= teacher_width + L\"")
        .replace("learning_rate = 0.3", "learning_rate = \"= 1 / student_width\"")
        .replace("y = \"R\"", "y = \"generalisation_error\"\ndivide_y_by = \"noise_std^2\"")
        + "[sweep]\nL = { from = 1, to = 5, points = 3, spacing = \"linear\", integer = true }\n";
    let scenario = good(&text);
    let sweep = scenario.sweep.as_ref().unwrap();
    assert_eq!((sweep.key.as_str(), sweep.label.as_str()), ("L", "L"));
    assert_eq!(scenario.cases.len(), 3);
    for (i, (case, l)) in scenario.cases.iter().zip([1, 3, 5]).enumerate() {
        assert_eq!(case.sweep, Some((i, l as f64)));
        assert_eq!(committee(case).student_width, 2 + l);
        assert_eq!(committee(case).learning_rate, 1.0 / (2 + l) as f64);
        assert!(case.values.contains(&("L".into(), l as f64)));
    }
    let panel = curves(&scenario);
    assert_eq!((panel.x.as_str(), panel.y_divided_by.as_str()), ("L", "noise_std^2"));
    assert_eq!(panel.y_label, "ε_{g} / (noise_std^2)");

    assert_eq!(
        refused(&text, "teacher_width = 2\n", "teacher_width = \"= student_width - 1\"\n"),
        "x.toml:5: problem.student_width = \"= teacher_width + L\": refers to itself: student_width -> \
         teacher_width -> student_width
  5 | student_width = \"= teacher_width + L\"
    |                 ^^^^^^^^^^^^^^^^^^^^^
  help: give one of these keys a number"
    );
    assert_eq!(
        refused(&text, "teacher_width + L", "teacher_widht + L"),
        "x.toml:5: problem.student_width: unknown name teacher_widht
  5 | student_width = \"= teacher_widht + L\"
    |                    ^^^^^^^^^^^^^
  help: did you mean teacher_width?"
    );
    assert_eq!(
        refused(&text, "teacher_width + L", "teacher_width - L"),
        "x.toml:5: problem.student_width = \"= teacher_width - L\": gives -1: must be an integer from 1 to 2048 \
         (L = 3)
  5 | student_width = \"= teacher_width - L\"
    |                 ^^^^^^^^^^^^^^^^^^^^^

x.toml:5: problem.student_width = \"= teacher_width - L\": gives -3: must be an integer from 1 to 2048 (L = 5)
  5 | student_width = \"= teacher_width - L\"
    |                 ^^^^^^^^^^^^^^^^^^^^^"
    );
    assert_eq!(
        refused(&text, "\"= teacher_width + L\"", "3"),
        "x.toml:24: sweep.L: no formula uses this variable
  24 | L = { from = 1, to = 5, points = 3, spacing = \"linear\", integer = true }
     | ^
  help: use it in a formula, as in student_width = \"= teacher_width + L\""
    );
    assert_eq!(
        refused(&text, "teacher_width + L", "(teacher_width + 2 L)"),
        "x.toml:5: problem.student_width: expected ')'
  5 | student_width = \"= (teacher_width + 2 L)\"
    |                                       ^
  help: formulas know + - * / ^ ( ) sqrt log exp min max round and names of numeric keys"
    );
}

#[test]
fn every_series_may_sweep_its_own_values() {
    let text = SMALL
        .replace("student_width = 3", "student_width = \"= teacher_width + L\"")
        .replace("y = \"R\"", "y = \"generalisation_error\"")
        + "[sweep]\nL = [1, 2]\n[[series]]\nlabel = \"a\"\n[[series]]\nlabel = \"b\"\nsweep.L = [3, 5, 7]\n\"problem.teacher_width\" = 4\n";
    let widths: Vec<usize> = good(&text).cases.iter().map(|case| committee(case).student_width).collect();
    assert_eq!(widths, [3, 4, 7, 9, 11]);
}

#[test]
fn a_sweep_of_the_command_line_replaces_time() {
    let sweep =
        |argument: &str| with(SKETCH, &Overrides { sweep: Some(argument.into()), ..Overrides::default() });
    let scenario = sweep("problem.noise_std=0.1,0.3").unwrap();
    assert_eq!(scenario.cases.len(), 6);
    assert_eq!((scenario.cases[3].series, scenario.cases[3].sweep), (1, Some((1, 0.3))));
    assert_eq!(committee(&scenario.cases[3]).noise_std, 0.3);
    assert_eq!(scenario.sweep.as_ref().unwrap().label, "σ");
    let panel = curves(&scenario);
    assert_eq!((panel.x.as_str(), panel.x_label.as_str()), ("noise_std", "σ"));
    assert!(scenario.claims[0].within.is_empty());
    assert_eq!(
        sweep("noise_std=0.1,0.3").unwrap_err().to_string(),
        "--sweep: sweep.\"noise_std\": is a key of the problem, not a free variable
   | noise_std=0.1,0.3
   | ^^^^^^^^^
  help: write \"problem.noise_std\""
    );
    assert_eq!(
        sweep("problem.noise_std=0.1,-0.3").unwrap_err().to_string(),
        "--sweep: problem.noise_std = -0.3: must be finite and >= 0 (series \"K = 2\", noise_std = -0.3 and 2 \
         more of 6 cases)
   | problem.noise_std=0.1,-0.3
   |                       ^^^^"
    );
    let message = sweep("problem.student_width=3,5").unwrap_err().to_string();
    assert!(
        message.starts_with("x.toml:28: series.\"problem.student_width\": is swept and set"),
        "{message}"
    );
}

#[test]
fn faults_touch_the_law_alone() {
    let fault = |faults: &[&str]| {
        let faults = faults.iter().map(|fault| fault.to_string()).collect();
        with(SKETCH, &Overrides { faults, ..Overrides::default() })
    };
    let scenario =
        fault(&["learning_rate=1.5", "drop=eta2", "problem.student_width+=1", "init.std=2"]).unwrap();
    let untouched = good(SKETCH);
    for (case, plain) in scenario.cases.iter().zip(&untouched.cases) {
        assert_eq!(case.problem, plain.problem);
        assert_eq!(case.law.faults, ["drop=eta2"]);
        let Problem::Committee(law) = &case.law_problem else { panic!("another problem") };
        assert_eq!(law.learning_rate, 0.2 * 1.5);
        assert_eq!(law.student_width, committee(case).student_width + 1);
        assert_eq!(law.init, Init::Random { std: 2.5 });
        assert_eq!(law.noise_std, 0.016);
    }
    assert_eq!(scenario.text, untouched.text);
    for (argument, message) in [
        (
            "drop=eta3",
            "--fault: \"drop=eta3\" is no fault that can be planted
   | drop=eta3
   | ^^^^^^^^^
  help: did you mean drop=eta2?",
        ),
        (
            "weight_decay=2",
            "--fault: leaves weight_decay = 0 as it is
   | weight_decay=2
   | ^^^^^^^^^^^^^^
  help: add to it instead: --fault weight_decay+=0.1",
        ),
        (
            "batch=1.5",
            "--fault: makes batch = 1.5: must be an integer >= 1
   | batch=1.5
   | ^^^^^^^^^
  help: add to it instead: --fault batch+=1",
        ),
        (
            "training_set=2",
            "--fault: training_set has no value in this scenario
   | training_set=2
   | ^^^^^^^^^^^^^^
  help: plant the fault in a key that has one number",
        ),
        (
            "learning_rate=fast",
            "--fault: \"fast\" is no number
   | learning_rate=fast
   | ^^^^^^^^^^^^^^^^^^
  help: write KEY=FACTOR or KEY+=DELTA, as in learning_rate=1.1 or student_width+=1",
        ),
    ] {
        assert_eq!(fault(&[argument]).unwrap_err().to_string(), message, "{argument}");
    }
    let message = fault(&["colour=2"]).unwrap_err().to_string();
    assert!(message.contains("student_width") && message.contains("drop=eta2"), "{message}");
}

#[test]
fn theory_alone_keeps_the_starts_that_it_needs() {
    let theory_only = Overrides { theory_only: true, ..Overrides::default() };
    let scenario = with(SKETCH, &theory_only).unwrap();
    assert!(scenario.cases.iter().all(|case| case.simulation.as_ref().unwrap().starts_only));
    assert!(scenario.claims.is_empty());
    let limit = SMALL.replace("student_width = 3", "student_width = 1").replace("\"replica\"", "\"limit\"");
    assert_eq!(with(&limit, &theory_only).unwrap().cases[0].simulation, None);

    let (before, after) = SMALL.split_once("[simulation]").unwrap();
    let without = format!("{before}[[panel]]{}", after.split_once("[[panel]]").unwrap().1);
    assert!(bad(&without).contains("needs the starts of simulated replicas"));
    let idle = without.replace("start = \"replica\"", "enabled = false");
    assert!(bad(&idle).contains("there is neither a law nor a simulation"));
}

#[test]
fn claims_that_cannot_be_tested_are_refused() {
    let claim = "[claim]\nobservables = \"R[1,2]\"\nmetric = \"absolute\"\nresolution = 0.03\n";
    assert_eq!(good(&format!("{SMALL}{claim}")).claims[0].observables, ["R[1,2]"]);
    let limit = format!("{SMALL}{claim}limit = \"extrapolate\"\n");
    assert_eq!(good(&limit).claims[0].limit, Limit::Extrapolate);
    assert_eq!(
        bad(&limit.replace("sizes = [50, 90]", "sizes = [50]")),
        "x.toml:26: claim.limit = \"extrapolate\": a limit needs several sizes, and there is 1
  26 | limit = \"extrapolate\"
     |         ^^^^^^^^^^^^^
  help: give simulation.sizes = [100, 200, 400], or use limit = \"at-size\""
    );
    let lawless = format!("{SMALL}{claim}").replace("start = \"replica\"", "enabled = false");
    let message = bad(&lawless);
    assert!(message.starts_with("x.toml:22: claim: no case has both a law and a simulation"), "{message}");
}

#[test]
fn panels_choose_series_by_label_or_position() {
    let scenario = good(&SKETCH.replace("x = \"time\"", "series = [\"K = 6\", 0]"));
    assert_eq!(curves(&scenario).series, [2, 0]);
    assert_eq!(
        refused(SKETCH, "x = \"time\"", "series = \"K = 5\""),
        "x.toml:32: panel[0].series = \"K = 5\": is no series of this scenario
  32 | series = \"K = 5\"
     |          ^^^^^^^
  help: series by position and label: 0: \"K = 2\", 1: \"K = 4\", 2: \"K = 6\""
    );
    let heat =
        format!("{SKETCH}[[panel]]\nkind = \"heatmap\"\nmatrix = \"R\"\ntime = 20.0\nseries = \"K = 4\"\n");
    let scenario = good(&heat);
    let Panel::Heatmap(heatmap) = &scenario.panels[1] else { panic!("a heat map") };
    assert_eq!((heatmap.series, heatmap.time), (1, Some(20.0)));
    assert_eq!(scenario.cases[1].observe.observables.len(), 1 + 16);
    let message = refused(&heat, "series = \"K = 4\"\n", "");
    assert!(message.contains("add series = one of \"K = 2\", \"K = 4\", \"K = 6\""), "{message}");
}

#[test]
fn grids_are_what_they_say() {
    let times = |grid: &str| {
        let text = SMALL.replace("times = [0.5, 2.0, 7.0]", &format!("times = {grid}"));
        good(&text).cases[0].observe.times.clone()
    };
    assert_eq!(times("{ from = 2, to = 8, points = 4, spacing = \"linear\" }"), [2.0, 4.0, 6.0, 8.0]);
    let log = times("{ from = 0.5, to = 32, points = 4, spacing = \"log\", include_zero = true }");
    assert_eq!((log[0], log[1], log[4]), (0.0, 0.5, 32.0));
    assert!((log[2] - 2.0).abs() < 1e-14 && (log[3] - 8.0).abs() < 1e-14);
    assert_eq!(
        times("{ from = 2, to = 9, points = 40, spacing = \"log\", integer = true }"),
        [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    );
    assert_eq!(times("{ from = \"= teacher_width\", to = 8, points = 2, spacing = \"linear\" }"), [2.0, 8.0]);
}

/// Everything but the text and the faults, which are no part of a file.
fn shape(scenario: &Scenario) -> String {
    let (faults, notices) = (Vec::new(), Vec::new());
    let mut plain = Scenario { text: String::new(), faults, notices, ..scenario.clone() };
    plain.cases.iter_mut().for_each(|case| case.law_problem = case.problem.clone());
    format!("{plain:?}")
}

#[test]
fn the_resolved_text_resolves_to_the_same_scenario() {
    let sections = SMALL
        .replace(
            "init = { kind = \"random\", std = 0.7 }",
            "teacher = { kind = \"given\", T = [[1.5, 0.25], [0.25, 0.75]] }\n\
             [problem.init]\nkind = \"random\"\nstd = 3e-7",
        )
        .replace("title = \"t\"", "title = \"t\"\nexpected_time = \"t \\\"é\\u0007\\n\"");
    let everything = Overrides {
        verify: None,
        preset: Some("quick".into()),
        set: vec![
            "problem.learning_rate== 1 / student_width".into(),
            "simulation.seed=18446744073709551615".into(),
        ],
        sweep: Some("problem.noise_std=0.1,0.3".into()),
        faults: vec!["learning_rate=1.1".into()],
        theory_only: false,
    };
    let theory_only = Overrides { theory_only: true, ..Overrides::default() };
    for (text, options) in
        [(SKETCH, everything), (sections.as_str(), Overrides::default()), (SKETCH, theory_only)]
    {
        let first = with(text, &options).unwrap_or_else(|report| panic!("{report}"));
        let second = good(&first.text);
        assert_eq!(shape(&first), shape(&second));
        assert_eq!(first.text, second.text);
    }
    let scenario = good(&sections);
    assert!(matches!(&committee(&scenario.cases[0]).teacher, Teacher::Given { t } if t[(0, 1)] == 0.25));
}

#[test]
fn the_template_of_every_problem_resolves_and_is_described() {
    for kind in KINDS {
        let text = template::toml(kind);
        let scenario = good(&text);
        assert_eq!(scenario.cases[0].problem.kind().kind, kind.kind);
        let described = describe::text(kind);
        for name in scenario.cases[0].problem.observables().iter().map(|info| info.name) {
            assert!(described.contains(name));
        }
        // every key with its example is accepted where the problem allows it
        for section in sections(kind) {
            for parameter in section.parameters {
                assert!(text.contains(parameter.key), "{} stands in the template", parameter.key);
                let path = match section.name {
                    "" => parameter.key.to_string(),
                    name if section.repeated => format!("{name}[0].{}", parameter.key),
                    name => format!("{name}.{}", parameter.key),
                };
                // A key of one number needs an entry where the main observable is a family.
                let infos = scenario.cases[0].problem.observables();
                let main =
                    infos.iter().find(|info| info.name == kind.main_observable).expect("an observable");
                let name = match parameter.key {
                    "against" => main.entries().remove(0),
                    _ => main.name.to_string(),
                };
                let example = parameter.example.replace("generalisation_error", &name);
                let change = format!("{path}={example}");
                let mut changes = vec![change.as_str()];
                match parameter.key {
                    "training_set" => changes.extend(["law.enabled=false", "claim=[]"]),
                    "learning_rate" if kind.kind == "matrix-sensing" => {
                        changes.push("problem.limit=measurements")
                    }
                    "leak" => changes.push("problem.activation=leaky-relu"),
                    "coefficients" if kind.kind == "ntk" => changes.push("problem.activation=polynomial"),
                    "classes" => {
                        changes.extend(["problem.loss=softmax", "problem.target={ kind = \"sectors\" }"])
                    }
                    "whitened" => changes.push("problem.training_set=100"),
                    "threshold" => {
                        changes.extend(["problem.data=three-clusters", "problem.initial_overlap=0.2"])
                    }
                    "find" => changes.extend([
                        "panel[0].y=largest_stable_rate",
                        "claim[0].observables=[\"largest_stable_rate\"]",
                    ]),
                    "response" => changes.push("problem.correlation_times=[1.0]"),
                    "step" => {
                        changes.extend(["problem.limit=initial-scale", "law.enabled=false", "claim=[]"])
                    }
                    _ => {}
                }
                if let Err(report) = set(&text, &changes) {
                    panic!("{change}: {report}");
                }
            }
        }
    }
}

#[test]
fn the_schema_knows_the_declared_keys() {
    let schema = schema::json(None).to_string();
    for kind in KINDS {
        for section in sections(kind) {
            for parameter in section.parameters {
                let quoted = format!("\"{}\":", parameter.key);
                assert!(schema.contains(&quoted), "{} stands in the schema", parameter.key);
            }
        }
        let problem = &schema::json(Some(kind))["properties"]["problem"];
        assert_eq!(problem["properties"]["kind"]["const"], kind.kind);
        assert_eq!(problem["additionalProperties"], false);
    }
    let keys = numeric_keys(&KINDS[0]);
    for key in ["student_width", "noise_std", "init.std", "teacher.norm", "training_set"] {
        assert!(keys.iter().any(|known| known == key), "{key}");
    }
    assert_eq!(
        problem_kind("comittee").unwrap_err().to_string(),
        "comittee: is no kind of problem that this program knows\n  help: did you mean committee?"
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let known = [("plateau", SKETCH), ("noise", SMALL)];
    assert_eq!(Source::find("plateau", &known).unwrap().id(), "plateau");
    assert_eq!(
        Source::find("platau", &known).unwrap_err().to_string(),
        "platau: is neither a scenario nor a file\n  help: did you mean plateau?"
    );
    let message = Source::find("missing/none.toml", &known).unwrap_err().to_string();
    assert!(message.starts_with("missing/none.toml: cannot be read: "), "{message}");
    let report = Source::from_bytes("x", "x.toml", b"title = \"t\"\nsource = \"\xff\xfe\"").unwrap_err();
    assert_eq!(
        report.to_string(),
        "x.toml:2:11: byte 0xff is not UTF-8 text
  2 | source = \"\u{fffd}\u{fffd}\"
    |           ^
  help: a scenario is a TOML file in UTF-8; is this another kind of file?"
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mine.toml");
    std::fs::write(&path, SMALL).unwrap();
    assert_eq!(Source::read(&path).unwrap().id(), "mine");
}

#[test]
fn extreme_input_is_answered() {
    for text in [
        "a.".repeat(100_000),
        "[".repeat(100_000),
        format!("x = {}", "[".repeat(100_000)),
        SMALL.replace("0.3", &format!("\"= {}\"", "(".repeat(100_000))),
        SMALL.replace("student_width = 3", "student_width = []"),
        "\0\u{1}\u{2}".into(),
        "\r".into(),
        String::new(),
    ] {
        assert!(!bad(&text).is_empty());
    }
    for (change, rule) in [
        ("problem.student_width=1000000000", "must be an integer from 1 to 2048"),
        (
            "observe.times={from=1,to=2,points=1000000000000,spacing=\"log\"}",
            "must be an integer from 2 to 100000",
        ),
        ("simulation.replicas=1e300", "must be an integer >= 1"),
        ("simulation.seed=99999999999999999999999999999999999999999999", "must be finite"),
        ("problem.learning_rate=1e400", "must be finite"),
    ] {
        let message = set(SMALL, &[change]).unwrap_err().to_string();
        assert!(message.contains(rule), "{change}: {message}");
    }
    // whether the machine can carry it is for the run to say
    assert_eq!(replicas(&set(SMALL, &["simulation.replicas=1e9"]).unwrap().cases[0]), 1_000_000_000);
}

/// What mutations insert.
const PIECES: &[&str] = &[
    "\"",
    "=",
    "[",
    "]",
    "{",
    "}",
    "\n",
    ".",
    ",",
    "#",
    "nan",
    "-",
    "1e400",
    "\"= K + 1\"",
    "time",
    "é",
    "0",
    "[[series]]\n",
    "[sweep]\nL = [1, 2]\n",
    "\t",
    "\\",
    "'''",
    "kind",
    "99999999999999999999",
    "2024-05-05",
    "true",
    "[problem]\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Err(report) = Source::from_bytes("x", "x.toml", &bytes) {
            prop_assert!(!report.to_string().is_empty());
        }
    }

    #[test]
    fn mutations_of_a_valid_file_never_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, 0..PIECES.len()), 1..5),
        small in any::<bool>(),
    ) {
        let mut text: Vec<char> = if small { SMALL } else { SKETCH }.chars().collect();
        for (index, removed, piece) in edits {
            let start = index.index(text.len());
            let end = (start + removed).min(text.len());
            text.splice(start..end, PIECES[piece].chars());
        }
        let text: String = text.into_iter().collect();
        let options = Overrides { preset: Some("quick".into()), ..Overrides::default() };
        if let Err(report) = with(&text, &options) {
            prop_assert!(!report.to_string().is_empty());
        }
    }

    #[test]
    fn options_never_panic(text in "[a-z_.=\\[\\]{}\"0-9+,' -]{0,40}", known in 0usize..4) {
        let prefix = ["", "problem.", "simulation.sizes=", "series."][known];
        let argument = format!("{prefix}{text}");
        let _ = set(SKETCH, &[&argument]);
        let _ = with(SKETCH, &Overrides { sweep: Some(argument.clone()), ..Overrides::default() });
        let _ = with(SKETCH, &Overrides { faults: vec![argument], ..Overrides::default() });
    }
}

#[test]
fn factors_and_expected_powers_belong_to_the_series_shown() {
    let panel = "[[panel]]\nkind = \"crossings\"\ny = \"generalisation_error\"\nlevel = 0.1\n";
    let with = |lines: &str| format!("{SKETCH}{panel}{lines}\n");
    let powers =
        "factor = [\"1\", \"log(size)\", \"1 - size^-0.5\"]\norder = [1, 2, 3]\nexpected = [1, 1, 2]";
    let scenario = good(&with(powers));
    let Panel::Crossings(shown) = &scenario.panels[1] else { panic!("{:?}", scenario.panels[1]) };
    assert_eq!(shown.factors.len(), 3);
    assert_eq!(shown.powers.as_ref().expect("powers").expected, [1.0, 1.0, 2.0]);
    for (lines, rule) in [
        ("factor = \"1 / size\"", "has 1 formulas for 3 series"),
        ("factor = [\"1 / time\", \"1\", \"1\"]", "unknown name time"),
        ("order = [1, 2, 3]", "needs expected beside it"),
        ("expected = [1, 2, 3]", "needs order beside it"),
        ("order = [1, 2]\nexpected = [1, 2, 3]", "has 2 numbers for 3 series"),
    ] {
        let message = bad(&with(lines));
        assert!(message.contains(rule), "{lines}: {message}");
    }
}

/// Free variables with the names of Greek letters are written as those.
#[test]
fn free_variables_may_be_greek() {
    let text = SKETCH
        .replace("\"problem.student_width\" = [2, 4, 6]", "Delta_2 = [0.1, 0.2]")
        .replace("noise_std = 0.016", "noise_std = \"= Delta_2\"");
    let series: Vec<String> = good(&text).series;
    assert_eq!(series, ["Δ_{2} = 0.1", "Δ_{2} = 0.2"]);
}

#[test]
fn keys_without_effect_in_every_case_are_named() {
    let text = SMALL.replace("noise_std = 0.2", "noise_std = 0.2\nsecond_layer_rate = 0.1");
    let [notice] = &good(&text).notices[..] else { panic!("one notice") };
    assert!(notice.contains("x.toml:10: problem.second_layer_rate = 0.1: changes nothing here"), "{notice}");
    assert!(notice.contains("leave it out"), "{notice}");
    let both = "[series]\n\"problem.trained\" = [\"first-layer\", \"both-layers\"]\n[simulation]";
    assert!(good(&text.replace("[simulation]", both)).notices.is_empty());
    assert!(good(SMALL).notices.is_empty());
    let template =
        |kind: &str| template::toml(KINDS.iter().find(|known| known.kind == kind).expect("a kind"));
    // A key inside a table, and a branch that a flow does not use on a loss for which it has no law.
    let sensing = template("matrix-sensing").replace("std = 0.02 }", "std = 0.02, ratio = 0.5 }");
    assert!(good(&sensing).notices[0].contains("problem.init.ratio = 0.5"));
    let drift = template("discretisation-drift")
        .replace("flow = \"igr\"", "branch = \"complex\"\nflow = \"gradient\"");
    assert!(good(&drift).notices[0].contains("problem.branch"));
    // Kinds whose risk is never one on fresh samples.
    let read = template("noisy-quadratic").replace("[observe]", "[observe]\nrisk = \"test-set\"");
    assert!(good(&read).notices[0].contains("observe.risk = \"test-set\": changes nothing here"));
}
