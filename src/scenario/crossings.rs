//! Panels of passages against size: levels, fitted powers and their factors.

use super::check::join;
use super::expression::Expression;
use super::message::Issue;
use super::panels::Stage;
use super::raw::{Node, Table};
use super::resolved::{CrossingsPanel, PowersAgainst};
use crate::problem::spec::Settings;

impl Stage<'_> {
    pub(super) fn crossings(
        &mut self,
        settings: &Settings,
        table: &Table,
        node: &Node,
        path: &str,
    ) -> Option<CrossingsPanel> {
        let before = self.issues.len();
        let names = [settings.text("y")?.to_string()];
        let mut entries = self.expand(&names, table.get("y"), &join(path, "y"));
        let at = table.get("y").map_or(&node.at, |y| &y.at);
        if entries.len() > 1 {
            let issue = Issue::value(at, join(path, "y"), "stands for several observables");
            self.issues.push(issue.help(format!("choose one, as {:?}", entries[0])));
        }
        if self.sweep.is_some() {
            let issue =
                Issue::key(&node.at, path, "a curve passes a level in time, and this scenario sweeps");
            self.issues.push(issue.help("use [series] in place of [sweep]"));
        }
        let x = self.formula(settings, table, path, "x");
        let y_divided_by = self.formula(settings, table, path, "divide_y_by").unwrap_or_default();
        let series = self.positions(settings, table, path)?;
        let x = x.unwrap_or_else(|| "time".into());
        let y_label = settings.text("y_label").map(str::to_string).unwrap_or_else(|| {
            if y_divided_by.is_empty() { x.clone() } else { format!("{x} / ({y_divided_by})") }
        });
        let factors = self.factors(settings, table, path, series.len());
        let powers = self.powers_against(settings, table, path, series.len());
        let panel = CrossingsPanel {
            title: settings.text("title")?.to_string(),
            y: entries.pop()?,
            levels: settings.vector("level", 1)?,
            x,
            y_divided_by,
            y_label,
            log_y: settings.text("scale") != Some("log-linear"),
            series,
            fit: settings.flag("fit")?,
            factors,
            powers,
        };
        (self.issues.len() == before).then_some(panel)
    }

    /// One formula for each of `count` series; none at all if the key is absent.
    fn factors(&mut self, settings: &Settings, table: &Table, path: &str, count: usize) -> Vec<String> {
        let (Some(texts), Some(node)) = (settings.texts("factor"), table.get("factor")) else {
            return Vec::new();
        };
        let path = join(path, "factor");
        if texts.len() != count {
            let rule = format!("has {} formulas for {count} series", texts.len());
            self.issues
                .push(Issue::value(&node.at, &path, rule).help("give one formula for each series shown"));
        }
        for text in texts {
            let known = |name: &str| name != "time" && self.names.iter().any(|known| known == name);
            let problem = match Expression::parse(text) {
                Err(error) => Some(error.to_string()),
                Ok(formula) => {
                    let mut unknown = formula.variables().into_iter().filter(|(name, _)| !known(name));
                    unknown.next().map(|(name, _)| format!("unknown name {name}"))
                }
            };
            if let Some(rule) = problem.filter(|_| !self.cases.is_empty()) {
                let help = "a formula over size and numeric keys of the problem, as \"log(size)\"";
                self.issues.push(Issue::value(&node.at, &path, rule).help(help));
            }
        }
        texts.to_vec()
    }

    /// Orders and expected powers of `count` series.
    fn powers_against(
        &mut self,
        settings: &Settings,
        table: &Table,
        path: &str,
        count: usize,
    ) -> Option<PowersAgainst> {
        let (order, expected) = (settings.vector("order", count), settings.vector("expected", count));
        for (key, other, list, partner) in
            [("order", "expected", &order, &expected), ("expected", "order", &expected, &order)]
        {
            let (Some(list), Some(node)) = (list, table.get(key)) else { continue };
            if partner.is_none() {
                let rule = format!("needs {other} beside it");
                self.issues.push(Issue::key(&node.at, join(path, key), rule).help("give both, or none"));
            } else if list.len() != count {
                let rule = format!("has {} numbers for {count} series", list.len());
                let issue = Issue::value(&node.at, join(path, key), rule);
                self.issues.push(issue.help("give one number for each series shown"));
            }
        }
        let x_label = settings.text("x_label").unwrap_or("order").to_string();
        Some(PowersAgainst { order: order?, expected: expected?, x_label })
    }
}
