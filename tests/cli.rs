//! The program as a user meets it: the binary, in a fresh folder, with good and bad input.

use assert_cmd::Command;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SCENARIO: &str = r#"title = "Two units, a small run"
source = "tests"

[problem]
kind = "committee"
student_width = 2
teacher_width = 2
activation = "erf"
learning_rate = 0.5
noise_std = 0.1
trained = "first-layer"
init = { kind = "given", Q = [[0.5, 0.1], [0.1, 0.4]], R = [[0.3, 0.05], [0.1, 0.2]] }

[observe]
times = { from = 0.1, to = 4.0, points = 8, spacing = "log" }

[law]
start = "given"

[simulation]
method = "direct"
sizes = [60]
replicas = 8
seed = 3

[[panel]]
y = "generalisation_error"
scale = "log-log"

[claim]
observables = ["generalisation_error"]
metric = "relative"
resolution = 0.5
"#;

struct Bench {
    folder: TempDir,
}

struct Answer {
    code: i32,
    out: String,
    err: String,
}

impl Bench {
    fn new(scenario: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        fs::write(folder.path().join("x.toml"), scenario).expect("a writable folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn figure(&self, arguments: &[&str]) -> Answer {
        let output = Command::cargo_bin("figure")
            .expect("the binary")
            .current_dir(self.folder.path())
            .args(arguments)
            .timeout(Duration::from_secs(120))
            .output()
            .expect("a finished process");
        let answer = Answer {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(!answer.err.contains("panicked"), "panicked: {}", answer.err);
        answer
    }
}

/// Runs the scenario after one replacement and expects exit code 2 and all of `words` in the message.
fn refused(from: &str, to: &str, words: &[&str]) {
    assert!(SCENARIO.contains(from), "the scenario has no {from:?}");
    let bench = Bench::new(&SCENARIO.replace(from, to));
    let answer = bench.figure(&["run", "x.toml", "--out", "o"]);
    assert_eq!(answer.code, 2, "{}{}", answer.out, answer.err);
    for word in words {
        assert!(answer.err.contains(word), "no {word:?} in:\n{}", answer.err);
    }
    assert!(!bench.path("o/x/data.csv").exists(), "bad input must stop before any work");
}

#[test]
fn a_run_leaves_its_five_files_and_a_verdict() {
    let bench = Bench::new(SCENARIO);
    let answer = bench.figure(&["run", "x.toml", "--out", "o", "--quiet"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    assert!(answer.out.contains("confirmed"), "{}", answer.out);
    for file in ["figure.svg", "figure.png", "data.csv", "record.json", "scenario.toml"] {
        assert!(bench.path("o/x").join(file).metadata().is_ok_and(|m| m.len() > 100), "{file}");
    }
    let table = fs::read_to_string(bench.path("o/x/data.csv")).expect("the table");
    assert!(table.starts_with("series,observable,x,source,size,mean,std_error,std,replicas\n"), "{table}");
    assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");
    let record = fs::read_to_string(bench.path("o/x/record.json")).expect("the record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("valid JSON");
    assert_eq!(record["verdicts"][0]["verdict"]["outcome"], "confirmed", "{record:#}");
}

#[test]
fn a_fault_planted_in_the_law_is_refuted() {
    let bench = Bench::new(&SCENARIO.replace("resolution = 0.5", "resolution = 0.05"));
    let arguments =
        ["run", "x.toml", "--out", "o", "--quiet", "--replicas", "400", "--set", "simulation.sizes=[400]"];
    let sound = bench.figure(&arguments);
    assert_eq!(sound.code, 0, "{}{}", sound.out, sound.err);
    for fault in ["problem.learning_rate=1.3", "drop=eta2", "halve=i2"] {
        let answer = bench.figure(&[&arguments[..], &["--fault", fault]].concat());
        assert_eq!(answer.code, 1, "{fault}: {}{}", answer.out, answer.err);
        assert!(answer.out.contains("REFUTED"), "{}", answer.out);
    }
}

#[test]
fn two_files_of_one_name_do_not_share_a_folder() {
    let bench = Bench::new(SCENARIO);
    for (folder, rate) in [("a", "0.5"), ("b", "0.6")] {
        fs::create_dir(bench.path(folder)).expect("a writable folder");
        let text = SCENARIO.replace("learning_rate = 0.5", &format!("learning_rate = {rate}"));
        fs::write(bench.path(folder).join("s.toml"), text).expect("a writable folder");
    }
    for (command, folder) in [("run", "oo/s"), ("verify", "oo/verify/s"), ("power", "oo/power/s")] {
        let answer = bench.figure(&[command, "a/s.toml", "b/s.toml", "--out", "oo"]);
        assert_eq!(answer.code, 2, "{command}: {}{}", answer.out, answer.err);
        let message = format!("a/s.toml and b/s.toml would both write to {folder}: rename one");
        assert!(answer.err.contains(&message), "{command}: {}", answer.err);
        assert!(!bench.path("oo").exists(), "{command} worked before it refused");
    }
    // The same file under two names runs once.
    let once = bench.figure(&["run", "a/s.toml", "./a/s.toml", "--out", "oo", "--quiet"]);
    assert_eq!(once.code, 0, "{}{}", once.out, once.err);
    assert_eq!(once.out.matches("confirmed").count(), 1, "{}", once.out);
    assert_eq!(stored(&bench.path("oo/s/replicas")).len(), 8);
}

#[test]
fn text_that_cannot_be_drawn_is_refused_before_any_work() {
    let label = "y = \"generalisation_error\"\n";
    let key = |key: &str, text: &str| format!("{label}{key} = {text}\n");
    refused(
        "title = \"Two units, a small run\"",
        "title = \"cost $t\"",
        &["x.toml:1", "title", "`$`", "help:"],
    );
    refused("source = \"tests\"", "source = \"d^{2\"", &["x.toml:2", "source", "`{` is not closed"]);
    refused(
        "source = \"tests\"",
        "source = \"tests\"\nnotes = \"\"\"one $a\ntwo a$\"\"\"",
        &["x.toml:3", "notes"],
    );
    refused("source = \"tests\"", "source = \"\u{6d4b}\"", &["x.toml:2", "no glyph", "another character"]);
    refused(label, &key("title", "\"x_{1}_{2}\""), &["x.toml:28", "panel[0].title", "two scripts"]);
    refused(label, &key("x_label", "\"$t\""), &["x.toml:28", "panel[0].x_label", "`$`"]);
    refused(label, &key("y_label", "'e \\'"), &["x.toml:28", "panel[0].y_label", "backslash"]);
    let series = |label: &str| format!("[[series]]\nlabel = {label}\n\n[claim]");
    refused("[claim]", &series("\"$K$ = $2\""), &["x.toml:31", "series[0].label", "`$`"]);
    let sweep = "[sweep]\nlabel = \"s_{n\"\n\"problem.noise_std\" = [0.1, 0.2]\n\n[claim]";
    refused("[claim]", sweep, &["x.toml:31", "sweep.label"]);
    let sound = Bench::new(&SCENARIO.replace(label, &key("title", "'costs \\$5, $e$_{g}^{2}, e_g'")));
    let answer = sound.figure(&["run", "x.toml", "--out", "o", "--quiet"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
}

#[test]
fn a_fault_that_no_claim_can_see_is_said_to_be_none() {
    let note = "the planted fault leaves the law as it is at every claimed point";
    let given = "{ kind = \"given\", Q = [[0.5, 0.1], [0.1, 0.4]], R = [[0.3, 0.05], [0.1, 0.2]] }";
    let random = SCENARIO
        .replace(given, "{ kind = \"random\", std = 1.0 }")
        .replace("start = \"given\"", "start = \"replica\"");
    let bench = Bench::new(&random);
    let run = |fault: &str| bench.figure(&["run", "x.toml", "--out", "o", "--quiet", "--fault", fault]);
    // The law takes its start from every replica, so the stated one is not in it.
    let idle = run("problem.init.std=2");
    assert_eq!(idle.code, 0, "{}{}", idle.out, idle.err);
    assert!(idle.out.contains(note), "{}", idle.out);
    let seen = run("problem.learning_rate=1.001");
    assert!(!seen.out.contains(note), "{}", seen.out);
    let none = bench.figure(&["run", "x.toml", "--out", "o", "--quiet"]);
    assert!(!none.out.contains(note), "{}", none.out);
}

#[test]
fn a_caption_gives_the_replicas_of_every_size() {
    let scenario = |replicas: &str| {
        SCENARIO.replace("sizes = [60]", "sizes = [40, 50, 60]").replace("replicas = 8", replicas)
    };
    for (replicas, caption) in [
        ("replicas = [9, 8, 8]", "d = 40, 50, 60 with 9, 8, 8 replicas."),
        ("replicas = [8, 8, 8]", "d = 40, 50, 60, 8 replicas."),
    ] {
        let bench = Bench::new(&scenario(replicas));
        let answer = bench.figure(&["run", "x.toml", "--out", "o", "--quiet"]);
        assert!(matches!(answer.code, 0 | 3), "{}{}", answer.out, answer.err);
        let drawn = fs::read_to_string(bench.path("o/x/figure.svg")).expect("a figure");
        assert!(drawn.contains(caption), "{}", &drawn[..2000]);
    }
}

#[test]
fn a_planned_command_is_the_one_that_was_planned() {
    let bench = Bench::new(SCENARIO);
    fs::create_dir(bench.path("my runs")).expect("a writable folder");
    let preset = "\n[preset.small]\n\"problem.noise_std\" = 0.05\n";
    fs::write(bench.path("my runs/y.toml"), format!("{SCENARIO}{preset}")).expect("a writable folder");
    let plan = bench.figure(&[
        "verify",
        "my runs/y.toml",
        "--plan",
        "--preset",
        "small",
        "--set",
        "problem.learning_rate=0.4",
        "--set",
        "problem.init.Q=[[0.5, 0.1], [0.1, 0.3]]",
        "--fault",
        "drop=eta2",
        "--method",
        "overlap-chain",
        "--sizes",
        "20,40,80",
        "--resolution",
        "0.45",
        "--seed",
        "7",
        "--replicas",
        "40",
        "--out",
        "p",
    ]);
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    let command = plan.out.lines().find_map(|line| line.trim().strip_prefix("figure ")).expect("a command");
    // As a shell reads it, in the same folder.
    let binary = assert_cmd::cargo::cargo_bin("figure");
    let line = format!("'{}' {command} --quiet", binary.display());
    let output = std::process::Command::new("sh")
        .current_dir(bench.folder.path())
        .args(["-c", &line])
        .output()
        .expect("a finished shell");
    assert_ne!(output.status.code(), Some(2), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    let resolved = fs::read_to_string(bench.path("p/verify/y/scenario.toml")).expect("the scenario as run");
    for key in [
        "learning_rate = 0.4",
        "noise_std = 0.05",
        "[0.1, 0.3]",
        "method = \"overlap-chain\"",
        "resolution = 0.45",
        "seed = 7",
    ] {
        assert!(resolved.contains(key), "{key}: {command}\n{resolved}");
    }
    let record = fs::read_to_string(bench.path("p/verify/y/record.json")).expect("the record");
    assert!(record.contains("drop=eta2"), "{command}");
}

#[test]
fn unknown_and_misspelt_keys_name_the_nearest_one() {
    refused("learning_rate = 0.5", "learning_rte = 0.5", &["x.toml:9", "learning_rte", "learning_rate"]);
    refused("noise_std = 0.1", "noise_std = 0.1\ncolour = \"red\"", &["x.toml:11", "colour"]);
    refused("[claim]", "[clam]", &["clam", "claim"]);
}

#[test]
fn wrong_types_and_ranges_name_the_rule() {
    refused("noise_std = 0.1", "noise_std = \"much\"", &["x.toml:10", "problem.noise_std"]);
    refused("student_width = 2", "student_width = -2", &["x.toml:6", "problem.student_width", "from 1"]);
    refused("student_width = 2", "student_width = 2.5", &["x.toml:6", "problem.student_width"]);
    refused("learning_rate = 0.5", "learning_rate = -0.5", &["x.toml:9", "must be finite and > 0"]);
    refused("learning_rate = 0.5", "learning_rate = nan", &["x.toml:9", "problem.learning_rate", "finite"]);
    refused("learning_rate = 0.5", "learning_rate = inf", &["x.toml:9", "problem.learning_rate", "finite"]);
    refused("student_width = 2", "student_width = 3", &["init.Q", "3 x 3"]);
    refused("sizes = [60]", "sizes = []", &["simulation.sizes"]);
}

#[test]
fn sizes_without_room_for_all_directions_are_refused_at_their_place() {
    // Two units and two teacher units in general position span four dimensions.
    let words = ["x.toml:22", "simulation.sizes = 3", "size 3 is too small", "sizes start at 4", "help:"];
    refused("sizes = [60]", "sizes = [60, 3]", &words);
    let bench = Bench::new(&SCENARIO.replace("sizes = [60]", "sizes = [60, 4]"));
    let check = bench.figure(&["check", "x.toml"]);
    assert_eq!(check.code, 0, "{}{}", check.out, check.err);
    assert!(check.out.contains("valid, 1 case\n"), "{}", check.out);
}

#[test]
fn empty_series_are_refused() {
    refused("[claim]", "[series]\n\"problem.noise_std\" = []\n\n[claim]", &["series"]);
}

#[test]
fn a_billion_replicas_are_refused_with_an_estimate() {
    refused("replicas = 8", "replicas = 1000000000", &["memory", "GB", "help:"]);
}

#[test]
fn the_memory_of_a_law_alone_is_estimated_beforehand() {
    let bench = Bench::new(
        "title = \"x\"\nsource = \"x\"\n[problem]\nkind = \"ntk\"\nhidden_layers = 1\nlearning_rate = 0.1
inputs = { kind = \"circle\", points = 900000 }\ntarget = { kind = \"harmonics\", cosine = [0.0, 1.0] }
[observe]\ntimes = [1.0]\n[law]\nstart = \"limit\"\n[[panel]]\ny = \"train_loss\"\n",
    );
    let answer = bench.figure(&["run", "x.toml", "--out", "o"]);
    assert_eq!(answer.code, 2, "{}{}", answer.out, answer.err);
    for word in ["memory", "TB", "help:"] {
        assert!(answer.err.contains(word), "{word}: {}", answer.err);
    }
}

#[test]
fn a_law_that_needs_a_size_is_drawn_alone_at_the_stated_ones() {
    let bench = Bench::new(
        "title = \"x\"\nsource = \"x\"\n[problem]\nkind = \"streaming-sgd\"\nlearning_rate = 0.5\nnoise_std = 0.1
spectrum = { kind = \"power-law\", exponent = 0.7 }\n[observe]\ntimes = [1.0, 2.0]\n[law]\nstart = \"given\"
[simulation]\nmethod = \"direct\"\nsizes = [30, 60]\nreplicas = 4\nseed = 1\n[[panel]]\ny = \"risk\"\n",
    );
    let answer = bench.figure(&["run", "x.toml", "--out", "o", "--theory-only"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    let table = fs::read_to_string(bench.path("o/x/data.csv")).expect("the table");
    assert_eq!(table.lines().skip(1).filter(|line| line.contains(",law,")).count(), 4, "{table}");
    assert_eq!(table.lines().count(), 5, "{table}");
}

#[test]
fn updates_of_a_law_without_a_simulation_are_whole() {
    let bench = Bench::new(
        "title = \"x\"\nsource = \"x\"\n[problem]\nkind = \"linear-regression\"\nsample_ratio = 2.0\nteacher_std = 1.0
noise_std = 0.5\nlearning_rate = 0.1\n[observe]\ntimes = [0.06, 0.549]\n[law]\nstart = \"given\"
[[panel]]\ny = \"generalisation_error\"\n",
    );
    let answer = bench.figure(&["run", "x.toml", "--out", "o"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    let table = fs::read_to_string(bench.path("o/x/data.csv")).expect("the table");
    let x: Vec<f64> = table.lines().skip(1).map(|l| l.split(',').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(x, [0.1, 0.5], "{table}");
}

#[test]
fn a_diverging_law_is_reported_and_drawn_up_to_there() {
    let bench = Bench::new(
        &SCENARIO.replace("learning_rate = 0.5", "learning_rate = 60.0").replace("to = 4.0", "to = 400.0"),
    );
    let answer =
        bench.figure(&["run", "x.toml", "--out", "o", "--theory-only", "--set", "problem.activation=linear"]);
    assert!(answer.code == 0 || answer.code == 3, "{}{}", answer.out, answer.err);
    assert!(answer.out.contains("law diverged after t ="), "{}", answer.out);
    let record = fs::read_to_string(bench.path("o/x/record.json")).expect("the record");
    assert!(record.contains("law diverged after t ="), "{record}");
    let table = fs::read_to_string(bench.path("o/x/data.csv")).expect("the table");
    assert!(!table.contains("NaN") && !table.contains("inf"), "{table}");
}

#[test]
fn missing_binary_and_unwritable_files_say_what_to_do() {
    let bench = Bench::new(SCENARIO);
    let missing = bench.figure(&["run", "y.toml"]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("y.toml") && missing.err.contains("help:"), "{}", missing.err);

    fs::write(bench.path("b.toml"), [0u8, 159, 146, 150, 255, 0, 13]).expect("a writable folder");
    let binary = bench.figure(&["run", "b.toml"]);
    assert_eq!(binary.code, 2);
    assert!(binary.err.contains("b.toml"), "{}", binary.err);

    fs::write(bench.path("file"), "not a folder").expect("a writable folder");
    let unwritable = bench.figure(&["run", "x.toml", "--out", "file/deeper"]);
    assert_eq!(unwritable.code, 2);
    assert!(unwritable.err.contains("--out"), "{}", unwritable.err);
}

#[test]
fn resume_refuses_the_folder_of_another_scenario() {
    let bench = Bench::new(SCENARIO);
    assert_eq!(bench.figure(&["run", "x.toml", "--out", "o", "--quiet"]).code, 0);
    let answer = bench.figure(&[
        "run",
        "x.toml",
        "--out",
        "o",
        "--resume",
        "--set",
        "problem.learning_rate=0.4",
        "--quiet",
    ]);
    assert_eq!(answer.code, 2, "{}{}", answer.out, answer.err);
    assert!(answer.err.contains("--resume") && answer.err.contains("another scenario"), "{}", answer.err);
    // More replicas of the same scenario continue the stored ones.
    let more = bench.figure(&["run", "x.toml", "--out", "o", "--resume", "--replicas", "10", "--quiet"]);
    assert_eq!(more.code, 0, "{}{}", more.out, more.err);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads_or_on_shards() {
    threads_and_shards(SCENARIO);
    threads_and_shards(&chain(SCENARIO));
}

/// The same scenario by the overlap chain.
fn chain(scenario: &str) -> String {
    scenario.replace("method = \"direct\"", "method = \"overlap-chain\"")
}

fn threads_and_shards(scenario: &str) {
    let bench = Bench::new(scenario);
    assert_eq!(bench.figure(&["run", "x.toml", "--out", "one", "--jobs", "1"]).code, 0);
    assert_eq!(bench.figure(&["run", "x.toml", "--out", "two", "--jobs", "2", "--quiet"]).code, 0);
    for part in ["1/3", "2/3", "3/3"] {
        let folder = format!("part{}", &part[..1]);
        assert_eq!(bench.figure(&["run", "x.toml", "--out", &folder, "--shard", part]).code, 0);
    }
    let merged = bench.figure(&["merge", "part1/x", "part2/x", "part3/x", "--out", "whole"]);
    assert_eq!(merged.code, 0, "{}{}", merged.out, merged.err);
    for file in ["data.csv", "figure.svg"] {
        let one = fs::read(bench.path("one/x").join(file)).expect("a file");
        assert!(
            one == fs::read(bench.path("two/x").join(file)).expect("a file"),
            "{file}: 1 and 2 threads differ"
        );
        assert!(one == fs::read(bench.path("whole/x").join(file)).expect("a file"), "{file}: shards differ");
    }
}

/// Finished replicas in a store.
fn stored(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    entries
        .filter(|p| p.to_string_lossy().contains("replica0") && p.extension().is_some_and(|e| e == "json"))
        .collect()
}

#[test]
fn a_killed_run_resumes_to_the_same_bytes() {
    let scenario = SCENARIO.replace("replicas = 8", "replicas = 60");
    killed_and_resumed(&scenario.replace("sizes = [60]", "sizes = [600]"));
    killed_and_resumed(&chain(&scenario).replace("sizes = [60]", "sizes = [20000]"));
}

fn killed_and_resumed(scenario: &str) {
    let bench = Bench::new(scenario);
    assert_eq!(bench.figure(&["run", "x.toml", "--out", "whole", "--quiet"]).code, 0);

    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("figure"))
        .current_dir(bench.folder.path())
        .args(["run", "x.toml", "--out", "cut", "--quiet", "--jobs", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a started process");
    let replicas = bench.path("cut/x/replicas");
    let start = Instant::now();
    while stored(&replicas).len() < 3 {
        assert!(start.elapsed() < Duration::from_secs(60), "no replica was stored");
        assert!(child.try_wait().expect("a child").is_none(), "the run ended before it could be killed");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("a dead child");
    let before: Vec<_> = stored(&replicas);
    assert!(before.len() < 60, "killed too late to show anything");
    assert!(!bench.path("cut/x/data.csv").exists());
    let written = |p: &Path| fs::metadata(p).and_then(|m| m.modified()).expect("a stored replica");
    let times: Vec<_> = before.iter().map(|p| written(p)).collect();

    let resumed = bench.figure(&["run", "x.toml", "--out", "cut", "--resume", "--quiet"]);
    assert_eq!(resumed.code, 0, "{}{}", resumed.out, resumed.err);
    for (path, time) in before.iter().zip(times) {
        assert_eq!(written(path), time, "{} was computed again", path.display());
    }
    let whole = fs::read(bench.path("whole/x/data.csv")).expect("a table");
    assert!(whole == fs::read(bench.path("cut/x/data.csv")).expect("a table"), "resumed run differs");
}

#[test]
fn verify_extrapolates_draws_and_redraws() {
    let bench = Bench::new(&chain(SCENARIO));
    let arguments =
        ["verify", "x.toml", "--sizes", "40,80,160", "--replicas", "200", "--quiet", "--out", "o"];
    let answer = bench.figure(&arguments);
    assert!(answer.code == 0 || answer.code == 3, "{}{}", answer.out, answer.err);
    assert!(answer.out.contains("in the limit") && answer.out.contains("40..160"), "{}", answer.out);
    let folder = bench.path("o/verify/x");
    let record = fs::read_to_string(folder.join("record.json")).expect("the record");
    let record: serde_json::Value = serde_json::from_str(&record).expect("valid JSON");
    let verdict = &record["verdicts"][0]["verdict"];
    assert_eq!(verdict["about"], "limit", "{record:#}");
    assert_eq!(verdict["approaches"][0]["at_sizes"].as_array().map(Vec::len), Some(3), "{record:#}");
    let table = fs::read_to_string(folder.join("data.csv")).expect("the table");
    assert!(table.contains(",chain,160,") && !table.contains("NaN"), "{table}");
    let drawn = fs::read(folder.join("figure.svg")).expect("a figure");
    fs::remove_file(folder.join("figure.svg")).expect("removed");
    assert_eq!(bench.figure(&["plot", "o/verify/x"]).code, 0);
    assert!(drawn == fs::read(folder.join("figure.svg")).expect("redrawn"), "redrawn differently");
}

#[test]
fn verify_draws_both_methods_and_plans() {
    let bench = Bench::new(SCENARIO);
    let both = [
        "verify",
        "x.toml",
        "--sizes",
        "20,40,80",
        "--method",
        "direct,overlap-chain",
        "--replicas",
        "40",
        "--quiet",
        "--out",
        "o",
    ];
    let answer = bench.figure(&both);
    assert!(answer.code == 0 || answer.code == 3, "{}{}", answer.out, answer.err);
    let table = fs::read_to_string(bench.path("o/verify/x/data.csv")).expect("the table");
    assert!(table.contains(",chain,80,") && table.contains(",direct,80,"), "{table}");
    let plan = bench.figure(&[
        "verify",
        "x.toml",
        "--sizes",
        "20,40,80",
        "--plan",
        "--replicas",
        "40",
        "--out",
        "p",
    ]);
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    assert!(plan.out.contains("would decide at 50 %") && plan.out.contains("--sizes"), "{}", plan.out);
}

#[test]
fn verify_adds_replicas_until_a_rule_stops_it() {
    let bench = Bench::new(&chain(SCENARIO));
    let common =
        ["verify", "x.toml", "--sizes", "40,80,160", "--quiet", "--until-decided", "--replicas", "8"];
    let decided = bench.figure(&[&common[..], &["--resolution", "0.2", "--out", "o"]].concat());
    assert_eq!(decided.code, 0, "{}{}", decided.out, decided.err);
    assert!(decided.out.contains("every claim is decided"), "{}", decided.out);
    let late = ["--resolution", "1e-6", "--max-time", "2s", "--out", "p"];
    let late = bench.figure(&[&common[..], &late].concat());
    assert_eq!(late.code, 3, "{}{}", late.out, late.err);
    assert!(late.out.contains("time limit of 2 s"), "{}", late.out);
    let wrong = bench.figure(&[&common[..], &["--fault", "drop=eta2", "--out", "q"]].concat());
    assert_eq!(wrong.code, 1, "{}{}", wrong.out, wrong.err);
}

#[test]
fn power_lists_every_fault() {
    let bench = Bench::new(&SCENARIO.replace("resolution = 0.5", "resolution = 0.1"));
    let answer = bench.figure(&["power", "x.toml", "--replicas", "200", "--quiet", "--out", "o"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    for words in ["drop=eta2", "problem.learning_rate=1.1", "refuted", "not identifiable"] {
        assert!(answer.out.contains(words), "no {words:?} in {}", answer.out);
    }
    assert!(
        fs::read_to_string(bench.path("o/power/x/power.csv")).is_ok_and(|t| t.starts_with("fault,outcome"))
    );
}

#[test]
fn limits_that_cannot_be_judged_are_refused() {
    refused(
        "resolution = 0.5",
        "resolution = 0.5\nlimit = \"extrapolate\"",
        &["claim.limit", "several sizes"],
    );
    refused("replicas = 8", "replicas = [8, 9, 10]", &["simulation.replicas", "3 entries"]);
    refused(
        "y = \"generalisation_error\"\nscale = \"log-log\"",
        "kind = \"sizes\"",
        &["limit = \"extrapolate\""],
    );
    let bench = Bench::new(SCENARIO);
    let answer = bench.figure(&["verify", "x.toml", "--max-time", "soon"]);
    assert!(answer.code == 2 && answer.err.contains("90s, 10m or 2h"), "{}", answer.err);
    let answer = bench.figure(&["verify", "x.toml", "--method", "magic"]);
    assert!(answer.code == 2 && answer.err.contains("overlap-chain"), "{}", answer.err);
}

#[test]
fn a_figure_is_redrawn_from_stored_data_alone() {
    let bench = Bench::new(SCENARIO);
    assert_eq!(bench.figure(&["run", "x.toml", "--out", "o", "--quiet"]).code, 0);
    let drawn = fs::read(bench.path("o/x/figure.svg")).expect("a figure");
    fs::remove_file(bench.path("o/x/figure.svg")).expect("a removable file");
    fs::remove_dir_all(bench.path("o/x/replicas")).expect("a removable folder");
    let answer = bench.figure(&["plot", "o/x"]);
    assert_eq!(answer.code, 0, "{}{}", answer.out, answer.err);
    assert!(drawn == fs::read(bench.path("o/x/figure.svg")).expect("a figure"), "redrawn figure differs");
    let nothing = bench.figure(&["plot", "nowhere"]);
    assert_eq!(nothing.code, 2);
    assert!(nothing.err.contains("nowhere"), "{}", nothing.err);
}

#[test]
fn the_starting_point_and_the_descriptions_are_usable() {
    let bench = Bench::new(SCENARIO);
    for kind in asymptotica::problem::KINDS.iter().map(|kind| kind.kind) {
        let new = bench.figure(&["new", kind]);
        assert_eq!(new.code, 0, "{}", new.err);
        fs::write(bench.path("mine.toml"), &new.out).expect("a writable folder");
        let check = bench.figure(&["check", "mine.toml"]);
        assert_eq!(check.code, 0, "{}{}", check.out, check.err);
        let smaller = ["--set", "simulation.sizes=[40]", "--replicas", "3", "--out", "o", "--format", "svg"];
        let run = bench.figure(&[&["run", "mine.toml"][..], &smaller].concat());
        assert!(matches!(run.code, 0 | 3), "{kind}: {}{}", run.out, run.err);
        assert!(!run.out.contains("diverged"), "{kind}: {}", run.out);
        for command in [&["describe", kind][..], &["schema", kind], &["schema"]] {
            let answer = bench.figure(command);
            assert_eq!(answer.code, 0, "{}", answer.err);
            let first =
                asymptotica::problem::KINDS.iter().find(|k| k.kind == kind).expect("known").parameters[0].key;
            assert!(answer.out.contains(first), "{first}: {}", answer.out);
        }
    }
    let unknown = bench.figure(&["describe", "comittee"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("committee"), "{}", unknown.err);
}
