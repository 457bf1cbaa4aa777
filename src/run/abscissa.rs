//! What a panel computes from the keys of each case: its x, and the unit of its y.

use crate::scenario::{Case, Expression, Scenario};

/// The x of a panel and the unit of its y, as expressions over the keys of each case.
pub(super) struct Abscissa<'a> {
    scenario: &'a Scenario,
    x: Option<Expression>,
    divisor: Option<Expression>,
}

impl<'a> Abscissa<'a> {
    pub fn new(scenario: &'a Scenario, x: &str, divisor: &str) -> Self {
        let plain = x == "time" || scenario.sweep.as_ref().is_some_and(|s| s.key == x || s.name() == x);
        let parse = |text: &str| Expression::parse(text).ok();
        Self {
            scenario,
            x: if plain { None } else { parse(x) },
            divisor: if divisor.is_empty() { None } else { parse(divisor) },
        }
    }

    /// Time or the swept value itself.
    pub fn is_plain(&self) -> bool {
        self.x.is_none()
    }

    fn case(&self, series: usize, x: f64) -> Option<&Case> {
        self.scenario
            .cases
            .iter()
            .find(|case| case.series == series && case.sweep.is_none_or(|(_, value)| value == x))
    }

    pub fn evaluate(&self, expression: &Expression, series: usize, size: Option<usize>, x: f64) -> f64 {
        let case = self.case(series, x);
        let value = |name: &str| match name {
            "time" => Some(x),
            "size" => size.map(|n| n as f64),
            _ => case?.values.iter().find(|(key, _)| key == name).map(|(_, v)| *v),
        };
        expression.evaluate(&value).unwrap_or(f64::NAN)
    }

    pub fn x(&self, series: usize, size: Option<usize>, x: f64) -> f64 {
        self.x.as_ref().map_or(x, |expression| self.evaluate(expression, series, size, x))
    }

    pub fn unit(&self, series: usize, size: Option<usize>, x: f64) -> f64 {
        self.divisor.as_ref().map_or(1.0, |expression| self.evaluate(expression, series, size, x))
    }
}
