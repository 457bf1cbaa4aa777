//! Several numbers or texts: lists, matrices, ranges, and grids that stand for a list.

use super::{Checker, join};
use crate::problem::spec::{Range, Value};
use crate::scenario::message::Issue;
use crate::scenario::raw::{At, Node, Raw};
use crate::scenario::sections::GRID;

impl Checker<'_> {
    pub fn numbers(&mut self, node: &Node, path: &str, range: Range) -> Option<Vec<f64>> {
        let items = node.items().iter().enumerate();
        let read: Vec<Option<f64>> =
            items.map(|(i, item)| self.number(item, &format!("{path}[{i}]"), range)).collect();
        read.into_iter().collect()
    }

    pub(super) fn matrix(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let Raw::List(rows) = &node.raw else {
            return self.wrong(node, path, "a list of rows", example);
        };
        let mut matrix = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let row_path = format!("{path}[{i}]");
            match &row.raw {
                Raw::List(_) => matrix.push(self.numbers(row, &row_path, Range::Any)),
                _ => return self.wrong(row, &row_path, "a row of numbers", example),
            }
        }
        let matrix: Vec<Vec<f64>> = matrix.into_iter().collect::<Option<_>>()?;
        let width = matrix.first().map_or(0, Vec::len);
        if let Some(i) = matrix.iter().position(|row| row.len() != width || width == 0) {
            let rule = format!("has length {} where the first row has length {width}", matrix[i].len());
            self.issues.push(Issue::value(&rows[i].at, format!("{path}[{i}]"), rule).help(example));
            return None;
        }
        if matrix.is_empty() {
            self.issues.push(Issue::value(&node.at, path, "has no rows").help(example));
            return None;
        }
        Some(Value::Matrix(matrix))
    }

    pub(super) fn counts(
        &mut self,
        node: &Node,
        path: &str,
        min: u64,
        distinct: bool,
        example: String,
    ) -> Option<Value> {
        let items = node.items();
        if items.is_empty() {
            let rule = "must hold at least one integer";
            self.issues.push(Issue::value(&node.at, path, rule).help(example));
            return None;
        }
        let listed = matches!(node.raw, Raw::List(_));
        let mut list = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = if listed { format!("{path}[{i}]") } else { path.to_string() };
            let n = self.count(item, &path, min, u64::MAX)?;
            if distinct && list.contains(&n) {
                self.issues.push(Issue::value(&item.at, path, "is listed twice"));
                return None;
            }
            list.push(n);
        }
        Some(Value::Counts(list))
    }

    pub(super) fn texts(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let mut list = Vec::new();
        for item in node.items() {
            match item.as_text() {
                Some(text) => list.push(text.to_string()),
                None => return self.wrong(item, path, "text or a list of texts", example),
            }
        }
        Some(Value::Texts(list))
    }

    pub(super) fn labels(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let mut list = Vec::new();
        for item in node.items() {
            match &item.raw {
                Raw::Text(label) => list.push(label.clone()),
                Raw::Integer(position) => list.push(position.to_string()),
                _ => return self.wrong(item, path, "labels or positions of series", example),
            }
        }
        Some(Value::Texts(list))
    }

    pub(super) fn interval(&mut self, node: &Node, path: &str) -> Option<(f64, f64)> {
        let Raw::List(items) = &node.raw else {
            return self.wrong(node, path, "two numbers", "for example [0.1, 100.0]".into());
        };
        let ends = self.numbers(node, path, Range::Any)?;
        match (ends.as_slice(), items.len()) {
            (&[a, b], 2) if a < b => Some((a, b)),
            _ => {
                let rule = "must be two numbers, the smaller one first";
                self.issues.push(Issue::value(&node.at, path, rule).help("for example [0.1, 100.0]"));
                None
            }
        }
    }

    pub(super) fn intervals(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let Raw::List(items) = &node.raw else {
            return self.wrong(node, path, "a list of ranges", example);
        };
        let read: Vec<_> =
            items.iter().enumerate().map(|(i, item)| self.interval(item, &format!("{path}[{i}]"))).collect();
        read.into_iter().collect::<Option<_>>().map(Value::Intervals)
    }

    pub(super) fn times(&mut self, node: &Node, path: &str, example: String) -> Option<Value> {
        let times = match &node.raw {
            Raw::Table(_) | Raw::List(_) => self.values(node, path)?,
            _ => return self.wrong(node, path, "a list of numbers or a grid", example),
        };
        if times.is_empty() {
            self.issues.push(Issue::value(&node.at, path, "holds no time").help(example));
            return None;
        }
        for (i, (t, at)) in times.iter().enumerate() {
            let item = if at.text() == node.at.text() { path.to_string() } else { format!("{path}[{i}]") };
            if *t < 0.0 {
                self.issues.push(Issue::value(at, item, "times must be >= 0"));
                return None;
            }
            if i > 0 && times[i - 1].0 >= *t {
                let rule = format!("times must ascend, {t} follows {}", times[i - 1].0);
                self.issues.push(Issue::value(at, item, rule));
                return None;
            }
        }
        Some(Value::Vector(times.into_iter().map(|(t, _)| t).collect()))
    }

    /// Numbers as a list or as a grid, each with its place.
    pub fn values(&mut self, node: &Node, path: &str) -> Option<Vec<(f64, At)>> {
        let Some(table) = node.as_table() else {
            let numbers = self.numbers(node, path, Range::Any)?;
            return Some(numbers.into_iter().zip(node.items().iter().map(|item| item.at.clone())).collect());
        };
        let settings = self.section(table, &node.at, path, GRID)?;
        let number = |key| settings.number(key).unwrap_or(f64::NAN);
        let (from, to, points) = (number("from"), number("to"), settings.count("points").unwrap_or(2));
        let log = settings.text("spacing") == Some("log");
        let broken = if from >= to {
            Some(("to", format!("must be larger than from = {from}")))
        } else if log && from <= 0.0 {
            Some(("from", "must be > 0 with spacing = \"log\"".to_string()))
        } else {
            None
        };
        if let Some((key, rule)) = broken {
            let node = table.get(key).unwrap_or(node);
            let issue = Issue::value(&node.at, join(path, key), rule);
            self.issues.push(match key {
                "from" => issue.help("start above 0 and add include_zero = true if time 0 is wanted"),
                _ => issue,
            });
            return None;
        }
        let mut grid: Vec<f64> = (0..points)
            .map(|i| match i as f64 / (points - 1) as f64 {
                0.0 => from,
                1.0 => to,
                part if log => libm::exp(libm::log(from) + part * (libm::log(to) - libm::log(from))),
                part => from + part * (to - from),
            })
            .collect();
        if settings.flag("include_zero") == Some(true) {
            grid.insert(0, 0.0);
        }
        if settings.flag("integer") == Some(true) {
            grid.iter_mut().for_each(|x| *x = x.round());
            grid.dedup();
        }
        Some(grid.into_iter().map(|x| (x, node.at.clone())).collect())
    }
}
