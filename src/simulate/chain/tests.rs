use super::*;

fn stream(i: u64) -> Stream {
    Stream::root(310).index(i)
}

fn matrix(rows: usize, columns: usize, i: u64) -> DMatrix<f64> {
    let mut gaussians = stream(i).gaussians();
    DMatrix::from_fn(rows, columns, |_, _| gaussians.next())
}

/// Random frames of all shapes: fewer and more dimensions than vectors, dependent vectors.
fn frames() -> Vec<(usize, Frame)> {
    let shapes: [(usize, usize, usize); 8] =
        [(3, 2, 50), (1, 1, 9), (4, 0, 6), (2, 3, 5), (3, 2, 4), (2, 2, 2), (3, 1, 1), (5, 3, 1_000_000)];
    let mut frames = Vec::new();
    for (i, (k, m, d)) in shapes.into_iter().enumerate() {
        let along = m.min(d);
        let fixed = Frame::gaussian(m, 0, 1.1, d, &stream(i as u64).child("fixed"));
        let moving = Frame::gaussian(k, along, 0.7, d, &stream(i as u64).child("moving"));
        frames.push((d, Frame::new(&fixed, &moving, d, &stream(i as u64))));
        // All moving vectors on fixed ones.
        if m > 0 {
            let copied = DMatrix::from_fn(k, fixed.ncols(), |a, j| fixed[(a % m, j)]);
            frames.push((d, Frame::new(&fixed, &copied, d, &stream(100 + i as u64))));
        }
    }
    frames
}

#[test]
fn coordinates_of_any_orientation_keep_their_overlaps() {
    let (fixed, moving) = (matrix(2, 5, 1), matrix(3, 5, 2));
    let frame = Frame::new(&fixed, &moving, 7, &stream(0));
    let (q, r, t) = frame.overlaps();
    assert!((q - &moving * moving.transpose()).amax() < 1e-14);
    assert!((r - &moving * fixed.transpose()).amax() < 1e-14);
    assert!((t - &fixed * fixed.transpose()).amax() < 1e-14);
}

#[test]
fn one_input_moves_the_overlaps_as_their_recursion_says() {
    for (d, mut frame) in frames() {
        let (k, step) = (frame.along.rows(), frame.step);
        for move_number in 0..20 {
            let (q, r, t) = frame.overlaps();
            let u = frame.draw().to_vec();
            let (moving, fixed) = u.split_at(k);
            let keep = 1.0 - 0.01 * f64::from(move_number);
            let c: Vec<f64> =
                moving.iter().enumerate().map(|(i, u)| 0.3 * u + 0.1 * i as f64 - 0.2).collect();
            frame.advance(keep, &c);
            let square: f64 = frame.z.iter().map(|z| z * z).sum();
            let expected_q = DMatrix::from_fn(k, k, |i, j| {
                keep * keep * q[(i, j)]
                    + keep * step * (c[i] * moving[j] + moving[i] * c[j])
                    + c[i] * c[j] * square * step * step
            });
            let expected_r =
                DMatrix::from_fn(k, fixed.len(), |i, n| keep * r[(i, n)] + step * c[i] * fixed[n]);
            let (new_q, new_r, new_t) = frame.overlaps();
            assert!((new_q - expected_q).amax() < 1e-13, "d = {d}");
            assert!((new_r - expected_r).amax() < 1e-13, "d = {d}");
            assert_eq!(new_t, t);
        }
    }
}

/// Entries beyond the triangle and in the spare columns are zero after every step.
#[test]
fn steps_leave_a_triangle() {
    for (d, mut frame) in frames() {
        for move_number in 0..20 {
            let k = frame.along.rows();
            let c: Vec<f64> = frame.draw()[..k].iter().map(|u| 0.4 * u - 0.1).collect();
            if move_number % 3 == 0 {
                frame.gather(&c);
                let again: Vec<f64> = frame.draw()[..c.len()].to_vec();
                frame.gather(&again);
                frame.advance_batch(0.98);
            } else {
                frame.advance(0.98, &c);
            }
            for j in 0..frame.own.count() {
                let zeros = if j < frame.own_columns { j } else { frame.own.rows() };
                assert!(frame.own.get(j)[..zeros].iter().all(|&x| x == 0.0), "d = {d}, column {j}");
            }
        }
    }
}

#[test]
fn a_batch_moves_the_overlaps_with_fixed_vectors_as_its_sum() {
    for (d, mut frame) in frames() {
        let (k, step) = (frame.along.rows(), frame.step);
        let (_, r, _) = frame.overlaps();
        let mut expected = r * 0.97;
        for _ in 0..4 {
            let u = frame.draw().to_vec();
            let c: Vec<f64> = u[..k].iter().map(|u| 0.3 * u + 0.1).collect();
            for i in 0..k {
                for (n, fixed) in u[k..].iter().enumerate() {
                    expected[(i, n)] += step * c[i] * fixed;
                }
            }
            frame.gather(&c);
        }
        frame.advance_batch(0.97);
        assert!((frame.overlaps().1 - expected).amax() < 1e-13, "d = {d}");
    }
}

/// Mean of |sum_s c_s x_s|^2 / d over batches of two: the squares of the lengths and the product of the inputs,
/// whose components along the frame are those of the fields.
#[test]
fn a_batch_has_the_mean_square_of_independent_inputs() {
    for d in [2_usize, 5, 40] {
        let fixed = DMatrix::zeros(0, 0);
        let zero = DMatrix::zeros(2, 0);
        let n = 40_000;
        let mut sum = [0.0; 3];
        let mut squares = [0.0; 3];
        let mut frame = Frame::new(&fixed, &zero, d, &stream(7).index(d as u64));
        for _ in 0..n {
            frame.own.fill(0.0);
            frame.draw();
            frame.gather(&[1.0, 0.5]);
            frame.draw();
            frame.gather(&[0.0, 2.0]);
            frame.advance_batch(1.0);
            let (q, _, _) = frame.overlaps();
            for (k, value) in [q[(0, 0)], q[(1, 1)], q[(0, 1)]].into_iter().enumerate() {
                sum[k] += value / f64::from(n);
                squares[k] += value * value / f64::from(n);
            }
        }
        for (k, exact) in [1.0, 4.25, 0.5].into_iter().enumerate() {
            let error = ((squares[k] - sum[k] * sum[k]) / f64::from(n)).sqrt();
            assert!((sum[k] - exact).abs() < 4.0 * error, "d = {d}: {} {exact} +- {error}", sum[k]);
        }
    }
}

/// A unit that follows another one at a distance of 1e-9: its distance keeps its digits, which an overlap
/// matrix (1 - 1e-18) cannot hold.
#[test]
fn small_distances_keep_their_digits() {
    let fixed = DMatrix::from_row_slice(1, 1, &[1.0]);
    let moving = DMatrix::from_row_slice(2, 2, &[1.0, 1e-9, 1.0, 0.0]);
    let mut frame = Frame::new(&fixed, &moving, 1000, &stream(8));
    for _ in 0..10_000 {
        // Both move alike, so their difference stays as it is.
        let u = frame.draw()[2];
        frame.advance(1.0, &[0.01 * u, 0.01 * u]);
    }
    let distance: f64 = (0..frame.own.count())
        .map(|j| frame.own.get(j)[0] - frame.own.get(j)[1])
        .chain((0..frame.along.count()).map(|j| frame.along.get(j)[0] - frame.along.get(j)[1]))
        .map(|x| x * x)
        .sum::<f64>()
        .sqrt();
    assert!((distance / 1e-9 - 1.0).abs() < 1e-4, "{distance:e}");
}

/// Bartlett's factor against the Gram matrix of real vectors: mean and variance of every entry.
#[test]
fn wishart_factor_has_the_moments_of_gaussian_vectors() {
    for (vectors, dimension) in [(3, 7), (4, 2), (2, 1)] {
        let mut factor = WishartFactor::new(vectors, dimension, &stream(9).index(dimension as u64));
        let n = 20_000;
        let mut moments = DMatrix::<f64>::zeros(vectors, vectors);
        let mut squares = DMatrix::<f64>::zeros(vectors, vectors);
        for _ in 0..n {
            let l = factor.draw();
            for i in 0..vectors {
                for j in 0..vectors {
                    let entry: f64 = (0..l.count()).map(|c| l.get(c)[i] * l.get(c)[j]).sum();
                    moments[(i, j)] += entry / f64::from(n);
                    squares[(i, j)] += entry * entry / f64::from(n);
                }
            }
        }
        let degrees = dimension as f64;
        for i in 0..vectors {
            for j in 0..vectors {
                let (mean, variance) = if i == j { (degrees, 2.0 * degrees) } else { (0.0, degrees) };
                let error = (variance / f64::from(n)).sqrt();
                assert!((moments[(i, j)] - mean).abs() < 4.5 * error, "{} {mean}", moments[(i, j)]);
                let found = squares[(i, j)] - moments[(i, j)] * moments[(i, j)];
                assert!((found / variance - 1.0).abs() < 0.1, "{found} {variance}");
            }
        }
    }
}
