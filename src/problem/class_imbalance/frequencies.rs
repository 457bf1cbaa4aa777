//! How often every class occurs.

use super::DECLARED;
use crate::problem::spec::{Settings, Violation};

/// The frequencies pi_k as they are stated.
#[derive(Clone, Debug, PartialEq)]
pub enum Frequencies {
    /// pi_k ~ k^-exponent.
    PowerLaw { classes: usize, exponent: f64 },
    /// As stated; with more `classes` than values, the rest of the mass is shared equally by the others.
    List { values: Vec<f64>, classes: Option<usize> },
    /// Group i = 0 .. count - 1 holds 2^i classes of 2^(count - i) samples each: every group has the same mass.
    Groups { count: usize },
}

/// Samples of every class of `count` groups.
pub(super) fn group_counts(count: usize) -> Vec<usize> {
    (0..count).flat_map(|i| std::iter::repeat_n(1 << (count - i), 1 << i)).collect()
}

/// The frequencies and the shares pi_k, descending, that follow from them.
pub(super) fn read(settings: &Settings, broken: &mut Vec<Violation>) -> (Frequencies, Vec<f64>) {
    let (kind, keys) = settings.tagged("frequencies").expect(DECLARED);
    let normalised = |list: Vec<f64>| {
        let total: f64 = list.iter().sum();
        list.into_iter().map(|x| x / total).collect()
    };
    match kind {
        "list" => {
            let values = keys.vector("values", 1).expect(DECLARED);
            let classes = keys.count("classes");
            let shares = stated(&values, classes, broken);
            (Frequencies::List { values, classes }, shares)
        }
        "groups" => {
            let count = keys.count("count").expect(DECLARED);
            let shares = normalised(group_counts(count).into_iter().map(|n| n as f64).collect());
            (Frequencies::Groups { count }, shares)
        }
        _ => {
            let classes = keys.count("classes").expect(DECLARED);
            let exponent = keys.number("exponent").expect(DECLARED);
            let shares = (1..=classes).map(|k| libm::pow(k as f64, -exponent)).collect();
            (Frequencies::PowerLaw { classes, exponent }, normalised(shares))
        }
    }
}

fn stated(values: &[f64], classes: Option<usize>, broken: &mut Vec<Violation>) -> Vec<f64> {
    let total: f64 = values.iter().sum();
    let others = classes.map_or(0, |c| c.saturating_sub(values.len()));
    let mut refuse = |key: &str, rule: String, remedy: &str| {
        broken.push(Violation::new(format!("frequencies.{key}"), rule, remedy));
    };
    if values.is_empty() {
        refuse("values", "is empty".into(), "give at least one frequency");
    }
    if let Some(c) = classes.filter(|&c| c < values.len()) {
        refuse(
            "classes",
            format!("is {c}, and {} frequencies are given", values.len()),
            "leave out classes, or give it a number above that of the values",
        );
    }
    if values.len() + others < 2 {
        refuse("values", "make one class".into(), "a classifier needs two: give more values or classes");
    }
    let mut shares = values.to_vec();
    if others > 0 {
        let left = 1.0 - total;
        if left <= 0.0 {
            let rule = format!("sum to {total} and leave nothing for {others} further classes");
            refuse("values", rule, "give values that sum to less than 1, or leave out classes");
        }
        shares.extend(std::iter::repeat_n(left / others as f64, others));
    } else {
        shares.iter_mut().for_each(|x| *x /= total);
    }
    // Classes are numbered by frequency.
    shares.sort_by(|a, b| b.total_cmp(a));
    shares
}

/// The group of every class and their number: the stated groups, or at most `wanted` groups of about equal mass, a
/// class belonging where the middle of its share lies; groups without a class are left out.
pub(super) fn grouped(frequencies: &Frequencies, shares: &[f64], wanted: usize) -> (Vec<usize>, usize) {
    if let Frequencies::Groups { count } = *frequencies {
        return ((0..count).flat_map(|i| std::iter::repeat_n(i, 1 << i)).collect(), count);
    }
    let mut below = 0.0;
    let places = shares.iter().map(|pi| {
        let place = (below + 0.5 * pi) * wanted as f64;
        below += pi;
        (place as usize).min(wanted - 1)
    });
    let mut group_of: Vec<usize> = places.collect();
    let mut names = group_of.clone();
    names.dedup();
    for group in &mut group_of {
        *group = names.partition_point(|name| name < group);
    }
    (group_of, names.len())
}
