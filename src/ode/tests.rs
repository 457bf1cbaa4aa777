use super::*;
use std::convert::Infallible;

/// Euler's equations of a rigid body with a time-dependent torque: nonlinear and not autonomous.
fn body(t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), Infallible> {
    dy[0] = -1.7 * y[1] * y[2] + 0.3 * (1.3 * t).sin();
    dy[1] = 1.25 * y[0] * y[2];
    dy[2] = -0.6 * y[0] * y[1] + 0.2 * (0.7 * t).cos();
    Ok(())
}

const BODY_START: [f64; 3] = [1.1, 0.4, 0.9];

fn body_at(time: f64, options: &Options) -> (Vec<f64>, Stats) {
    let mut end = Vec::new();
    let stats = integrate(&mut body, 0.0, &BODY_START, &[time], options, |_, y| end = y.to_vec()).unwrap();
    (end, stats)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Convergence order between `steps` and 2 `steps` fixed steps to t = 2.
fn order(method: Method, steps: f64) -> f64 {
    let exact = body_at(2.0, &Options { method: Method::Explicit, ..Options::with_tolerance(1e-14) }).0;
    let error = |steps: f64| {
        // Any error passes, and the first step, which the solver guesses, is cut to the largest one.
        let fixed = Options { method, max_step: 2.0 / steps, ..Options::with_tolerance(1e6) };
        let (end, stats) = body_at(2.0, &fixed);
        assert!(stats.steps() as f64 <= steps + 12.0, "{stats:?}");
        distance(&end, &exact)
    };
    (error(steps) / error(2.0 * steps)).log2()
}

#[test]
fn dop853_converges_with_order_8() {
    let measured = order(Method::Explicit, 6.0);
    assert!((measured - 8.0).abs() < 0.6, "order {measured}");
}

#[test]
fn rodas5p_converges_with_order_5() {
    let measured = order(Method::Rosenbrock, 16.0);
    assert!((measured - 5.0).abs() < 0.4, "order {measured}");
}

#[test]
fn the_two_methods_agree_to_their_tolerance() {
    for tolerance in [1e-6, 1e-9] {
        let explicit =
            body_at(3.0, &Options { method: Method::Explicit, ..Options::with_tolerance(tolerance) }).0;
        let rodas =
            body_at(3.0, &Options { method: Method::Rosenbrock, ..Options::with_tolerance(tolerance) }).0;
        let gap = distance(&explicit, &rodas);
        assert!(gap < 30.0 * tolerance, "{gap:.2e} at {tolerance:.0e}");
    }
}

#[test]
fn output_times_cost_one_evaluation_each_and_change_nothing_beyond_the_tolerance() {
    let options = Options::with_tolerance(1e-10);
    let (plain, alone) = body_at(40.0, &options);
    let times: Vec<f64> = (0..30).map(|k| 40.0 * 1e3_f64.powf((k as f64 - 29.0) / 29.0)).collect();
    let mut seen = Vec::new();
    let mut end = Vec::new();
    let many = integrate(&mut body, 0.0, &BODY_START, &times, &options, |t, y| {
        seen.push(t);
        end = y.to_vec();
    })
    .unwrap();
    assert_eq!(seen, times);
    assert!(distance(&plain, &end) < 1e-8);
    // A cut step and a restart per output time: 12 + 1 evaluations.
    assert!(many.rhs_calls < alone.rhs_calls + 13 * 30 + 24, "{many:?} against {alone:?}");
}

#[test]
fn the_first_output_time_may_be_the_start_and_times_may_repeat() {
    let mut seen = Vec::new();
    integrate(&mut body, 0.5, &BODY_START, &[0.5, 0.7, 0.7], &Options::with_tolerance(1e-8), |t, y| {
        seen.push((t, y[0]));
    })
    .unwrap();
    assert_eq!(seen[0], (0.5, 1.1));
    assert_eq!(seen[1], seen[2]);
}

/// Robertson's kinetics, the classical stiff problem.
fn robertson(_t: f64, y: &[f64], dy: &mut [f64]) -> Result<(), Infallible> {
    let (slow, fast, fastest) = (0.04 * y[0], 1e4 * y[1] * y[2], 3e7 * y[1] * y[1]);
    dy.copy_from_slice(&[fast - slow, slow - fast - fastest, fastest]);
    Ok(())
}

#[test]
fn a_stiff_problem_switches_method_and_reaches_the_published_solution() {
    let options = Options { absolute: 1e-14, ..Options::with_tolerance(1e-9) };
    let mut end = Vec::new();
    let stats =
        integrate(&mut robertson, 0.0, &[1.0, 0.0, 0.0], &[40.0, 4e5], &options, |_, y| end.push(y.to_vec()))
            .unwrap();
    assert!(stats.switches == 1 && stats.rosenbrock_steps > 0, "{stats:?}");
    // Stability alone would ask Dop853 for 4e5 * 1e4 / 6 steps.
    assert!(stats.steps() < 10_000, "{stats:?}");
    // Hairer & Wanner's test set gives y(40) to ten digits; the LSODE manual y(4e5) to three.
    let at_40 = [0.715_827_068_7, 0.918_553_476_5e-5, 0.284_163_745_7];
    for (value, published) in end[0].iter().zip(at_40) {
        assert!((value / published - 1.0).abs() < 1e-7, "{value} for {published}");
    }
    assert!((end[1][0] - 4.94e-3).abs() < 5e-6, "{:?}", end[1]);
}

#[test]
fn a_problem_that_is_not_stiff_stays_explicit() {
    let (_, stats) = body_at(300.0, &Options::with_tolerance(1e-9));
    assert_eq!((stats.switches, stats.rosenbrock_steps), (0, 0), "{stats:?}");
}

#[test]
fn a_pole_is_reported_where_it_is() {
    // y' = y^2 from 0.8 has its pole at t = 1.25.
    let mut pole = |_: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
        dy[0] = y[0] * y[0];
        Ok(())
    };
    let mut reached = Vec::new();
    let outcome = integrate(&mut pole, 0.0, &[0.8], &[1.0, 2.0], &Options::with_tolerance(1e-9), |t, _| {
        reached.push(t)
    });
    assert_eq!(reached, [1.0]);
    match outcome {
        Err(OdeError::StepTooSmall { time, state, .. } | OdeError::Diverged { time, state, .. }) => {
            assert!((time - 1.25).abs() < 1e-8, "{time}");
            assert!(state[0] > 1e6);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn growth_beyond_the_finite_numbers_is_divergence() {
    let mut growth = |_: f64, y: &[f64], dy: &mut [f64]| -> Result<(), Infallible> {
        dy[0] = 3.0 * y[0];
        Ok(())
    };
    for method in [Method::Automatic, Method::Explicit, Method::Rosenbrock] {
        let options = Options { method, ..Options::with_tolerance(1e-6) };
        match integrate(&mut growth, 0.0, &[2.0], &[1e4], &options, |_, _| ()) {
            // 2 exp(3 t) = 1.8e308 at t = 236.4; sums within a step overflow a factor 10^3, or 2.3 units, earlier.
            Err(OdeError::Diverged { time, .. }) => assert!((time - 236.4).abs() < 3.0, "{time}"),
            other => panic!("{method:?}: {other:?}"),
        }
    }
}

#[test]
fn errors_of_the_system_come_out_typed_and_stop_the_work() {
    for method in [Method::Automatic, Method::Rosenbrock] {
        let options = Options { method, ..Options::with_tolerance(1e-8) };
        let mut calls = 0;
        let mut wall = |_: f64, y: &[f64], dy: &mut [f64]| {
            calls += 1;
            dy[0] = 1.0;
            if y[0] > 2.5 { Err("beyond the wall") } else { Ok(()) }
        };
        match integrate(&mut wall, 0.0, &[0.5], &[7.0], &options, |_, _| ()) {
            Err(OdeError::Rhs { time, error, .. }) => {
                assert_eq!(error, "beyond the wall");
                assert!((time - 2.0).abs() < 1e-3, "{method:?} {time}");
            }
            other => panic!("{other:?}"),
        }
        assert!(calls < 2000, "{method:?} {calls}");
        let mut broken = |_: f64, _: &[f64], _: &mut [f64]| Err("no derivative");
        match integrate(&mut broken, 0.0, &[0.5], &[7.0], &options, |_, _| ()) {
            Err(OdeError::Rhs { time, stats, .. }) => assert_eq!((time, stats.rhs_calls), (0.0, 1)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_failure_everywhere_but_at_the_start_does_not_search_for_long() {
    let mut calls = 0;
    let mut point = |t: f64, _: &[f64], dy: &mut [f64]| {
        calls += 1;
        dy[0] = 1.0;
        if t > 0.0 { Err("only the start is defined") } else { Ok(()) }
    };
    let outcome = integrate(&mut point, 0.0, &[0.5], &[7.0], &Options::with_tolerance(1e-8), |_, _| ());
    assert!(matches!(outcome, Err(OdeError::Rhs { time: 0.0, .. })), "{outcome:?}");
    assert!(calls < 800, "{calls}");
}

#[test]
fn too_many_steps_and_bad_input_are_typed() {
    let options = Options { max_steps: 20, ..Options::with_tolerance(1e-10) };
    match integrate(&mut body, 0.0, &BODY_START, &[1e3], &options, |_, _| ()) {
        Err(OdeError::TooManySteps { time, stats, .. }) => {
            assert!(time > 0.0 && time < 1e3);
            assert_eq!(stats.steps() + stats.rejected_steps, 20);
        }
        other => panic!("{other:?}"),
    }
    let options = Options::with_tolerance(1e-8);
    for (start, times) in
        [(BODY_START, vec![2.0, 1.0]), (BODY_START, vec![-1.0]), ([f64::NAN, 1.0, 2.0], vec![1.0])]
    {
        let outcome = integrate(&mut body, 0.0, &start, &times, &options, |_, _| ());
        assert!(matches!(outcome, Err(OdeError::Input { .. })), "{outcome:?}");
    }
}
