//! What each command does.

use super::cli::{Cli, Command, Format, Options};
use super::execute::{Campaign, Outcome, execute};
use super::finish::{Finished, LEVEL, finish, redraw, stored_source, write_gallery, write_scenario};
use super::library::Asked;
use super::plan::plan;
use super::progress::Progress;
use super::store::{Store, fingerprint};
use super::study;
use super::{Library, RunError, exit};
use crate::compare::Outcome as Judgement;
use crate::problem::ProblemKind;
use crate::scenario::{
    Overrides, Scenario, Source, Verify, describe, problem_kind, resolve, schema, template,
};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Runs a command line and says how it went by the exit code.
pub fn main(cli: Cli) -> ExitCode {
    match command(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(RunError::Interrupted) => {
            eprintln!("interrupted: finished replicas are kept; the same command with --resume continues");
            ExitCode::from(exit::INTERRUPTED)
        }
        Err(RunError::Scenario(report)) => {
            eprintln!("{}", report.trim_end());
            ExitCode::from(exit::ERROR)
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(exit::ERROR)
        }
    }
}

fn command(cli: &Cli) -> Result<u8, RunError> {
    let library = Library::find();
    match &cli.command {
        None => everything(cli, &library),
        Some(Command::Run(run)) => {
            batch(cli, &library.asked(&run.scenarios, &run.options.out)?, &run.options, None)
        }
        Some(Command::Verify(verify)) => {
            let out = verify.options.out.join("verify");
            study::verify(cli, &library.asked(&verify.scenarios, &out)?, verify)
        }
        Some(Command::Power(run)) => {
            let out = run.options.out.join("power");
            study::power(cli, &library.asked(&run.scenarios, &out)?, &run.options)
        }
        Some(Command::List { json }) => list(&library, *json),
        Some(Command::Describe { problem }) => print(&describe::text(kind(problem)?)),
        Some(Command::New { problem }) => print(&template::toml(kind(problem)?)),
        Some(Command::Schema { problem }) => {
            let kind = problem.as_deref().map(kind).transpose()?;
            print(&serde_json::to_string_pretty(&schema::json(kind)).expect("a JSON value"))
        }
        Some(Command::Check { scenarios }) => check(&library, scenarios),
        Some(Command::Plot { folders, format }) => {
            for folder in folders {
                redraw(folder, format)?;
                say(&format!("redrawn: {}", folder.display()));
            }
            Ok(exit::CONFIRMED)
        }
        Some(Command::Merge { folders, out }) => merge(cli, folders, out),
        Some(Command::Gallery { folder }) => {
            let page = write_gallery(folder)?;
            say(&format!("written: {}", page.display()));
            Ok(exit::CONFIRMED)
        }
    }
}

/// Prints to standard output; a closed pipe is no error.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn print(text: &str) -> Result<u8, RunError> {
    say(text.trim_end());
    Ok(exit::CONFIRMED)
}

fn kind(name: &str) -> Result<&'static ProblemKind, RunError> {
    problem_kind(name).map_err(|report| RunError::Scenario(report.to_string()))
}

fn list(library: &Library, json: bool) -> Result<u8, RunError> {
    let mut entries = Vec::new();
    for name in library.names()? {
        let scenario = resolved(&library.source(&name)?, &Overrides::default())?;
        entries.push((name, scenario));
    }
    if json {
        let list: Vec<serde_json::Value> = entries
            .iter()
            .map(|(name, s)| serde_json::json!({ "name": name, "title": s.title, "source": s.source }))
            .collect();
        say(&serde_json::to_string_pretty(&list).expect("a JSON value"));
    } else {
        let width = entries.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, scenario) in &entries {
            say(&format!("{name:width$}  {}", scenario.title));
        }
        say("\nrun one: figure run NAME --preset quick      its file: scenarios/NAME.toml");
    }
    Ok(exit::CONFIRMED)
}

fn check(library: &Library, names: &[String]) -> Result<u8, RunError> {
    let mut reports = Vec::new();
    for name in names {
        let source = match library.source(name) {
            Ok(source) => source,
            Err(error) => {
                reports.push(error.to_string());
                continue;
            }
        };
        let presets = std::iter::once(None).chain(source.presets().into_iter().map(Some));
        for preset in presets {
            let label = preset.as_deref().map_or(String::new(), |p| format!(" (preset {p})"));
            match resolved(&source, &Overrides { preset, ..Overrides::default() }) {
                Ok(scenario) => {
                    if label.is_empty() {
                        notices(&scenario);
                    }
                    let cases = match scenario.cases.len() {
                        1 => "1 case".to_string(),
                        n => format!("{n} cases"),
                    };
                    say(&format!("{name}{label}: valid, {cases}"));
                }
                Err(error) => {
                    // What is wrong with the file itself is wrong with every preset.
                    reports.push(error.to_string());
                    break;
                }
            }
        }
    }
    if reports.is_empty() { Ok(exit::CONFIRMED) } else { Err(RunError::Scenario(reports.join("\n"))) }
}

pub(super) fn resolved(source: &Source, overrides: &Overrides) -> Result<Scenario, RunError> {
    resolve(source, overrides).map_err(|report| RunError::Scenario(report.to_string()))
}

/// Says on the side what the file states without effect.
pub(super) fn notices(scenario: &Scenario) {
    for notice in &scenario.notices {
        let _ = writeln!(std::io::stderr(), "note: {notice}");
    }
}

/// The command without arguments: all scenarios, quick, into `figures/`, and the gallery page.
fn everything(cli: &Cli, library: &Library) -> Result<u8, RunError> {
    let out = library.home().join("figures");
    let asked = library.asked(&library.names()?, &out)?;
    let options = Options {
        preset: Some("quick".into()),
        out: out.clone(),
        format: vec![Format::Svg, Format::Png],
        ..Options::default()
    };
    let code = batch(cli, &asked, &options, None)?;
    let page = write_gallery(&out)?;
    say(&format!("\ngallery: {}", page.display()));
    Ok(code)
}

/// Runs scenarios on one pool and prints a verdict for each.
pub(super) fn batch(
    cli: &Cli,
    asked: &[Asked],
    options: &Options,
    verify: Option<Verify>,
) -> Result<u8, RunError> {
    let overrides = overrides(options, verify);
    let scenarios: Vec<Scenario> =
        asked.iter().map(|one| resolved(&one.source, &overrides)).collect::<Result<_, _>>()?;
    scenarios.iter().for_each(notices);
    let threads = threads(cli);
    let mut campaigns = Vec::new();
    for scenario in &scenarios {
        let plan = plan(scenario, options.shard, threads)?;
        let print = fingerprint(scenario);
        let folder = options.out.join(&scenario.id);
        let store = Store::open(&folder, &print, options.resume)?;
        write_scenario(scenario, &folder)?;
        campaigns.push(Campaign { scenario, plan, store });
    }
    run(cli, &campaigns, options, threads)
}

/// What the options change in a scenario.
pub(super) fn overrides(options: &Options, verify: Option<Verify>) -> Overrides {
    Overrides {
        preset: options.preset.clone(),
        set: options.all_set(),
        sweep: options.sweep.clone(),
        faults: options.fault.clone(),
        verify,
        theory_only: options.theory_only,
    }
}

pub(super) fn threads(cli: &Cli) -> usize {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    cli.jobs.map_or(all, usize::from)
}

/// Seconds from which on a run says beforehand how long it takes.
const LONG: f64 = 60.0;

fn run(cli: &Cli, campaigns: &[Campaign<'_>], options: &Options, threads: usize) -> Result<u8, RunError> {
    let stop = stop_on_request();
    let progress = progress(cli, campaigns);
    for campaign in campaigns.iter().filter(|_| !cli.quiet) {
        if let (Some(preset), Some(time)) = (&options.preset, &campaign.scenario.expected_time) {
            progress.print(&format!("{}: preset {preset}, about {time} on 2 cores", campaign.scenario.id));
            continue;
        }
        let seconds = campaign.plan.seconds(threads);
        if seconds > LONG {
            let minutes = (seconds / 60.0).ceil();
            progress
                .print(&format!("{}: roughly {minutes} min, by counts of operations", campaign.scenario.id));
        }
    }
    let finished: Mutex<Vec<(usize, Finished)>> = Mutex::new(Vec::new());
    let done = |index: usize, outcome: Outcome| -> Result<(), RunError> {
        if options.shard.is_some() {
            return Ok(());
        }
        let campaign = &campaigns[index];
        let folder = options.out.join(&campaign.scenario.id);
        let result =
            finish(campaign.scenario, &outcome, &folder, &options.format, &options.given(), threads, LEVEL)?;
        if !cli.quiet {
            progress.print(&format!("{}: {}", campaign.scenario.id, result.summary()));
        }
        finished.lock().expect("no panic while finishing").push((index, result));
        Ok(())
    };
    let end = execute(campaigns, threads, &progress, &stop, &done);
    progress.finish();
    end?;
    if let Some((part, parts)) = options.shard {
        say(&format!("part {} of {parts} is stored; join all parts with figure merge", part + 1));
        return Ok(exit::CONFIRMED);
    }
    let mut finished = finished.into_inner().expect("no panic while finishing");
    finished.sort_by_key(|(index, _)| *index);
    Ok(table(campaigns, &finished, &options.out))
}

/// Becomes true at the first Ctrl-C; a second one ends the process at once. Stored replicas are whole in either
/// case.
pub(super) fn stop_on_request() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let handler = Arc::clone(&stop);
    let _ = ctrlc::set_handler(move || {
        if handler.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(exit::INTERRUPTED));
        }
        eprintln!("\nstopping; Ctrl-C again stops at once");
    });
    stop
}

pub(super) fn progress(cli: &Cli, campaigns: &[Campaign<'_>]) -> Progress {
    let total: f64 = campaigns.iter().flat_map(|c| &c.plan.costs).sum();
    Progress::new(total, !cli.quiet && std::io::stderr().is_terminal())
}

/// Prints the verdicts and gives the exit code.
pub(super) fn table(campaigns: &[Campaign<'_>], finished: &[(usize, Finished)], out: &Path) -> u8 {
    let width = campaigns.iter().map(|c| c.scenario.id.len()).max().unwrap_or(0);
    let mut code = exit::CONFIRMED;
    for (index, result) in finished {
        let mut name = campaigns[*index].scenario.id.as_str();
        if result.verdicts.is_empty() {
            say(&format!("{name:width$}  nothing was compared"));
        }
        for verdict in &result.verdicts {
            say(&format!("{name:width$}  {}", verdict.headline()));
            name = "";
            code = match (code, verdict.outcome()) {
                (exit::REFUTED, _) | (_, Judgement::Refuted) => exit::REFUTED,
                (_, Judgement::Undecided) => exit::UNDECIDED,
                (code, Judgement::Confirmed) => code,
            };
        }
        if result.idle_fault {
            say(&format!(
                "{:width$}  note: the planted fault leaves the law as it is at every claimed point",
                ""
            ));
        }
    }
    for (index, result) in finished {
        if let Some(first) = result.diverged.first() {
            let others = match result.diverged.len() {
                1 => String::new(),
                n => format!(" (and {} more, see record.json)", n - 1),
            };
            say(&format!("note: {}: {first}{others}", campaigns[*index].scenario.id));
        }
    }
    say(&format!("\nfigures, tables, and the verdicts in full: {}/<name>/", out.display()));
    code
}

/// Joins the stores of shards and finishes the run; jobs that no shard did are run.
fn merge(cli: &Cli, folders: &[PathBuf], out: &Path) -> Result<u8, RunError> {
    let scenario = resolved(&stored_source(&folders[0])?, &Overrides::default())?;
    let threads = threads(cli);
    let plan = plan(&scenario, None, threads)?;
    let print = fingerprint(&scenario);
    let store = Store::open(&out.join(&scenario.id), &print, true)?;
    write_scenario(&scenario, &out.join(&scenario.id))?;
    for folder in folders {
        let copied = store.absorb(folder, &print)?;
        say(&format!("{}: {copied} jobs", folder.display()));
    }
    let options =
        Options { out: out.to_path_buf(), format: vec![Format::Svg, Format::Png], ..Options::default() };
    run(cli, &[Campaign { scenario: &scenario, plan, store }], &options, threads)
}
