//! Coverage and error rates over many repetitions, for the numbers on the page of `compare`.

use crate::world::{EXPECTED, SIZES, World, covers, stream, terms};
use asymptotica::compare::{Metric, Terms, extrapolate};

#[test]
#[ignore = "calibration, minutes: run by name"]
fn calibration_of_extrapolated_coverage() {
    let repetitions = 2000;
    for (n, sizes) in
        [(8, &SIZES[..]), (12, &SIZES), (16, &SIZES), (32, &SIZES), (8, &SIZES[2..]), (16, &SIZES[2..])]
    {
        let world = World { limit: 0.013, slope: 3.0, ..World::QUIET };
        let (mut data, mut signs) = (stream(n as u64), stream(1000 + n as u64));
        let (mut covered, mut failed) = (0, 0);
        for _ in 0..repetitions {
            let groups = world.groups(sizes, n, &mut data);
            let terms = Terms { draws: 1000, ..terms(Metric::Absolute, 0.05) };
            let limit = extrapolate(&groups, &terms, EXPECTED, &mut signs);
            let fails = limit.form.as_ref().is_some_and(|form| form.fails());
            covered += u64::from(covers(&limit, 0.013));
            failed += u64::from(fails);
        }
        let share = |count: u64| 100.0 * count as f64 / repetitions as f64;
        println!(
            "n = {n}, {} sizes: covered {:.2} %, form rejected {:.2} %",
            sizes.len(),
            share(covered),
            share(failed)
        );
    }
}
