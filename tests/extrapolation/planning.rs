//! Plans that decide, and looks that keep their error.

use crate::world::{EXPECTED, SIZES, World, plausible, stream, terms};
use asymptotica::compare::{Cost, Group, Looks, Metric, NoPlan, Outcome, Plan, Terms, extrapolate, plan};
use statrs::distribution::{ContinuousCDF, Normal};

/// A law that is wrong by exactly the resolution, up along one half of the curve and down along the other: no
/// gap exceeds the resolution, and any confirmation or refutation is an error of the band.
fn at_the_resolution(groups: &mut [Group], resolution: f64) {
    let law = &groups[0].law[0];
    let range = law[law.len() - 1].unwrap() - law[0].unwrap();
    for row in groups.iter_mut().flat_map(|group| &mut group.simulation) {
        let half = row.len() / 2;
        for (p, value) in row.iter_mut().enumerate() {
            let sign = if p < half { 1.0 } else { -1.0 };
            *value = value.map(|v| v + sign * resolution * range);
        }
    }
}

/// Runs until decided, each look on everything simulated so far; true if it ends in a wrong verdict.
fn ends_wrong(groups: &[Group], looks: Looks, count: usize, fixed_level: bool, seed: u64) -> bool {
    (1..=count).any(|look| {
        let replicas = looks.replicas_of_look(look);
        let so_far: Vec<Group> = groups
            .iter()
            .map(|group| Group { simulation: group.simulation[..replicas].to_vec(), ..group.clone() })
            .collect();
        let plain = Terms { draws: 300, ..terms(Metric::Absolute, 0.05) };
        let terms = if fixed_level { plain } else { looks.terms_of_look(&plain, look) };
        let limit = extrapolate(&so_far, &terms, EXPECTED, &mut stream(seed + look as u64));
        limit.verdict.outcome != Outcome::Undecided
    })
}

#[test]
fn looking_repeatedly_keeps_the_error() {
    let (repetitions, count) = (200, 4);
    let looks = Looks { level: 0.95, first: 8 };
    let (mut spending, mut fixed) = (0, 0);
    let mut data = stream(80);
    for run in 0..repetitions {
        let replicas = looks.replicas_of_look(count);
        let mut groups = World { slope: 2.0, ..World::QUIET }.groups(&SIZES[..2], replicas, &mut data);
        groups.iter_mut().for_each(thin);
        at_the_resolution(&mut groups, 0.05);
        spending += u64::from(ends_wrong(&groups, looks, count, false, 1000 * run));
        fixed += u64::from(ends_wrong(&groups, looks, count, true, 1000 * run));
    }
    println!("wrong of {repetitions}: {spending} with spending, {fixed} at a fixed level");
    assert!(spending <= *plausible(0.05, repetitions).end(), "{spending}");
    assert!(fixed >= 2 * spending, "looking four times at 95 % errs more often: {fixed}");
}

/// Every fifth point, for speed.
fn thin(group: &mut Group) {
    let keep = |row: &mut Vec<Option<f64>>| *row = row.iter().copied().step_by(5).collect();
    group.simulation.iter_mut().for_each(keep);
    group.law.iter_mut().for_each(keep);
    group.x = group.x.iter().copied().step_by(5).collect();
    group.law_error.truncate(group.x.len());
}

#[test]
fn the_error_of_all_looks_adds_up_to_the_level() {
    let looks = Looks { level: 0.95, first: 8 };
    let spent: f64 = (1..=100).map(|look| 1.0 - looks.level_of_look(look)).sum();
    assert!((spent - 0.05 * 100.0 / 101.0).abs() < 1e-12);
    let quantile = |look: usize| Normal::standard().inverse_cdf(0.5 * (1.0 + looks.level_of_look(look)));
    let single = Normal::standard().inverse_cdf(0.975);
    assert!((quantile(3) / single - 1.46).abs() < 5e-3 && (quantile(10) / single - 1.79).abs() < 5e-3);
    let terms = looks.terms_of_look(&terms(Metric::Absolute, 0.05), 6);
    assert!(terms.draws as f64 * (1.0 - terms.level) >= 20.0);
    assert_eq!(looks.replicas_of_look(6), 256);
}

/// Seconds per replica as size^power.
fn costs(sizes: &[usize], power: f64) -> Vec<Cost> {
    let seconds = |size: usize| 1e-3 * (size as f64 / 100.0).powf(power);
    sizes.iter().map(|&size| Cost { size, seconds: seconds(size) }).collect()
}

fn planned(world: World, candidates: &[usize], power: f64) -> Result<Plan, NoPlan> {
    let pilot = world.groups(&[100, 400], 40, &mut stream(81));
    let terms = terms(Metric::Absolute, 0.05);
    plan(&pilot, &costs(&[100, 400], power), candidates, &terms, EXPECTED, &mut stream(82))
}

const NOISY: World = World { limit: 0.0, slope: 3.0, curvature: 0.0, noise: 1.0 };

/// The planned ensembles, simulated: right laws are confirmed and clearly wrong ones refuted.
#[test]
fn a_plan_decides_as_often_as_it_says() {
    let (repetitions, plan) = (60, planned(NOISY, &[100, 200, 400, 800], 1.0).unwrap());
    println!("{}", plan.sentence(2));
    let mut data = stream(83);
    for (limit, outcome) in [(0.0, Outcome::Confirmed), (0.1, Outcome::Refuted)] {
        let mut decided = 0;
        for seed in 0..repetitions {
            let sized = plan.allocations.iter().enumerate();
            let groups: Vec<Group> = sized
                .map(|(run, a)| World { limit, ..NOISY }.group(a.size, run, a.replicas, &mut data))
                .collect();
            let terms = Terms { draws: 300, ..terms(Metric::Absolute, 0.05) };
            let limit = extrapolate(&groups, &terms, EXPECTED, &mut stream(seed));
            decided += u64::from(limit.verdict.outcome == outcome);
        }
        println!("{outcome:?} {decided} of {repetitions}");
        assert!(decided >= *plausible(0.95, repetitions).start(), "{outcome:?}: {decided} of {repetitions}");
    }
}

/// No other numbers of replicas at two of the sizes reach the same half width at the dearest point in less
/// time: the closed form of the allocation against an exhaustive search, with known spreads.
#[test]
fn the_allocation_is_the_cheapest() {
    let sizes = [100, 200, 400, 800];
    for power in [0.0, 1.0, 2.0, 3.0] {
        let plan = planned(NOISY, &sizes, power).unwrap();
        let form = plan.form_size.expect("a third size");
        let used: Vec<_> = plan.allocations.iter().filter(|a| a.size != form).collect();
        let variance = |n: f64, size: f64| NOISY.noise.powi(2) / size / n;
        let weights = |a: f64, b: f64| (a / (b - a), b / (b - a));
        let reached = |a: (f64, f64), b: (f64, f64)| {
            let (small, large) = weights(a.0, b.0);
            small * small * variance(a.1, a.0) + large * large * variance(b.1, b.0)
        };
        let seconds = |size: f64| 1e-3 * (size / 100.0).powf(power);
        let pair = [used[0], used[1]].map(|a| (a.size as f64, a.replicas as f64));
        let target = reached(pair[0], pair[1]);
        let spent = pair[0].1 * seconds(pair[0].0) + pair[1].1 * seconds(pair[1].0);
        let mut cheapest = f64::INFINITY;
        for (i, &a) in sizes.iter().enumerate() {
            for &b in &sizes[i + 1..] {
                let (a, b) = (a as f64, b as f64);
                for step in 1..400 {
                    // Share of the time at the smaller size; replicas scale until the target is reached.
                    let share = step as f64 / 400.0;
                    let (n, m) = (share / seconds(a), (1.0 - share) / seconds(b));
                    cheapest = cheapest.min(reached((a, n), (b, m)) / target);
                }
            }
        }
        println!("power {power}: {:?}, {spent:.3} s against {cheapest:.3} s", plan.allocations);
        // Spreads of the pilot are known to some percent only.
        assert!(spent < 1.1 * cheapest, "power {power}: {spent} {cheapest}");
    }
}

#[test]
fn plans_scale_with_the_resolution() {
    let plan = |resolution: f64| {
        let pilot = NOISY.groups(&[100, 400], 40, &mut stream(84));
        let terms = terms(Metric::Absolute, resolution);
        plan(&pilot, &costs(&[100, 400], 1.0), &SIZES, &terms, EXPECTED, &mut stream(85)).unwrap()
    };
    let (fine, coarse) = (plan(0.02), plan(0.04));
    let ratio = fine.seconds / coarse.seconds;
    assert!((ratio - 4.0).abs() < 0.15, "{ratio}");
    assert!((coarse.resolution_within(fine.seconds) - 0.02).abs() < 5e-4);
    assert!(fine.half_width <= 0.01 && fine.half_width > 0.0099, "{}", fine.half_width);
    let text = fine.sentence(2);
    assert!(text.starts_with("to decide at 2 %: ") && text.contains("on 2 threads"), "{text}");
}

#[test]
fn what_cannot_be_planned_has_its_reason() {
    assert_eq!(planned(NOISY, &[400], 1.0), Err(NoPlan::OneSize));
    let one_cost = |sizes: &[usize], pilot: &[Group]| {
        let costs = costs(sizes, 1.0);
        plan(pilot, &costs, &SIZES, &terms(Metric::Absolute, 0.05), EXPECTED, &mut stream(86))
    };
    let pilot = NOISY.groups(&[100, 400], 8, &mut stream(87));
    assert_eq!(one_cost(&[100], &pilot), Err(NoPlan::CostUnknown));
    assert_eq!(one_cost(&SIZES, &pilot[..1]), Err(NoPlan::NothingJoined));
    let still = World { noise: 0.0, ..NOISY }.groups(&[100, 400], 8, &mut stream(87));
    assert_eq!(one_cost(&SIZES, &still), Err(NoPlan::NoSpread));
    let mut rough = pilot.clone();
    rough.iter_mut().for_each(|group| group.law_error.fill(0.03));
    assert_eq!(one_cost(&SIZES, &rough), Err(NoPlan::LawError));
    assert!(NoPlan::LawError.to_string().contains("tolerance"));
}
