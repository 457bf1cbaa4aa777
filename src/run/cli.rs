//! Command line: what can be asked, and nothing of how it is done.

use crate::problem::Method;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Tests the exact theory of high-dimensional learning against the learning itself.
///
/// Without a command: every scenario in its quick form, into figures/, with a table of verdicts.
#[derive(Debug, Parser)]
#[command(name = "figure", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Threads [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// No progress bar
    #[arg(long, global = true)]
    pub quiet: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 every claim confirmed, 1 some claim refuted, 2 wrong usage or failed run, \
                          3 some claim undecided, 130 interrupted (finished replicas are kept: --resume).";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run scenarios by name or path: law and simulation, verdict, figure
    Run(Run),
    /// Test claims in the limit: several sizes, extrapolated verdict, fitted exponents
    ///
    /// Every claim of the scenario is made one about infinite size. Output goes to OUT/verify/NAME/.
    Verify(Verify),
    /// Plant every fault in the laws of scenarios and say which their claims refute
    ///
    /// Structural faults of the problem, every number changed by a tenth, whole numbers by one. Exit code 1 if
    /// a fault moves a law by more than the claims exclude and is not refuted. The table goes to
    /// OUT/power/NAME/power.csv.
    Power(Run),
    /// List the scenarios
    List {
        #[arg(long)]
        json: bool,
    },
    /// Equations, parameters, units and source of a problem
    Describe {
        #[arg(default_value = "committee")]
        problem: String,
    },
    /// Check scenario files without running them
    Check {
        #[arg(required = true, value_name = "NAME|PATH")]
        scenarios: Vec<String>,
    },
    /// Print a complete commented scenario to start from
    New {
        #[arg(default_value = "committee")]
        problem: String,
    },
    /// Print the JSON Schema of scenario files
    Schema { problem: Option<String> },
    /// Redraw figures from stored data, without computing
    Plot {
        /// Output folders of runs
        #[arg(required = true, value_name = "DIR")]
        folders: Vec<PathBuf>,
        #[arg(long, value_enum, value_delimiter = ',', default_value = "svg,png")]
        format: Vec<Format>,
    },
    /// Join the shards of one run (see run --shard) and finish it
    Merge {
        /// Output folders of the shards: OUT/NAME each
        #[arg(required = true, value_name = "DIR")]
        folders: Vec<PathBuf>,
        /// Where the joined run goes, below this folder
        #[arg(long, default_value = "out")]
        out: PathBuf,
    },
    /// Write index.html over the runs below a folder
    Gallery {
        #[arg(default_value = "figures", value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Clone, Debug, Args)]
pub struct Run {
    /// Scenarios by name (see figure list) or path
    #[arg(required = true, value_name = "NAME|PATH")]
    pub scenarios: Vec<String>,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Clone, Debug, Args)]
pub struct Verify {
    /// Scenarios by name (see figure list) or path
    #[arg(required = true, value_name = "NAME|PATH")]
    pub scenarios: Vec<String>,
    /// Sizes of the limit parameter [default: those of the scenario if there are three or more; otherwise its
    /// largest one, 1/2, 1/4 and 1/8 of it]
    #[arg(long, value_delimiter = ',', value_name = "N,N,N")]
    pub sizes: Option<Vec<usize>>,
    /// Methods of simulation, separated by commas, each drawn as series of its own [default: that of the scenario]
    #[arg(long, value_delimiter = ',', value_name = "METHOD", value_parser = method)]
    pub method: Vec<Method>,
    /// Add replicas, twice as many at each look, until every claim is confirmed or refuted
    #[arg(long)]
    pub until_decided: bool,
    /// Stop adding replicas after this time, as 90s, 10m or 2h
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    pub max_time: Duration,
    /// Say which sizes and how many replicas would decide, and how long they take, from a pilot run of
    /// the scenario as it is
    #[arg(long, conflicts_with = "until_decided")]
    pub plan: bool,
    /// The gap to be excluded, in place of that of the claims
    #[arg(long, value_name = "X")]
    pub resolution: Option<f64>,
    #[command(flatten)]
    pub options: Options,
}

impl Verify {
    /// The command for the scenario `name` as it would be typed, but for sizes, replicas and the questions of how long
    /// and how often to run.
    pub fn typed(&self, name: &str) -> String {
        let mut words: Vec<String> = vec!["figure".into(), "verify".into(), name.into()];
        let mut option = |key: &str, value: String| words.extend([key.to_string(), value]);
        let Options { preset, set, sweep, fault, out, seed, .. } = &self.options;
        preset.iter().for_each(|preset| option("--preset", preset.clone()));
        let own =
            |set: &&String| !["simulation.replicas=", "simulation.sizes="].iter().any(|k| set.starts_with(k));
        set.iter().filter(own).for_each(|set| option("--set", set.clone()));
        sweep.iter().for_each(|sweep| option("--sweep", sweep.clone()));
        fault.iter().for_each(|fault| option("--fault", fault.clone()));
        if !self.method.is_empty() {
            let methods: Vec<&str> = self.method.iter().map(|method| method.name()).collect();
            option("--method", methods.join(","));
        }
        self.resolution.iter().for_each(|x| option("--resolution", x.to_string()));
        seed.iter().for_each(|seed| option("--seed", seed.to_string()));
        if out.as_os_str() != "out" {
            option("--out", out.display().to_string());
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_string();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// Named overrides of the scenario: quick, paper, ... [default: the file as written]
    #[arg(long, value_name = "NAME")]
    pub preset: Option<String>,
    /// Override any key, as problem.learning_rate=0.3
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Sweep a key over values, as problem.noise_std=0.01,0.1,1
    #[arg(long, value_name = "KEY=A,B,C")]
    pub sweep: Option<String>,
    /// Plant a fault in the law alone: multiply a key (problem.learning_rate=1.1), add to it
    /// (problem.student_width+=1), or change a term (drop=eta2; see figure describe)
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<String>,
    /// Integrate the law only
    #[arg(long)]
    pub theory_only: bool,
    /// Output goes to DIR/NAME/
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Root of all randomness
    #[arg(long)]
    pub seed: Option<u64>,
    /// Replicas of every simulation
    #[arg(long)]
    pub replicas: Option<u64>,
    /// Continue with the replicas that an earlier run left in the output folder
    #[arg(long)]
    pub resume: bool,
    /// Run the I-th of N parts of the jobs only; join them with figure merge
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<(usize, usize)>,
    /// Formats of the figure
    #[arg(long, value_enum, value_delimiter = ',', default_value = "svg,png")]
    pub format: Vec<Format>,
}

impl Options {
    /// All overrides of keys, `--seed` and `--replicas` among them.
    pub fn all_set(&self) -> Vec<String> {
        let mut set = self.set.clone();
        set.extend(self.seed.map(|seed| format!("simulation.seed={seed}")));
        set.extend(self.replicas.map(|replicas| format!("simulation.replicas={replicas}")));
        set
    }

    /// Everything that changed the scenario, as it would be typed, for the record.
    pub fn given(&self) -> Vec<String> {
        let mut given: Vec<String> = self.preset.iter().map(|name| format!("--preset {name}")).collect();
        given.extend(self.all_set().iter().map(|set| format!("--set {set}")));
        given.extend(self.sweep.iter().map(|sweep| format!("--sweep {sweep}")));
        given.extend(self.theory_only.then(|| "--theory-only".to_string()));
        given
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Svg,
    Png,
}

/// "10m" as a time.
fn duration(text: &str) -> Result<Duration, String> {
    let rule = "write a number and s, m or h, as 90s, 10m or 2h";
    let text = text.trim();
    let unit = match text.chars().last() {
        Some('s') => 1.0,
        Some('m') => 60.0,
        Some('h') => 3600.0,
        _ => return Err(rule.into()),
    };
    match text[..text.len() - 1].trim().parse::<f64>() {
        Ok(x) if x > 0.0 && x.is_finite() && x * unit < 1e9 => Ok(Duration::from_secs_f64(x * unit)),
        _ => Err(rule.into()),
    }
}

fn method(text: &str) -> Result<Method, String> {
    let known = || Method::CHOICES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    Method::from_name(text).ok_or_else(|| format!("known methods: {}", known()))
}

/// "1/4" as the part 0 of 4.
fn shard(text: &str) -> Result<(usize, usize), String> {
    let rule = "must be I/N with 1 <= I <= N, as 1/4";
    let (part, parts) = text.split_once('/').ok_or(rule)?;
    match (part.trim().parse::<usize>(), parts.trim().parse::<usize>()) {
        (Ok(part), Ok(parts)) if (1..=parts).contains(&part) => Ok((part - 1, parts)),
        _ => Err(rule.to_string()),
    }
}
