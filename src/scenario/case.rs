//! One case: a problem with its observation, law and simulation.

use super::check::{Checker, join};
use super::faults::{Fault, plant};
use super::message::{Issue, suggestion};
use super::raw::{At, Table};
use super::resolved::{Case, EXPANSION, LawOptions, LawStart, Observe, Risk, SimulationOptions};
use super::scope::Scope;
use super::sections::{LAW, OBSERVE, SIMULATION, kind_names};
use crate::problem::spec::{Parameter, Settings, Value, Violation};
use crate::problem::{KINDS, Method, Problem, ProblemKind};
use std::collections::BTreeSet;

/// A key that is stated and changes nothing.
pub(super) struct Idle {
    path: String,
    reason: &'static str,
    at: At,
}

impl Idle {
    /// A notice: the file is valid all the same.
    pub fn issue(&self) -> Issue {
        let rule = format!("changes nothing here: {}", self.reason);
        Issue::value(&self.at, self.path.as_str(), rule).help("leave it out")
    }
}

/// What the cases of one scenario have in common while they are read.
pub(super) struct Common<'a> {
    pub kind: &'static ProblemKind,
    pub faults: &'a [Fault],
    pub issues: Vec<Issue>,
    /// Names that expressions used.
    pub used: BTreeSet<String>,
    /// Keys that are stated without effect in every case so far; nothing before the first case.
    pub idle: Option<Vec<Idle>>,
}

/// The kind of problem that the file names.
pub(super) fn kind_of(root: &Table) -> Result<&'static ProblemKind, Issue> {
    let known = || kind_names().collect::<Vec<_>>().join(", ");
    let example = || format!("begin it with kind = \"{}\"; known kinds: {}", KINDS[0].kind, known());
    let Some(entry) = root.entry("problem") else {
        return Err(Issue::general("problem", "the section [problem] is missing").help(example()));
    };
    let Some(table) = entry.node.as_table() else {
        return Err(Issue::value(&entry.node.at, "problem", "must be a section").help(example()));
    };
    let Some(node) = table.get("kind") else {
        return Err(Issue::key(&entry.node.at, "problem.kind", "missing key").help(example()));
    };
    let name = node.as_text().unwrap_or_default();
    KINDS.iter().find(|kind| kind.kind == name).ok_or_else(|| {
        let rule = "is no kind of problem that this program knows";
        Issue::value(&node.at, "problem.kind", rule).help(suggestion(name, "kinds", kind_names()))
    })
}

impl Common<'_> {
    /// One case from a tree in which series and sweep are already applied; its observables are filled in
    /// when the panels are known. Also whether it is without a case a fault of the file.
    pub fn case(&mut self, root: &Table, free: &[(String, f64)]) -> Option<Case> {
        let before = self.issues.len();
        let section = root.entry("problem")?;
        let table = section.node.as_table()?;
        let mut checker = Checker::new(Scope { free, problem: Some((table, self.kind.parameters)) });
        let settings =
            checker.keys(table, Some(&section.node.at), "problem", self.kind.parameters, &["kind"]);
        self.absorb(checker);
        let problem = settings.as_ref().and_then(|settings| {
            Problem::from_settings(self.kind.kind, settings)
                .map_err(|broken| self.violations(&broken, table, &section.node.at))
                .ok()
        });
        if let Some(problem) = &problem {
            self.keep_idle(root, problem);
        }
        let mut values = Vec::new();
        if let Some(settings) = &settings {
            numbers(settings, "", &mut values);
        }
        values.extend(free.iter().cloned());

        let observe = self.observe(root, &values);
        let law_settings = self.section(root, "law", LAW, &values, true);
        let simulation_settings = self.section(root, "simulation", SIMULATION, &values, false);
        if let (Some(problem), Some(Some(law))) = (&problem, &law_settings) {
            self.check_law(root, problem, law);
        }
        let law_problem = match (&problem, &settings) {
            (Some(problem), Some(settings)) => self.faulty(problem, settings),
            _ => None,
        };
        let (problem, observe, law) = (problem?, observe?, law_settings??);
        let options = LawOptions {
            enabled: law.flag("enabled")?,
            start: match law.text("start") {
                Some("given") => LawStart::Given,
                Some("limit") => LawStart::Limit,
                _ => LawStart::Replica,
            },
            tolerance: law.number("tolerance").unwrap_or(self.kind.default_tolerance),
            faults: self.structural(),
            finite_size: law.flag("finite_size")?,
            expansion: law.flag("expansion")?,
        };
        if let Some(fault) = options.faults.iter().find(|fault| self.concerns_finite_size(fault))
            && !options.finite_size
        {
            let rule = format!("{fault} changes the law at finite size, and nothing predicts it");
            let issue = Issue::general("law.finite_size", rule);
            self.issues.push(issue.help("add finite_size = true to [law], or --set law.finite_size=true"));
        }
        if let Some(Some(settings)) = &simulation_settings {
            self.check_method(root, &problem, settings);
        }
        let needs_starts = options.enabled && options.start == LawStart::Replica;
        let needs_sizes = options.enabled && !needs_starts && problem.law_needs_size();
        let simulation = match simulation_settings? {
            None => None,
            Some(settings) => {
                let runs = settings.flag("enabled")?;
                let sizes = settings.counts("sizes")?;
                let replicas = self.replicas(root, &settings, sizes.len())?;
                if runs || needs_starts {
                    self.check_sizes(root, &sizes, problem.smallest_size());
                }
                let options = SimulationOptions {
                    method: Method::from_name(settings.text("method")?)?,
                    replicas: if runs || needs_starts { replicas } else { vec![0; sizes.len()] },
                    sizes,
                    seed: settings.count("seed")? as u64,
                    starts_only: !runs,
                };
                (runs || needs_starts || needs_sizes).then_some(options)
            }
        };
        if needs_starts && simulation.is_none() {
            let at = root.table("law").and_then(|law| law.get("start")).map(|node| &node.at);
            let rule = "needs the starts of simulated replicas, and there is no [simulation]";
            let issue = match at {
                Some(at) => Issue::value(at, "law.start", rule),
                None => Issue::general("law.start", rule),
            };
            self.issues
                .push(issue.help("add [simulation] with sizes, replicas and seed, or state the start"));
        }
        let law_problem = law_problem?;
        (self.issues.len() == before).then_some(Case {
            series: 0,
            sweep: None,
            problem,
            values,
            law_problem,
            observe,
            law: options,
            simulation,
        })
    }

    fn absorb(&mut self, mut checker: Checker) {
        self.issues.append(&mut checker.issues);
        self.used.append(&mut checker.used);
    }

    /// `None`: wrong. `Some(None)`: absent, and it may be; a section that `stands` is then read as empty.
    fn section(
        &mut self,
        root: &Table,
        name: &str,
        parameters: &'static [Parameter],
        values: &[(String, f64)],
        stands: bool,
    ) -> Option<Option<Settings>> {
        let empty = Table::default();
        let node = root.get(name);
        let (table, at) = match node {
            None if stands => (&empty, None),
            None => return Some(None),
            Some(node) => match node.as_table() {
                Some(table) => (table, Some(&node.at)),
                None => {
                    let rule = format!("must be a section, found {}", node.found());
                    let help = format!("write [{name}] and its keys below");
                    self.issues.push(Issue::value(&node.at, name, rule).help(help));
                    return None;
                }
            },
        };
        let mut checker = Checker::new(Scope { free: values, problem: None });
        let settings = checker.keys(table, at, name, parameters, &[]);
        self.absorb(checker);
        settings.map(Some)
    }

    fn observe(&mut self, root: &Table, values: &[(String, f64)]) -> Option<Observe> {
        let settings = self.section(root, "observe", OBSERVE, values, true)??;
        let times = settings.vector("times", 1)?;
        let average_from = settings.number("average_from");
        if let (Some(from), Some(&last)) = (average_from, times.last())
            && from > last
        {
            let at = root.table("observe")?.get("average_from").map(|node| node.at.clone())?;
            let rule = format!("lies after the last time, {last}");
            self.issues.push(Issue::value(&at, "observe.average_from", rule));
        }
        Some(Observe {
            observables: settings.texts("observables").unwrap_or_default().to_vec(),
            times,
            risk: match settings.text("risk") {
                Some("test-set") => Risk::TestSet,
                _ => Risk::Overlaps,
            },
            test_samples: settings.count("test_samples")?,
            average_from,
        })
    }

    /// Rules between the law and the problem.
    fn check_law(&mut self, root: &Table, problem: &Problem, law: &Settings) {
        if law.flag("enabled") == Some(false) {
            return;
        }
        let section = root.entry("law");
        let stated = |key: &str| section.and_then(|entry| entry.node.as_table()?.get(key));
        let at = |key: &str, rule: &str| match (stated(key), section) {
            (Some(node), _) => Issue::value(&node.at, join("law", key), rule),
            (None, Some(section)) => Issue::key(&section.node.at, join("law", key), rule),
            (None, None) => Issue::general(join("law", key), rule),
        };
        if let Some(reason) = problem.uncovered() {
            let help = "set law.enabled = false, for the series concerned or for all";
            self.issues.push(at("enabled", &reason).help(help));
            return;
        }
        let Some(start) = law.text("start") else {
            let help = "add to [law] start = \"replica\" (each replica's measured start), \"given\" (overlaps \
                        stated in the problem) or \"limit\" (limit of a random start)";
            let issue = match section {
                Some(entry) => Issue::key(&entry.node.at, "law.start", "missing key"),
                None => Issue::general("law.start", "missing key"),
            };
            self.issues.push(issue.help(help));
            return;
        };
        let finite_size = law.flag("finite_size") == Some(true);
        if law.flag("expansion") == Some(true) && !(finite_size && self.concerns_finite_size(EXPANSION)) {
            let rule = "concerns a law at finite size that has another form than the plain expansion";
            let help = "set finite_size = true, and expansion = false for this kind of problem";
            self.issues.push(at("expansion", rule).help(help));
        }
        if finite_size && start == "replica" {
            let rule = "one prediction is made for all runs of a size, so it cannot start from each of them";
            let help = "use law.start = \"given\" or \"limit\" with finite_size = true";
            self.issues.push(at("finite_size", rule).help(help));
        } else if finite_size && let Some(reason) = problem.finite_size_uncovered() {
            self.issues.push(at("finite_size", &reason).help("set law.finite_size = false"));
        }
        if start == "given" && !problem.states_start() {
            let help = "give problem.init = { kind = \"given\", ... }, or use law.start = \"replica\"";
            self.issues.push(at("start", "the problem starts at random and states no overlaps").help(help));
        } else if start != "replica"
            && !finite_size
            && let Some(reason) = problem.limit_start_warning()
        {
            self.issues.push(at("start", "no finite run follows the law from this start").help(reason));
        }
    }

    /// Replicas at each size: one number for all of them or a list of as many.
    fn replicas(&mut self, root: &Table, simulation: &Settings, sizes: usize) -> Option<Vec<usize>> {
        let list = simulation.counts("replicas")?;
        match list.len() {
            1 => Some(vec![list[0]; sizes]),
            n if n == sizes => Some(list),
            n => {
                let node = root.table("simulation").and_then(|section| section.get("replicas"))?;
                let rule = format!("has {n} entries where there are {sizes} sizes");
                let issue = Issue::value(&node.at, "simulation.replicas", rule);
                self.issues.push(issue.help("give one number for all sizes, or one for each"));
                None
            }
        }
    }

    /// Sizes from the smallest on that a run can have.
    fn check_sizes(&mut self, root: &Table, sizes: &[usize], smallest: usize) {
        let Some(node) = root.table("simulation").and_then(|section| section.get("sizes")) else { return };
        for (i, size) in sizes.iter().enumerate().filter(|(_, size)| **size < smallest) {
            let at = node.items().get(i).map_or(&node.at, |item| &item.at);
            let rule = format!("size {size} is too small for this problem: sizes start at {smallest}");
            self.issues.push(
                Issue::value(at, "simulation.sizes", rule).help("leave it out, or choose a larger one"),
            );
        }
    }

    /// The problem must have the wanted method of simulation.
    fn check_method(&mut self, root: &Table, problem: &Problem, simulation: &Settings) {
        let method = simulation.text("method").and_then(Method::from_name);
        let Some(reason) = method.and_then(|method| problem.method_uncovered(method)) else { return };
        let section = root.table("simulation");
        let issue = match section.and_then(|section| section.get("method")) {
            Some(node) => Issue::value(&node.at, "simulation.method", reason),
            None => Issue::general("simulation.method", reason),
        };
        self.issues.push(issue.help("use method = \"direct\""));
    }

    /// Leaves of the idle keys those that are idle in this case too.
    fn keep_idle(&mut self, root: &Table, problem: &Problem) {
        let mut here: Vec<(String, &'static str)> =
            problem.idle_keys().into_iter().map(|(key, reason)| (join("problem", key), reason)).collect();
        if !problem.draws_test_sets() {
            let reason = "a simulation of this kind reads its risks from its own state";
            here.extend(["risk", "test_samples"].map(|key| (join("observe", key), reason)));
        }
        match &mut self.idle {
            Some(idle) => idle.retain(|one| here.iter().any(|(path, _)| *path == one.path)),
            None => {
                let stated = here.into_iter().filter_map(|(path, reason)| {
                    let at = root.at(&path)?.at.clone();
                    Some(Idle { path, reason, at })
                });
                self.idle = Some(stated.collect());
            }
        }
    }

    /// Rules that the problem checked, at the keys that they concern.
    fn violations(&mut self, broken: &[Violation], table: &Table, section: &At) {
        for violation in broken {
            let at = table.deepest(&violation.key).map_or(section, |node| &node.at);
            let path = join("problem", &violation.key);
            self.issues.push(Issue::key(at, path, &violation.rule).help(&violation.remedy));
        }
    }

    fn concerns_finite_size(&self, fault: &str) -> bool {
        self.kind.finite_size_faults.iter().any(|(name, _)| *name == fault)
    }

    fn structural(&self) -> Vec<String> {
        let name = |fault: &Fault| match fault {
            Fault::Structural(name) => Some(name.clone()),
            Fault::Affine { .. } => None,
        };
        self.faults.iter().filter_map(name).collect()
    }

    /// The problem with the planted faults.
    fn faulty(&mut self, problem: &Problem, settings: &Settings) -> Option<Problem> {
        let mut changed = settings.clone();
        let mut last = None;
        for fault in self.faults {
            let Fault::Affine { key, factor, shift, at } = fault else { continue };
            if let Err(issue) = plant(&mut changed, self.kind.parameters, key, *factor, *shift, at) {
                self.issues.push(issue);
                return None;
            }
            last = Some(at);
        }
        let Some(at) = last else { return Some(problem.clone()) };
        Problem::fit_settings(self.kind.kind, &mut changed);
        Problem::from_settings(self.kind.kind, &changed)
            .map_err(|broken| {
                for violation in broken {
                    let path = join("problem", &violation.key);
                    self.issues.push(Issue::key(at, path, violation.rule).help(violation.remedy));
                }
            })
            .ok()
    }
}

/// The numeric keys of checked settings, with dots for those of tables.
fn numbers(settings: &Settings, prefix: &str, values: &mut Vec<(String, f64)>) {
    for (key, value) in &settings.0 {
        let name = format!("{prefix}{key}");
        match value {
            Value::Number(x) => values.push((name, *x)),
            Value::Count(n) => values.push((name, *n as f64)),
            Value::Tagged(_, inner) => numbers(inner, &format!("{name}."), values),
            _ => {}
        }
    }
}
