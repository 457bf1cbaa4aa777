//! The end of a run: verdicts, `data.csv`, `record.json`, `scenario.toml`, the figure.

use super::at_size;
use super::cli::Format;
use super::collect::{Track, tracks};
use super::execute::Outcome;
use super::{RunError, store};
use super::{draw, power};
use crate::compare::{self, Answer, Exponents, Group, Terms, extrapolate, judge};
use crate::problem::Method;
use crate::report::data::{self, Row, Source as RowSource};
use crate::report::record::{ClaimVerdict, Record, ScenarioLabel, Versions, WorkDone};
use crate::report::{atomic, gallery, render};
use crate::rng::Stream;
use crate::scenario::{Case, Claim, Limit, Metric, Overrides, Panel, Scenario, Source, resolve};
use crate::trajectory::{Curve, End};
use std::path::{Path, PathBuf};

/// Level of the simultaneous bands.
pub(super) const LEVEL: f64 = 0.95;
/// Draws of the bootstrap.
const DRAWS: usize = 2000;

/// What a finished scenario reports.
#[derive(Clone, Debug)]
pub struct Finished {
    /// One per claim.
    pub verdicts: Vec<Answer>,
    /// Trajectories that did not reach their last time, and values that are undefined, in words.
    pub diverged: Vec<String>,
    /// A planted fault that no claim can see.
    pub idle_fault: bool,
    pub wall_seconds: f64,
}

impl Finished {
    /// One line for the progress log.
    pub fn summary(&self) -> String {
        let words: Vec<&str> = self.verdicts.iter().map(|v| word(v.outcome())).collect();
        let words = if words.is_empty() { "done".to_string() } else { words.join(", ") };
        format!("{words} ({:.1} s)", self.wall_seconds)
    }
}

/// The outcome as it stands in tables.
pub fn word(outcome: compare::Outcome) -> &'static str {
    match outcome {
        compare::Outcome::Confirmed => "confirmed",
        compare::Outcome::Refuted => "REFUTED",
        compare::Outcome::Undecided => "undecided",
    }
}

/// Judges every claim of a scenario on the results of its jobs.
pub fn verdicts(scenario: &Scenario, outcome: &Outcome) -> Vec<Answer> {
    judge_tracks(scenario, &tracks(scenario, outcome), LEVEL)
}

pub(super) fn judge_tracks(scenario: &Scenario, tracks: &[Track], level: f64) -> Vec<Answer> {
    let seed = root_seed(scenario);
    let bootstrap = Stream::root(seed).child(&scenario.id).child("bootstrap");
    let claims = scenario.claims.iter().enumerate();
    claims
        .map(|(c, claim)| {
            let groups = groups_of(scenario, claim, tracks);
            let (terms, mut generator) = (terms(claim, level), bootstrap.index(c as u64).generator());
            match claim.limit {
                Limit::AtSize => Answer::Sizes(judge(&groups, &terms, &mut generator)),
                Limit::Extrapolate => {
                    let kind = scenario.cases[0].problem.kind();
                    let expected =
                        Exponents { bias: kind.bias_exponent, fluctuation: kind.fluctuation_exponent };
                    Answer::Limit(extrapolate(&groups, &terms, expected, &mut generator))
                }
            }
        })
        .collect()
}

/// What a claim compares. Replicas without a defined value are left out, and [`undefined`] reports them.
pub(super) fn groups_of(scenario: &Scenario, claim: &Claim, tracks: &[Track]) -> Vec<Group> {
    let compared =
        tracks.iter().filter(|track| covers(scenario, claim, track) && !track.group.simulation.is_empty());
    let groups = compared.filter_map(|track| at_size::compared(claim.about, track));
    // Replicas that are left out of one observable pair no more with those of others of their run.
    let fresh = tracks.iter().map(|track| track.group.run + 1).max().unwrap_or(0);
    groups.enumerate().map(|(g, group)| group.defined(fresh + g)).collect()
}

/// Observables that have no meaning in some replicas, in words.
fn undefined(tracks: &[Track]) -> Vec<String> {
    let note = |track: &Track| {
        let group = &track.group;
        let (count, all) =
            (group.undefined().iter().filter(|&&undefined| undefined).count(), group.simulation.len());
        let label = if group.label.is_empty() { String::new() } else { format!("{}, ", group.label) };
        (count > 0).then(|| {
            format!(
                "{} is undefined in {count} of {all} replicas, which are left out [{label}size {}]",
                group.observable, group.size
            )
        })
    };
    tracks.iter().filter_map(note).collect()
}

fn covers(scenario: &Scenario, claim: &Claim, track: &Track) -> bool {
    claim.series.contains(&scenario.cases[track.case].series)
        && claim.observables.contains(&track.group.observable)
}

pub(super) fn terms(claim: &Claim, level: f64) -> Terms {
    let metric = match claim.metric {
        Metric::Relative => compare::Metric::Relative,
        Metric::Absolute => compare::Metric::Absolute,
    };
    Terms { metric, resolution: claim.resolution, within: claim.within.clone(), level, draws: DRAWS }
}

fn root_seed(scenario: &Scenario) -> u64 {
    scenario.cases.iter().find_map(|case| case.simulation.as_ref()).map_or(0, |simulation| simulation.seed)
}

/// Writes everything that a finished run leaves below `folder`; `level` is that of the bands.
///
/// # Errors
/// Files that cannot be written, figures that cannot be drawn.
pub fn finish(
    scenario: &Scenario,
    outcome: &Outcome,
    folder: &Path,
    formats: &[Format],
    overrides: &[String],
    threads: usize,
    level: f64,
) -> Result<Finished, RunError> {
    let tracks = tracks(scenario, outcome);
    let verdicts = judge_tracks(scenario, &tracks, level);
    let rows: Vec<Row> = tracks.iter().flat_map(|track| table(scenario, track)).collect();
    let table = folder.join("data.csv");
    data::write(&table, &rows).map_err(|e| RunError::file(&table, e, "choose another folder with --out"))?;
    let mut record = record(scenario, outcome, &verdicts, threads);
    record.diverged.extend(undefined(&tracks));
    record.overrides = overrides.to_vec();
    let path = folder.join("record.json");
    record.write(&path).map_err(|e| RunError::file(&path, e, "choose another folder with --out"))?;
    draw_into(scenario, &rows, &record, folder, formats)?;
    let idle_fault = power::is_idle(scenario, outcome)?;
    Ok(Finished { verdicts, diverged: record.diverged, idle_fault, wall_seconds: outcome.wall_seconds })
}

/// All rows of one track: law, simulation, their difference, the law at the size, and the single runs that a
/// panel draws.
fn table(scenario: &Scenario, track: &Track) -> Vec<Row> {
    let mut rows = data::rows(&track.group, source(&scenario.cases[track.case]));
    if let Some(predicted) = &track.predicted {
        rows.extend(at_size::rows(&track.group, predicted));
    }
    let runs = scenario.panels.iter().filter_map(|panel| match panel {
        Panel::Curves(panel) if panel.y.contains(&track.group.observable) => Some(panel.runs),
        _ => None,
    });
    rows.extend(data::single_runs(&track.group, runs.max().unwrap_or(0)));
    rows
}

/// The kind of simulation behind the rows of a case.
fn source(case: &Case) -> RowSource {
    match case.simulation.as_ref().map(|simulation| simulation.method) {
        Some(Method::OverlapChain) => RowSource::Chain,
        Some(Method::MatrixFree) => RowSource::MatrixFree,
        Some(Method::Direct) | None => RowSource::Direct,
    }
}

/// Writes `scenario.toml` as resolved: done before the run, so that an interrupted one can be joined.
pub fn write_scenario(scenario: &Scenario, folder: &Path) -> Result<(), RunError> {
    let path = folder.join("scenario.toml");
    atomic::write(&path, scenario.text.as_bytes())
        .map_err(|e| RunError::file(&path, e, "choose another folder with --out"))
}

fn record(scenario: &Scenario, outcome: &Outcome, verdicts: &[Answer], threads: usize) -> Record {
    let mut work = WorkDone { wall_seconds: outcome.wall_seconds, ..WorkDone::default() };
    let mut diverged = Vec::new();
    let mut note = |road: &str, job: &super::Job, curve: &Curve| {
        if let End::Diverged { time, reason } = &curve.end {
            let series = scenario.series[scenario.cases[job.case].series].clone();
            let size = if job.size > 0 { format!("size {}", job.size) } else { String::new() };
            let replica = job.replica.map_or(String::new(), |r| format!("replica {r}"));
            let mut place = vec![series, size, replica];
            place.retain(|part| !part.is_empty());
            let place = if place.is_empty() { String::new() } else { format!(" [{}]", place.join(", ")) };
            diverged.push(format!("{road} after t = {time}: {reason}{place}"));
        }
    };
    for (job, result) in &outcome.results {
        if let Some(law) = &result.law {
            work.law += law.work;
            note("law diverged", job, law);
        }
        if let Some(simulation) = &result.simulation {
            work.simulation += simulation.work;
            note("simulation diverged", job, simulation);
        }
    }
    Record {
        scenario: ScenarioLabel {
            id: scenario.id.clone(),
            title: scenario.title.clone(),
            source: scenario.source.clone(),
        },
        fingerprint: store::fingerprint(scenario),
        verdicts: verdicts.iter().cloned().map(ClaimVerdict::from).collect(),
        formulas: super::formulas::all(scenario),
        diverged,
        work,
        seed: root_seed(scenario),
        streams: "root / scenario / series / sweep point / size / replica / purpose".into(),
        versions: Versions::here(commit(), vec![("linear algebra".into(), crate::linalg::provider().into())]),
        threads,
        faults: scenario.faults.clone(),
        overrides: Vec::new(),
        resolved: scenario.text.clone(),
    }
}

/// The commit of the source tree that the program runs in, if it is one.
fn commit() -> Option<String> {
    let output = std::process::Command::new("git").args(["rev-parse", "HEAD"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}

fn draw_into(
    scenario: &Scenario,
    rows: &[Row],
    record: &Record,
    folder: &Path,
    formats: &[Format],
) -> Result<(), RunError> {
    let answers: Vec<Answer> = record.verdicts.iter().map(|claim| claim.verdict.clone()).collect();
    let figure = draw::figure(scenario, rows, &answers);
    let drawn = render::render(&figure).map_err(|e| {
        RunError::file(folder.join("figure.svg"), e, "change the labels or ranges of the panel")
    })?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        atomic::write(&path, bytes).map_err(|e| RunError::file(&path, e, "choose another folder with --out"))
    };
    if formats.contains(&Format::Svg) {
        write("figure.svg", drawn.svg.as_bytes())?;
    }
    if formats.contains(&Format::Png) {
        write("figure.png", &drawn.png)?;
    }
    Ok(())
}

/// The scenario as stored in an output folder `<out>/<id>`.
pub fn stored_source(folder: &Path) -> Result<Source, RunError> {
    let path = folder.join("scenario.toml");
    let help = "give the output folder <out>/<name> of a run";
    let text = std::fs::read_to_string(&path).map_err(|e| RunError::file(&path, e, help))?;
    let name = folder.canonicalize().ok().and_then(|f| Some(f.file_name()?.to_string_lossy().into_owned()));
    let id = name.ok_or_else(|| RunError::file(folder, "has no name", help))?;
    Source::from_text(&id, &path.display().to_string(), &text)
        .map_err(|report| RunError::Scenario(report.to_string()))
}

/// Draws the figure of an output folder again from its table and record.
pub fn redraw(folder: &Path, formats: &[Format]) -> Result<(), RunError> {
    let help = "give the output folder <out>/<name> of a finished run";
    let source = stored_source(folder)?;
    let table = folder.join("data.csv");
    let rows = data::read(&table).map_err(|e| RunError::file(&table, e, help))?;
    let path = folder.join("record.json");
    let record = Record::read(&path).map_err(|e| RunError::file(&path, e, help))?;
    let overrides = Overrides { faults: record.faults.clone(), ..Overrides::default() };
    let scenario = resolve(&source, &overrides).map_err(|report| RunError::Scenario(report.to_string()))?;
    draw_into(&scenario, &rows, &record, folder, formats)
}

/// Writes `index.html` over all finished runs below `out`.
pub fn write_gallery(out: &Path) -> Result<PathBuf, RunError> {
    let help = "give a folder that holds runs, such as figures or out";
    let entries = std::fs::read_dir(out).map_err(|e| RunError::file(out, e, help))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    folders.sort();
    let mut list = Vec::new();
    for folder in folders {
        let Ok(record) = Record::read(&folder.join("record.json")) else { continue };
        list.push(gallery::Entry {
            id: record.scenario.id.clone(),
            title: record.scenario.title.clone(),
            source: record.scenario.source.clone(),
            image: format!("{}/figure.svg", record.scenario.id),
            verdicts: record.verdicts.iter().map(|claim| claim.sentence.clone()).collect(),
            expected_time: None,
        });
    }
    let page = out.join("index.html");
    atomic::write(&page, gallery::html(&list).as_bytes()).map_err(|e| RunError::file(&page, e, help))?;
    Ok(page)
}
