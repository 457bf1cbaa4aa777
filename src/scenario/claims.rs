//! Claims: which agreement is tested, and how fine.

use super::check::{Checker, join};
use super::message::Issue;
use super::panels::Stage;
use super::raw::{Node, Raw, Table};
use super::resolved::{About, Case, Claim, Limit, Metric};
use super::scope::Scope;
use super::sections::CLAIM;
use crate::problem::spec::Settings;

impl Stage<'_> {
    /// The claims; none if the simulation is switched off as a whole.
    pub fn claims(&mut self, root: &Table, switched_off: bool) -> Vec<Claim> {
        let Some(node) = root.get("claim") else { return Vec::new() };
        let numbered = matches!(node.raw, Raw::List(_));
        let mut claims = Vec::new();
        for (i, item) in node.items().iter().enumerate() {
            let path = if numbered { format!("claim[{i}]") } else { "claim".into() };
            let Some(table) = item.as_table() else {
                let help = "write [claim] and its keys below";
                self.issues.push(Issue::value(&item.at, path, "must be a table").help(help));
                continue;
            };
            let mut checker = Checker::new(Scope::EMPTY);
            let settings = checker.section(table, &item.at, &path, CLAIM);
            self.issues.append(&mut checker.issues);
            let claim = settings.and_then(|settings| self.claim(&settings, table, item, &path, switched_off));
            claims.extend(claim);
        }
        if switched_off { Vec::new() } else { claims }
    }

    fn claim(
        &mut self,
        settings: &Settings,
        table: &Table,
        node: &Node,
        path: &str,
        switched_off: bool,
    ) -> Option<Claim> {
        let before = self.issues.len();
        let names = settings.texts("observables")?;
        let observables = self.expand(names, table.get("observables"), &join(path, "observables"));
        if names.is_empty() {
            let at = table.get("observables").map_or(&node.at, |node| &node.at);
            self.issues.push(Issue::value(at, join(path, "observables"), "names no observable"));
        }
        let series = self.positions(settings, table, path)?;
        let limit = match settings.text("limit")? {
            "extrapolate" => Limit::Extrapolate,
            _ => Limit::AtSize,
        };
        if limit == Limit::Extrapolate {
            self.check_limit(table, path, &series);
        }
        let about = match settings.text("about")? {
            "mean" => About::Mean,
            "spread" => About::Spread,
            _ => About::Law,
        };
        if about != About::Law {
            if limit == Limit::Extrapolate
                && let Some(node) = table.get("limit")
            {
                let rule = "a prediction at finite size is tested at every size";
                let issue = Issue::value(&node.at, join(path, "limit"), rule);
                self.issues.push(issue.help("leave limit out, or set about = \"law\""));
            }
            let predicted = self
                .cases
                .iter()
                .filter(|case| series.contains(&case.series))
                .all(|case| case.law.finite_size);
            if !predicted && let Some(node) = table.get("about") {
                let rule = "nothing predicts it: law.finite_size is not set";
                let issue = Issue::value(&node.at, join(path, "about"), rule);
                self.issues.push(issue.help("add finite_size = true to [law]"));
            }
        }
        let tested = self.cases.iter().any(|case| series.contains(&case.series) && is_compared(case));
        if !tested && !switched_off && !self.cases.is_empty() {
            let rule = "no case has both a law and a simulation, so nothing can be tested";
            let help = "switch both on for the series of the claim, or remove the claim";
            self.issues.push(Issue::key(&node.at, path, rule).help(help));
        }
        let claim = Claim {
            about,
            observables,
            metric: match settings.text("metric")? {
                "relative" => Metric::Relative,
                _ => Metric::Absolute,
            },
            resolution: settings.number("resolution")?,
            limit,
            within: settings.intervals("within").unwrap_or_default().to_vec(),
            series,
        };
        (self.issues.len() == before).then_some(claim)
    }
}

/// Both roads run and can be held against each other.
pub(super) fn is_compared(case: &Case) -> bool {
    case.law.enabled && case.simulation.as_ref().is_some_and(|simulation| !simulation.starts_only)
}
