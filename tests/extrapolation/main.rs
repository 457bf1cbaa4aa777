//! The verdict in the limit, on ensembles whose approach to it is known.

mod calibration;
mod exponents;
mod planning;
mod world;

use asymptotica::compare::{
    Decides, Exponent, Exponents, Extrapolated, Finding, Group, LeftOut, Metric, Outcome, Scale, Terms,
    Unresolved, extrapolate, judge,
};
use world::{EXPECTED, POINTS, SIZES, World, absolute, covers, plausible, stream, terms};

#[test]
fn extrapolated_bands_cover_whole_curves_as_often_as_they_say() {
    let repetitions = 300;
    for n in [8, 16] {
        let world = World { limit: 0.013, slope: 3.0, ..World::QUIET };
        let (mut data, mut signs) = (stream(40 + n as u64), stream(140 + n as u64));
        let (mut covered, mut rejected) = (0, 0);
        for _ in 0..repetitions {
            let limit = absolute(&world.groups(&SIZES, n, &mut data), &mut signs);
            covered += u64::from(covers(&limit, 0.013));
            rejected += u64::from(limit.form.unwrap().fails());
        }
        println!("n = {n}: {covered} of {repetitions} covered, form rejected {rejected} times");
        assert!(plausible(0.95, repetitions).contains(&covered), "n = {n}: {covered}");
        assert!(rejected <= *plausible(0.01, repetitions).end(), "n = {n}: {rejected}");
    }
}

#[test]
fn a_right_law_at_too_small_sizes_is_refuted_at_each_and_confirmed_in_the_limit() {
    let world = World { slope: 60.0, noise: 0.05, ..World::QUIET };
    let groups = world.groups(&SIZES, 16, &mut stream(1));
    for group in &groups {
        let verdict = judge(std::slice::from_ref(group), &terms(Metric::Absolute, 0.05), &mut stream(2));
        assert_eq!(verdict.outcome, Outcome::Refuted, "size {}", group.size);
    }
    let limit = absolute(&groups, &mut stream(3));
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());
    assert_eq!((limit.sizes.as_slice(), limit.verdict.replicas), (&SIZES[..], 16));
    let text = limit.sentence();
    assert!(text.starts_with("confirmed in the limit: simulation and law agree within 5 %"), "{text}");
    assert!(text.contains("extrapolated from sizes 100..800 with at least 16 replicas each"), "{text}");
    let line = limit.headline();
    assert!(
        line.starts_with("confirmed  in the limit within 5 %: gap ") && line.contains("sizes 100..800"),
        "{line}"
    );
}

#[test]
fn a_wrong_law_is_refuted_from_any_sizes() {
    for (seed, sizes) in [(4, &SIZES[..2]), (5, &SIZES[..]), (6, &[1000, 100_000][..]), (7, &[20, 30, 40])] {
        for slope in [0.0, 3.0] {
            let world = World { limit: -0.1, slope, noise: 0.1, ..World::QUIET };
            let limit = absolute(&world.groups(sizes, 16, &mut stream(seed)), &mut stream(8));
            assert_eq!(limit.verdict.outcome, Outcome::Refuted, "{sizes:?}: {}", limit.sentence());
            let text = limit.sentence();
            assert!(text.starts_with("refuted in the limit: -"), "{text}");
        }
    }
}

#[test]
fn two_sizes_are_an_exact_line_and_say_that_its_form_is_untested() {
    let world = World { slope: 4.0, ..World::QUIET };
    let groups = world.groups(&[150, 450], 8, &mut stream(9));
    let limit = absolute(&groups, &mut stream(10));
    assert_eq!(limit.form, None);
    assert!(limit.verdict.findings.contains(&Finding::FormUntested));
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());
    let mean = |group: &Group, p: usize| group.differences()[p].unwrap().mean;
    for p in 0..POINTS {
        // z = 3 and 1 in some unit.
        let by_hand = (3.0 * mean(&groups[1], p) - mean(&groups[0], p)) / 2.0;
        assert!((limit.verdict.curves[0].residual[p] - by_hand).abs() < 1e-13);
    }
    let residual = &limit.approaches[0].at_sizes[1].residual;
    assert!((0..POINTS).all(|p| (residual[p] - mean(&groups[1], p)).abs() < 1e-13));
}

#[test]
fn the_stated_exponent_is_the_one_that_is_fitted() {
    let root = Exponents { bias: 0.5, fluctuation: 0.5 };
    let groups = World { noise: 1e-4, ..World::QUIET }.groups(&SIZES, 8, &mut stream(11));
    let shifted: Vec<Group> = groups
        .into_iter()
        .map(|mut group| {
            let shift = 3.0 / (group.size as f64).sqrt();
            group.simulation.iter_mut().flatten().for_each(|v| *v = v.map(|v| v + shift));
            group
        })
        .collect();
    let outcome = |expected| {
        let terms = terms(Metric::Absolute, 0.01);
        extrapolate(&shifted, &terms, expected, &mut stream(12)).verdict.outcome
    };
    assert_eq!(outcome(root), Outcome::Confirmed);
    assert_ne!(outcome(EXPECTED), Outcome::Confirmed);
}

/// A next term e / N^2 that the form neglects: confirmation is withheld, the law is not called refuted, and
/// leaving out the smallest sizes mends it, as the finding says.
#[test]
fn sizes_too_small_for_the_form_are_found() {
    let world = World { slope: 30.0, curvature: 3000.0, noise: 0.02, ..World::QUIET };
    let groups = world.groups(&[40, 80, 160, 2000, 4000, 8000], 16, &mut stream(13));
    let limit = absolute(&groups, &mut stream(14));
    let form = limit.form.as_ref().unwrap();
    assert!(form.fails() && form.degrees_of_freedom == 4, "{form:?}");
    assert_eq!(limit.verdict.outcome, Outcome::Undecided, "{}", limit.sentence());
    let found = |f: &Finding| matches!(f, Finding::FormFails { smallest: 40, .. });
    assert!(limit.verdict.findings.iter().any(found));
    assert!(limit.sentence().contains("leave out size 40"), "{}", limit.sentence());
    let limit = absolute(&groups[3..], &mut stream(14));
    assert!(!limit.form.as_ref().unwrap().fails());
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());

    let wrong = World { limit: 0.5, slope: 10.0, curvature: 300.0, noise: 0.02 };
    let limit = absolute(&wrong.groups(&SIZES, 16, &mut stream(15)), &mut stream(14));
    assert!(limit.form.as_ref().unwrap().fails());
    assert_eq!(limit.verdict.outcome, Outcome::Refuted, "{}", limit.sentence());
}

/// Replicas that differ by rounding alone show every departure from the form; one that moves the limit by a thousandth
/// of the resolution does not keep the claim from being confirmed.
#[test]
fn a_wrong_form_that_cannot_matter_is_a_remark() {
    let world = World { slope: 0.1, curvature: 1.0, noise: 1e-8, ..World::QUIET };
    let limit = absolute(&world.groups(&SIZES, 16, &mut stream(18)), &mut stream(14));
    assert!(limit.form.as_ref().unwrap().fails(), "{:?}", limit.form);
    let remark = |f: &Finding| matches!(f, Finding::FormFails { matters: false, .. });
    assert!(limit.verdict.findings.iter().any(remark));
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());
}

#[test]
fn one_size_cannot_be_extrapolated() {
    let limit = absolute(&World::QUIET.groups(&[300], 16, &mut stream(16)), &mut stream(17));
    assert_eq!((limit.verdict.outcome, limit.verdict.points), (Outcome::Undecided, 0));
    assert!(limit.verdict.findings.iter().any(|f| matches!(f, Finding::OneSize { size: 300, .. })));
    assert!(limit.sentence().contains("one size cannot be extrapolated"), "{}", limit.sentence());
    assert_eq!(limit.approaches[0].bias, Exponent::NotResolved { why: Unresolved::OneSize });
    assert!(!limit.approaches[0].at_sizes[0].residual.is_empty());
}

#[test]
fn nothing_to_compare_is_undecided_with_its_reason() {
    let groups = World::QUIET.groups(&SIZES, 8, &mut stream(18));
    let change = |change: &dyn Fn(&mut Group)| {
        let mut groups = groups.clone();
        groups.iter_mut().for_each(change);
        absolute(&groups, &mut stream(19))
    };
    let far = Terms { within: vec![(1e6, 1e7)], ..terms(Metric::Absolute, 0.05) };
    let cases = [
        (absolute(&[], &mut stream(19)), "no curve"),
        (change(&|group| group.law.clear()), "no law covers"),
        (change(&|group| group.simulation.clear()), "no replica was simulated"),
        (extrapolate(&groups, &far, EXPECTED, &mut stream(19)), "no point lies"),
    ];
    for (limit, reason) in cases {
        assert_eq!(limit.verdict.outcome, Outcome::Undecided);
        assert!(limit.sentence().contains(reason), "{reason}: {}", limit.sentence());
        assert!(limit.verdict.findings.len() == 1, "{:?}", limit.verdict.findings);
    }
}

#[test]
fn a_size_with_few_replicas_is_left_out_and_named() {
    let mut data = stream(20);
    let mut groups = World::QUIET.groups(&SIZES, 8, &mut data);
    groups.push(World::QUIET.group(1600, 4, 5, &mut data));
    groups.push(World::QUIET.group(3200, 5, 1, &mut data));
    let limit = absolute(&groups, &mut stream(21));
    assert_eq!(limit.sizes, SIZES);
    let few = |size: usize, replicas: usize| {
        let why = LeftOut::TooFewReplicas { replicas, needed: 6 };
        let left_out = Finding::SizeLeftOut { series: "K = 4".into(), size, why, smaller_than_kept: false };
        limit.verdict.findings.contains(&left_out)
    };
    assert!(few(1600, 5) && few(3200, 1), "{:?}", limit.verdict.findings);
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());
    assert!(limit.sentence().contains("size 1600 of K = 4 is left out"), "{}", limit.sentence());

    let short = absolute(&groups[3..], &mut stream(21));
    assert_eq!(short.verdict.outcome, Outcome::Undecided);
    assert!(short.verdict.findings.iter().any(|f| matches!(f, Finding::OneSize { size: 800, .. })));
    let none = absolute(&groups[4..], &mut stream(21));
    assert_eq!((none.verdict.outcome, none.verdict.points), (Outcome::Undecided, 0));
}

/// Without any spread, r_inf is exact; with three sizes, what the line misses is no noise and widens the band.
#[test]
fn observables_without_spread_are_extrapolated_without_statistics() {
    let groups =
        |world: World, sizes: &[usize]| World { noise: 0.0, ..world }.groups(sizes, 3, &mut stream(22));
    let right = World { slope: 8.0, ..World::QUIET };
    let limit = absolute(&groups(right, &SIZES), &mut stream(23));
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());
    assert_eq!((limit.verdict.critical_value, limit.form.clone()), (None, None));
    let (low, high) = limit.verdict.sup_gap.unwrap();
    assert!(0.0 <= low && high < 1e-12);
    assert_eq!(limit.approaches[0].fluctuation, Exponent::NotResolved { why: Unresolved::NoSpread });
    let Exponent::Resolved { value, std_error, .. } = limit.approaches[0].bias else {
        panic!("{:?}", limit.approaches[0].bias)
    };
    assert!((value + 1.0).abs() < 1e-12 && std_error < 1e-12, "{value} {std_error}");
    let two = absolute(&groups(right, &[100, 200]), &mut stream(23));
    assert_eq!(two.approaches[0].bias, Exponent::NotResolved { why: Unresolved::TwoExactSizes });

    let wrong = World { limit: 0.2, ..right };
    assert_eq!(absolute(&groups(wrong, &SIZES), &mut stream(23)).verdict.outcome, Outcome::Refuted);

    let curved = World { curvature: 1000.0, ..World::QUIET };
    let limit = absolute(&groups(curved, &[100, 200, 400]), &mut stream(23));
    let r = [100.0_f64, 200.0, 400.0].map(|n| 1000.0 / (n * n));
    let (r_inf, misfit) = line_by_hand(&[100.0, 200.0, 400.0], &r);
    let (low, high) = limit.verdict.curves[0].band.as_ref().unwrap()[7];
    assert!(misfit > 1e-3 && (0.5 * (low + high) - r_inf).abs() < 1e-12, "{r_inf} {low} {high}");
    assert!((0.5 * (high - low) - misfit).abs() < 1e-12);
}

/// r_inf and the misfits as its error, by the normal equations with weights N.
fn line_by_hand(sizes: &[f64], r: &[f64]) -> (f64, f64) {
    let z: Vec<f64> = sizes.iter().map(|n| 1.0 / n).collect();
    let moment = |power: i32| -> f64 { sizes.iter().zip(&z).map(|(n, z)| n * z.powi(power)).sum() };
    let det = moment(2) * moment(0) - moment(1).powi(2);
    let a: Vec<f64> = sizes.iter().zip(&z).map(|(n, z)| n * (moment(2) - moment(1) * z) / det).collect();
    let b: Vec<f64> = sizes.iter().zip(&z).map(|(n, z)| n * (moment(0) * z - moment(1)) / det).collect();
    let sum = |c: &[f64]| -> f64 { c.iter().zip(r).map(|(c, r)| c * r).sum() };
    let (limit, slope) = (sum(&a), sum(&b));
    (limit, (0..z.len()).map(|k| (a[k] * (r[k] - limit - slope * z[k])).abs()).sum())
}

/// A matched start (no spread at any size) beside noisy points, and an observable that happens to be equal in
/// all replicas of one size: there the spread of the other sizes is carried over.
#[test]
fn points_without_spread_at_some_sizes_have_defined_bands() {
    let world = World { slope: 2.0, ..World::QUIET };
    let groups = world.groups(&SIZES, 8, &mut stream(24));
    let plain = absolute(&groups, &mut stream(25));
    let mut started = groups.clone();
    for group in &mut started {
        group.x.insert(0, 0.0);
        group.law[0].insert(0, Some(1.5));
        group.law_error.insert(0, 0.0);
        group.simulation.iter_mut().for_each(|row| row.insert(0, Some(1.5)));
    }
    let limit = absolute(&started, &mut stream(25));
    assert_eq!(limit.verdict.critical_value, plain.verdict.critical_value);
    let band = limit.verdict.curves[0].band.as_ref().unwrap();
    assert_eq!(band[0], (0.0, 0.0));
    assert_eq!(band[1..], plain.verdict.curves[0].band.as_ref().unwrap()[..]);

    let mut frozen = groups.clone();
    let value = frozen[3].law[0][5].map(|law| law + world.mean(5, 800));
    frozen[3].simulation.iter_mut().for_each(|row| row[5] = value);
    let limit = absolute(&frozen, &mut stream(25));
    let half = |limit: &Extrapolated, p: usize| {
        let (low, high) = limit.verdict.curves[0].band.as_ref().unwrap()[p];
        0.5 * (high - low)
    };
    let ratio = half(&limit, 5) / half(&plain, 5);
    assert!(0.5 < ratio && ratio < 2.5, "{ratio}");
}

#[test]
fn the_laws_error_enters_through_the_weights() {
    let exact = World { slope: 2.0, ..World::QUIET }.groups(&[100, 300], 8, &mut stream(26));
    let mut rough = exact.clone();
    let errors = [2e-4, 5e-4];
    for (group, error) in rough.iter_mut().zip(errors) {
        group.law_error.fill(error);
    }
    let (exact, rough) = (absolute(&exact, &mut stream(27)), absolute(&rough, &mut stream(27)));
    // r_inf = (3 r_300 - r_100) / 2.
    let added = 0.5 * errors[0] + 1.5 * errors[1];
    let bands = |limit: &Extrapolated| limit.verdict.curves[0].band.clone().unwrap();
    for (a, b) in bands(&exact).into_iter().zip(bands(&rough)) {
        assert!((a.0 - b.0 - added).abs() < 1e-12 && (b.1 - a.1 - added).abs() < 1e-12);
    }
    assert!((rough.verdict.law_error - added).abs() < 1e-12);
}

fn cut(group: &mut Group, replicas: std::ops::Range<usize>, from: usize) {
    group.simulation[replicas].iter_mut().for_each(|row| row[from..].fill(None));
}

#[test]
fn divergence_at_some_sizes_leaves_them_out() {
    let groups = World::QUIET.groups(&SIZES, 8, &mut stream(28));
    let judge = |change: &dyn Fn(&mut [Group])| {
        let mut groups = groups.clone();
        change(&mut groups);
        let limit = absolute(&groups, &mut stream(29));
        assert!(!limit.sentence().contains("NaN"));
        limit
    };
    let smallest = judge(&|groups| cut(&mut groups[0], 2..4, 33));
    assert_eq!(smallest.verdict.outcome, Outcome::Confirmed, "{}", smallest.sentence());
    assert_eq!(smallest.sizes, SIZES[1..]);
    let named = |f: &Finding| {
        let why = |why: &LeftOut| matches!(why, LeftOut::ReplicasDiverged { diverged: 2, replicas: 8, .. });
        matches!(f, Finding::SizeLeftOut { size: 100, why: w, smaller_than_kept: true, .. } if why(w))
    };
    assert!(smallest.verdict.findings.iter().any(named), "{:?}", smallest.verdict.findings);
    assert!(smallest.sentence().contains("2 of 8 replicas diverged"), "{}", smallest.sentence());

    let every_replica = judge(&|groups| cut(&mut groups[1], 0..8, 0));
    assert_eq!(every_replica.verdict.outcome, Outcome::Confirmed, "{}", every_replica.sentence());
    assert_eq!(every_replica.sizes, [100, 400, 800]);

    let largest = judge(&|groups| cut(&mut groups[3], 0..1, 39));
    assert_eq!(largest.verdict.outcome, Outcome::Undecided, "nothing shows that it goes away");
    assert!(largest.sentence().contains("no larger size shows"), "{}", largest.sentence());

    let one_left = judge(&|groups| groups[..3].iter_mut().for_each(|group| cut(group, 3..5, 20)));
    assert_eq!((one_left.verdict.outcome, one_left.verdict.points), (Outcome::Undecided, 0));
    assert!(one_left.verdict.findings.iter().any(|f| matches!(f, Finding::OneSize { size: 800, .. })));

    let all = judge(&|groups| groups.iter_mut().for_each(|group| cut(group, 0..8, 10)));
    assert_eq!((all.verdict.outcome, all.verdict.points), (Outcome::Undecided, 0));
    assert!(all.sentence().contains("8 of 8 replicas diverged"), "{}", all.sentence());
}

#[test]
fn a_law_that_diverges_where_no_replica_does_is_refuted() {
    let groups = World::QUIET.groups(&SIZES, 8, &mut stream(30));
    let judge = |change: &dyn Fn(&mut [Group])| {
        let mut groups = groups.clone();
        change(&mut groups);
        absolute(&groups, &mut stream(31))
    };
    let law = |group: &mut Group| group.law[0][25..].fill(None);
    let at_every_size = judge(&|groups| groups.iter_mut().for_each(law));
    assert_eq!(at_every_size.verdict.outcome, Outcome::Refuted);
    assert_eq!(at_every_size.verdict.points, 25);
    assert!(
        at_every_size.sentence().starts_with("refuted in the limit: one road diverges"),
        "{}",
        at_every_size.sentence()
    );

    let at_some = judge(&|groups| groups[..2].iter_mut().for_each(law));
    assert_eq!(at_some.verdict.outcome, Outcome::Confirmed, "{}", at_some.sentence());
    assert_eq!(at_some.sizes, SIZES[2..]);

    let together = judge(&|groups| {
        for group in groups {
            law(group);
            cut(group, 0..8, 25);
        }
    });
    assert_eq!((together.verdict.outcome, together.verdict.points), (Outcome::Confirmed, 25));

    let one_diverges = judge(&|groups| {
        groups.iter_mut().for_each(law);
        cut(&mut groups[0], 0..8, 25);
    });
    assert_eq!(one_diverges.verdict.outcome, Outcome::Undecided, "{}", one_diverges.sentence());
}

/// Times recorded at whole updates: every size rounds the requested times its own way, and small sizes record
/// two of them as one.
#[test]
fn times_rounded_to_whole_updates_are_joined() {
    let requested: Vec<f64> = (0..POINTS).map(|p| 0.1 * 1.07_f64.powi(p as i32)).collect();
    let mut groups = World { slope: 1.0, ..World::QUIET }.groups(&SIZES, 8, &mut stream(32));
    for group in &mut groups {
        let d = group.size as f64;
        let mut recorded: Vec<f64> = requested.iter().map(|t| (t * d).round() / d).collect();
        recorded.dedup();
        let kept = recorded.len();
        group.x = recorded;
        group.law[0].truncate(kept);
        group.law_error.truncate(kept);
        group.simulation.iter_mut().for_each(|row| row.truncate(kept));
    }
    assert!(groups[0].x.len() < POINTS && groups[3].x.len() == POINTS, "two times fall together at d = 100");
    let limit = absolute(&groups, &mut stream(33));
    assert_eq!((limit.verdict.points, limit.verdict.findings.as_slice()), (POINTS, &[][..]));
    assert_eq!(limit.verdict.curves[0].x, groups[3].x);
    assert_eq!(limit.verdict.outcome, Outcome::Confirmed, "{}", limit.sentence());

    // A claimed range that begins between the recorded times of two sizes loses no partner.
    let from = groups[3].x[4] - 1e-4;
    let within = Terms { within: vec![(from, 1.0)], ..terms(Metric::Absolute, 0.05) };
    let limit = extrapolate(&groups, &within, EXPECTED, &mut stream(33));
    assert_eq!(limit.verdict.curves[0].x[0], groups[3].x[4]);
    assert!(limit.verdict.findings.is_empty(), "{:?}", limit.verdict.findings);
}

#[test]
fn grids_that_do_not_match_are_refused() {
    let groups = World::QUIET.groups(&SIZES, 8, &mut stream(34));
    let mut shifted = groups.clone();
    shifted[3].x.iter_mut().for_each(|x| *x += 0.2);
    let limit = absolute(&shifted, &mut stream(35));
    assert_eq!((limit.verdict.outcome, limit.verdict.points), (Outcome::Undecided, 0));
    let points = 4 * POINTS;
    assert!(
        limit
            .verdict
            .findings
            .iter()
            .any(|f| matches!(f, Finding::NotRecorded { points: p, .. } if *p == points))
    );
    assert!(limit.sentence().contains("recorded at one size only"), "{}", limit.sentence());

    let mut finer = groups.clone();
    let group = &mut finer[3];
    for row in group.simulation.iter_mut().chain(&mut group.law) {
        row.insert(1, Some(1.0));
    }
    finer[3].x.insert(1, 1.0);
    finer[3].law_error.insert(1, 0.0);
    let limit = absolute(&finer, &mut stream(35));
    assert_eq!((limit.verdict.outcome, limit.verdict.points), (Outcome::Undecided, POINTS));
    let alone = |f: &Finding| matches!(f, Finding::NotRecorded { at, points: 1 } if at.x == 1.0);
    assert!(limit.verdict.findings.iter().any(alone), "{:?}", limit.verdict.findings);
}

/// The values of a sweep are not rounded: neighbours closer than an update are different values.
#[test]
fn the_values_of_a_sweep_are_joined_only_when_equal() {
    let mut data = stream(36);
    let mut groups = Vec::new();
    for size in SIZES {
        for (k, value) in [0.010, 0.012, 0.3].into_iter().enumerate() {
            let mut group = World::QUIET.group(size, groups.len(), 8, &mut data);
            group.x = vec![value];
            group.law[0] = vec![group.law[0][20 * k.min(1)]];
            group.law_error.truncate(1);
            group.simulation.iter_mut().for_each(|row| *row = vec![row[20 * k.min(1)]]);
            groups.push(group);
        }
    }
    let limit = absolute(&groups, &mut stream(37));
    assert_eq!((limit.verdict.points, limit.verdict.curves.len()), (3, 1));
    assert_eq!(limit.verdict.curves[0].x, [0.010, 0.012, 0.3]);
    // One value diverged at one size: its fit rests on the others, not on its neighbour.
    groups[1].simulation[3][0] = None;
    let without: Vec<Group> =
        groups.iter().enumerate().filter(|&(g, _)| g != 1).map(|(_, g)| g.clone()).collect();
    let (left_out, without) = (absolute(&groups, &mut stream(37)), absolute(&without, &mut stream(37)));
    assert_eq!(left_out.verdict.curves, without.verdict.curves);
    assert_eq!(left_out.verdict.outcome, Outcome::Confirmed, "{}", left_out.sentence());
}

#[test]
fn a_value_that_is_not_positive_at_one_size_makes_ratios_of_all() {
    let mut groups = World::QUIET.groups(&SIZES, 8, &mut stream(38));
    let relative =
        |groups: &[Group]| extrapolate(groups, &terms(Metric::Relative, 0.05), EXPECTED, &mut stream(39));
    assert_eq!(relative(&groups).verdict.curves[0].scale, Scale::LogRatio);
    groups[1].simulation[2][3] = Some(0.0);
    let limit = relative(&groups);
    assert_eq!(limit.verdict.curves[0].scale, Scale::Ratio);
    assert!(
        limit
            .verdict
            .findings
            .iter()
            .any(|f| matches!(f, Finding::NotPositive { at } if at.size == Some(200)))
    );

    groups.iter_mut().for_each(|group| group.law[0][9] = Some(0.0));
    let limit = relative(&groups);
    assert_eq!((limit.verdict.outcome, limit.verdict.points), (Outcome::Undecided, POINTS - 1));
    assert_eq!(limit.verdict.findings.iter().filter(|f| matches!(f, Finding::LawIsZero { .. })).count(), 1);
}

#[test]
fn extreme_values_never_become_nan() {
    let mut groups = World::QUIET.groups(&SIZES, 8, &mut stream(43));
    for (g, group) in groups.iter_mut().enumerate() {
        let huge = |i: usize| Some(1e300 * (i + 1) as f64);
        group.simulation.iter_mut().enumerate().for_each(|(i, row)| row[1] = huge(i));
        group.law[0][2] = Some(1e-310);
        group.law_error[3] = f64::NAN;
        // Spreads that differ by 300 orders of magnitude between the sizes.
        let tiny = [1e-150, 1.0, 1e150, 1.0][g];
        group.law[0][4] = Some(tiny);
        group
            .simulation
            .iter_mut()
            .enumerate()
            .for_each(|(i, row)| row[4] = Some(tiny * (1.0 + 0.1 * i as f64)));
    }
    for metric in [Metric::Relative, Metric::Absolute] {
        for positive in [true, false] {
            let groups: Vec<Group> = groups.iter().map(|g| Group { positive, ..g.clone() }).collect();
            let limit = extrapolate(&groups, &terms(metric, 0.05), EXPECTED, &mut stream(44));
            let text = serde_json::to_string(&limit).unwrap();
            let back: Extrapolated = serde_json::from_str(&text).expect("no number was written as null");
            assert_eq!(back, limit);
            let words = limit.sentence() + &limit.headline();
            let mut tokens = words.split(|c: char| !c.is_alphanumeric() && c != '_');
            assert!(!tokens.any(|token| token == "NaN" || token == "inf"), "{words}");
        }
    }
}

#[test]
fn equal_seeds_give_equal_verdicts_in_any_order_of_the_groups() {
    let mut groups = World::QUIET.groups(&SIZES, 9, &mut stream(45));
    groups.extend(groups.clone().into_iter().map(|group| Group { observable: "Q[1,1]".into(), ..group }));
    let (first, again) = (absolute(&groups, &mut stream(46)), absolute(&groups, &mut stream(46)));
    assert_eq!(first, again);
    let single = absolute(&groups[..4], &mut stream(46));
    assert_eq!(first.verdict.critical_value, single.verdict.critical_value, "one run, the same signs");
    groups.reverse();
    let mut turned = absolute(&groups, &mut stream(46));
    turned.verdict.curves.reverse();
    assert_eq!(first.verdict.curves, turned.verdict.curves);
    assert_eq!(first.verdict.sup_gap, turned.verdict.sup_gap);
}

#[test]
fn more_replicas_by_the_stated_factor_decide() {
    let world = World { noise: 0.5, ..World::QUIET };
    let limit = absolute(&world.groups(&SIZES, 16, &mut stream(47)), &mut stream(48));
    assert_eq!(limit.verdict.outcome, Outcome::Undecided);
    match limit.verdict.decides {
        Some(Decides::Times { factor }) => assert!(factor > 1.0),
        other => panic!("{other:?}: {}", limit.sentence()),
    }
}

#[test]
#[should_panic(expected = "groups of one run have one size")]
fn sizes_that_share_replicas_are_refused() {
    let mut groups = World::QUIET.groups(&SIZES, 8, &mut stream(49));
    groups[2].run = 1;
    absolute(&groups, &mut stream(49));
}

#[test]
#[ignore = "timing, run by name in release"]
fn time_per_extrapolation() {
    let sizes: Vec<usize> = (0..10).map(|k| 100 << k).collect();
    let mut groups = World::QUIET.groups(&sizes, 200, &mut stream(50));
    for group in &mut groups {
        let long = |row: &[Option<f64>]| -> Vec<Option<f64>> { (0..500).map(|p| row[p % POINTS]).collect() };
        group.x = (0..500).map(|p| p as f64).collect();
        group.law[0] = long(&group.law[0]);
        group.law_error = vec![0.0; 500];
        group.simulation.iter_mut().for_each(|row| *row = long(row));
    }
    let terms = Terms { draws: 2000, ..terms(Metric::Absolute, 0.05) };
    let start = std::time::Instant::now();
    let limit = extrapolate(&groups, &terms, EXPECTED, &mut stream(51));
    println!(
        "10 sizes x 200 replicas x 500 points x 2000 draws: {:?}; {}",
        start.elapsed(),
        limit.sentence()
    );
}
