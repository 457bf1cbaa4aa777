//! Commands that run a scenario in order to learn about its claims: `verify` and `power`.

use super::cli::{Cli, Options, Verify as Arguments};
use super::collect::tracks;
use super::commands::{batch, overrides, progress, resolved, say, stop_on_request, table, threads};
use super::execute::{Campaign, Outcome, execute};
use super::finish::{LEVEL, finish, groups_of, judge_tracks, terms, write_scenario};
use super::library::Asked;
use super::plan::plan;
use super::power::{Power, Row, power as plant_all};
use super::store::{Store, fingerprint};
use super::{RunError, exit};
use crate::compare::{self, Cost, Exponents, Looks};
use crate::report::atomic;
use crate::rng::Stream;
use crate::scenario::{Scenario, Verify};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// `figure verify`.
pub(super) fn verify(cli: &Cli, asked: &[Asked], arguments: &Arguments) -> Result<u8, RunError> {
    let mut options = Options { out: arguments.options.out.join("verify"), ..arguments.options.clone() };
    if let Some(resolution) = arguments.resolution {
        options.set.push(format!("claim[0].resolution={resolution}"));
    }
    let limits = Verify { sizes: arguments.sizes.clone(), methods: arguments.method.clone() };
    if !arguments.plan && !arguments.until_decided {
        return batch(cli, asked, &options, Some(limits));
    }
    let stop = stop_on_request();
    let mut code = exit::CONFIRMED;
    for Asked { name, source } in asked {
        let scenario = resolved(source, &overrides(&options, Some(limits.clone())))?;
        let one = if arguments.plan {
            pilot(cli, scenario, &options, &arguments.typed(name), &stop)?
        } else {
            until_decided(cli, scenario, &options, arguments.max_time, &stop)?
        };
        code = match (code, one) {
            (exit::REFUTED, _) | (_, exit::REFUTED) => exit::REFUTED,
            (exit::UNDECIDED, _) => exit::UNDECIDED,
            (_, one) => one,
        };
    }
    Ok(code)
}

/// Runs the jobs of one scenario, continuing with what `folder` holds if `resume`.
fn run_one(
    cli: &Cli,
    scenario: &Scenario,
    folder: &Path,
    resume: bool,
    stop: &AtomicBool,
) -> Result<Outcome, RunError> {
    let threads = threads(cli);
    let campaign = Campaign {
        scenario,
        plan: plan(scenario, None, threads)?,
        store: Store::open(folder, &fingerprint(scenario), resume)?,
    };
    write_scenario(scenario, folder)?;
    let campaigns = [campaign];
    let progress = progress(cli, &campaigns);
    let found: Mutex<Option<Outcome>> = Mutex::new(None);
    let done = |_: usize, outcome: Outcome| {
        *found.lock().expect("no panic while an outcome is stored") = Some(outcome);
        Ok(())
    };
    let end = execute(&campaigns, threads, &progress, stop, &done);
    progress.finish();
    end?;
    // A scenario without jobs calls nobody.
    let empty = Outcome { results: Vec::new(), wall_seconds: 0.0 };
    Ok(found.into_inner().expect("no panic while an outcome is stored").unwrap_or(empty))
}

/// Adds replicas until every claim is decided or the time is over.
fn until_decided(
    cli: &Cli,
    mut scenario: Scenario,
    options: &Options,
    max_time: Duration,
    stop: &AtomicBool,
) -> Result<u8, RunError> {
    let started = Instant::now();
    let folder = options.out.join(&scenario.id);
    let looks = Looks { level: LEVEL, first: 8 };
    let stated: Vec<Vec<usize>> = scenario
        .cases
        .iter()
        .map(|case| case.simulation.as_ref().map_or(vec![], |s| s.replicas.clone()))
        .collect();
    let (mut look, mut last) = (1, Duration::ZERO);
    let rule = loop {
        let began = Instant::now();
        let outcome = run_one(cli, &scenario, &folder, options.resume || look > 1, stop)?;
        let level = looks.level_of_look(look);
        let answers = judge_tracks(&scenario, &tracks(&scenario, &outcome), level);
        let decided = answers.iter().all(|answer| answer.outcome() != compare::Outcome::Undecided);
        last = last.max(began.elapsed());
        // The next look takes about as long as all looks before it together.
        let expected = started.elapsed() + last;
        let rule = if decided {
            Some(format!("stopped at look {look}: every claim is decided"))
        } else if stop.load(Ordering::Relaxed) {
            return Err(RunError::Interrupted);
        } else if expected > max_time {
            let limit = max_time.as_secs_f64();
            Some(format!("stopped at look {look}: the next one would pass the time limit of {limit} s"))
        } else {
            None
        };
        if let Some(rule) = rule {
            let mut given = options.given();
            given.push(format!("--until-decided: {rule}, bands at level {level:.4}"));
            let finished =
                finish(&scenario, &outcome, &folder, &options.format, &given, threads(cli), level)?;
            let campaign = Campaign {
                scenario: &scenario,
                plan: plan(&scenario, None, threads(cli))?,
                store: Store::open(&folder, &fingerprint(&scenario), true)?,
            };
            let code = table(&[campaign], &[(0, finished)], &options.out);
            say(&format!("{}: {rule}; {} replicas at every look", scenario.id, history(&stated, look)));
            break code;
        }
        if !cli.quiet {
            for answer in &answers {
                eprintln!("{}: look {look}: {}", scenario.id, answer.headline());
            }
        }
        look += 1;
        for (case, stated) in scenario.cases.iter_mut().zip(&stated) {
            if let Some(simulation) = &mut case.simulation {
                simulation.replicas = stated.iter().map(|n| n << (look - 1)).collect();
            }
        }
    };
    Ok(rule)
}

/// The largest numbers of replicas of the looks: "24, 48, 96".
fn history(stated: &[Vec<usize>], looks: usize) -> String {
    let most = stated.iter().flatten().copied().max().unwrap_or(0);
    (0..looks).map(|k| (most << k).to_string()).collect::<Vec<_>>().join(", ")
}

/// Runs the scenario as a pilot and says what would decide its claims.
/// `typed` is the command without sizes and replicas.
fn pilot(
    cli: &Cli,
    scenario: Scenario,
    options: &Options,
    typed: &str,
    stop: &AtomicBool,
) -> Result<u8, RunError> {
    let folder = options.out.join(&scenario.id);
    let outcome = run_one(cli, &scenario, &folder, options.resume, stop)?;
    let tracks = tracks(&scenario, &outcome);
    let kind = scenario.cases[0].problem.kind();
    let expected = Exponents { bias: kind.bias_exponent, fluctuation: kind.fluctuation_exponent };
    let threads = threads(cli);
    for (c, claim) in scenario.claims.iter().enumerate() {
        let groups = groups_of(&scenario, claim, &tracks);
        let costs = costs(&outcome);
        let sizes: Vec<usize> = costs.iter().map(|cost| cost.size).collect();
        let mut generator = Stream::root(0).child(&scenario.id).child("plan").index(c as u64).generator();
        let name = if scenario.claims.len() > 1 {
            format!("{} claim {c}", scenario.id)
        } else {
            scenario.id.clone()
        };
        match compare::plan(&groups, &costs, &sizes, &terms(claim, LEVEL), expected, &mut generator) {
            Ok(plan) => {
                let list = |f: fn(&compare::Allocation) -> usize| {
                    plan.allocations.iter().map(|a| f(a).to_string()).collect::<Vec<_>>().join(",")
                };
                let each = plan.allocations.iter();
                let runs: Vec<String> =
                    each.map(|a| format!("{} replicas at size {}", a.replicas, a.size)).collect();
                say(&format!(
                    "{name}: {} would decide at {} %: about {} on {threads} threads",
                    runs.join(", "),
                    100.0 * plan.resolution,
                    words(plan.seconds / threads as f64),
                ));
                say(&format!(
                    "    {typed} --sizes {} --set 'simulation.replicas=[{}]'",
                    list(|a| a.size),
                    list(|a| a.replicas)
                ));
            }
            Err(reason) => say(&format!("{name}: nothing to plan: {reason}")),
        }
    }
    Ok(exit::CONFIRMED)
}

/// Mean seconds of one replica at each size, over all cases.
fn costs(outcome: &Outcome) -> Vec<Cost> {
    let mut sums: std::collections::BTreeMap<usize, (f64, f64)> = Default::default();
    for (job, result) in &outcome.results {
        if let Some(simulation) = &result.simulation {
            let sum = sums.entry(job.size).or_default();
            sum.0 += simulation.work.seconds + result.law.as_ref().map_or(0.0, |law| law.work.seconds);
            sum.1 += 1.0;
        }
    }
    // A clock may be too coarse for the shortest replicas.
    sums.into_iter().map(|(size, (s, n))| Cost { size, seconds: (s / n).max(1e-9) }).collect()
}

fn words(seconds: f64) -> String {
    match seconds {
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// `figure power`.
pub(super) fn power(cli: &Cli, asked: &[Asked], options: &Options) -> Result<u8, RunError> {
    let stop = stop_on_request();
    let mut missed = 0;
    for Asked { source, .. } in asked {
        let overrides = overrides(options, None);
        let scenario = resolved(source, &overrides)?;
        if scenario.claims.is_empty() {
            say(&format!("{}: claims nothing", scenario.id));
            continue;
        }
        let folder = options.out.join("power").join(&scenario.id);
        let outcome = run_one(cli, &scenario, &folder, options.resume, &stop)?;
        let sound = judge_tracks(&scenario, &tracks(&scenario, &outcome), LEVEL);
        for answer in &sound {
            say(&format!("{}: without a fault: {}", scenario.id, answer.headline()));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads(cli)).build();
        let pool = pool.map_err(|e| RunError::file("threads", e, "lower --jobs"))?;
        let stopped = || stop.load(Ordering::Relaxed);
        let rows = pool.install(|| plant_all(source, &overrides, &scenario, &outcome, &stopped))?;
        missed += rows.iter().filter(|row| matches!(row.power, Power::Missed { .. })).count();
        let width = rows.iter().map(|row| row.fault.chars().count()).max().unwrap_or(0);
        for row in &rows {
            let (word, text) = in_words(row);
            say(&format!("    {:width$}  {word:16} {text}", row.fault));
        }
        let path = folder.join("power.csv");
        atomic::write(&path, &csv(&rows)).map_err(|e| RunError::file(&path, e, "choose another --out"))?;
    }
    Ok(if missed > 0 { exit::REFUTED } else { exit::CONFIRMED })
}

fn in_words(row: &Row) -> (&'static str, String) {
    match &row.power {
        Power::Refuted { headline } => ("refuted", headline.clone()),
        Power::NotIdentifiable { reason } => ("not identifiable", reason.clone()),
        Power::Missed { headline, shift } => {
            ("MISSED", format!("moves the law by {:.2} %, yet {headline}", 100.0 * shift))
        }
    }
}

fn csv(rows: &[Row]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let into_memory = "a vector takes every byte";
    writer.write_record(["fault", "outcome", "detail"]).expect(into_memory);
    for row in rows {
        let (word, text) = in_words(row);
        writer.write_record([row.fault.as_str(), word, text.as_str()]).expect(into_memory);
    }
    writer.into_inner().expect(into_memory)
}
