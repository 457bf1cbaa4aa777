//! Asymptotic formulas of the panels, evaluated for their cases.

use crate::report::record::Formula;
use crate::scenario::{Case, CurvesPanel, Panel, Scenario};
use crate::theory::{self, LawError};

/// The value of a formula for a case. Formulas that know the size take the largest one that the panel shows.
pub(super) fn value(case: &Case, panel: &CurvesPanel, name: &str) -> Result<f64, LawError> {
    theory::overlay_at(&case.law_problem, size(case, panel), name)
}

fn size(case: &Case, panel: &CurvesPanel) -> usize {
    let shown = |size: &usize| panel.sizes.as_ref().is_none_or(|sizes| sizes.contains(size));
    let sizes = case.simulation.iter().flat_map(|simulation| &simulation.sizes);
    sizes.copied().filter(shown).max().unwrap_or(0)
}

/// All formulas that the scenario draws, for the record: each once for every case and size.
pub(super) fn all(scenario: &Scenario) -> Vec<Formula> {
    let mut list: Vec<Formula> = Vec::new();
    for panel in &scenario.panels {
        let Panel::Curves(panel) = panel else { continue };
        let shown = |case: &&Case| panel.series.contains(&case.series);
        for (name, case) in
            panel.overlays.iter().flat_map(|name| scenario.cases.iter().filter(shown).map(move |c| (name, c)))
        {
            let (value, refused) = match value(case, panel, name) {
                Ok(value) => (Some(value).filter(|value| value.is_finite()), None),
                Err(error) => (None, Some(error.to_string())),
            };
            let formula = Formula {
                name: name.clone(),
                series: scenario.series[case.series].clone(),
                swept: case.sweep.map(|(_, x)| x),
                size: size(case, panel),
                value,
                refused,
            };
            if !list.contains(&formula) {
                list.push(formula);
            }
        }
    }
    list
}
