//! Numbers of another program (tensor quadratures and finite differences in 64-bit Python), six digits good.

use super::{committee, leading, start_o, start_p, whole};
use asymptotica::problem::activation::Activation;
use asymptotica::problem::committee::Committee;
use nalgebra::DMatrix;

/// t: d Var e_g, d shift e_g, Sigma of Q11 and R11, b of Q11 and R11.
type Row = (f64, [f64; 6]);

fn check(problem: &Committee, rows: &[Row]) {
    let times: Vec<f64> = rows.iter().map(|row| row.0).collect();
    let names = ["generalisation_error", "Q[1,1]", "R[1,1]"].map(String::from);
    let found = leading(&whole(problem), &times, &names, &[]);
    for (k, (t, stated)) in rows.iter().enumerate() {
        let [error, q, r] = [0, 1, 2].map(|o: usize| found[o][k]);
        let values = [error.0, error.1, q.0, r.0, q.1, r.1];
        for (c, (value, stated)) in values.iter().zip(stated).enumerate() {
            // Half a unit of the last digit stated, and six digits.
            let allowed = 6e-7_f64.max(2e-6 * stated.abs());
            assert!((value - stated).abs() < allowed, "t = {t}, column {c}: {value} for {stated}");
        }
    }
}

#[test]
fn one_unit() {
    check(
        &start_o(),
        &[
            (1.0, [0.0046442543, -0.0043432166, 0.0166684, 0.0323525, 0.0179807, 0.0162714]),
            (5.0, [7.7024412e-4, -2.4854e-3, 0.0270796, 0.0217654, 0.0580128, 0.0385299]),
            (20.0, [2.0974386e-6, -5.575885e-4, 0.0118785, 0.0037136, 0.0346430, 0.0188336]),
        ],
    );
}

#[test]
fn two_units() {
    check(
        &start_p(),
        &[
            (1.0, [0.013114806, -0.0078920635, 0.0220989, 0.0232827, 0.0462378, 0.0232559]),
            (2.0, [0.0063756272, -0.0055999634, 0.0243491, 0.0210486, 0.0665829, 0.0328526]),
            (5.0, [4.0588579e-4, 0.0022044657, 0.0153350, 0.0104200, 0.0738051, 0.0345755]),
            (10.0, [4.6723501e-5, 0.0051068210, 0.0117610, 0.0078414, 0.0645358, 0.0283250]),
            (20.0, [3.3507356e-5, 0.0048169053, 0.0145068, 0.0101010, 0.0640409, 0.0258194]),
        ],
    );
}

/// The start of the anchors of the law at infinite size.
fn start_a(k: usize, sigma: f64) -> Committee {
    let q = DMatrix::from_fn(k, k, |i, j| if i == j { 0.25 } else { 0.01 * (0.5 * (i + j) as f64).cos() });
    let r = DMatrix::from_fn(k, 2, |i, n| 0.02 * (1.0 + 2.0 * i as f64 + 3.0 * n as f64).cos());
    committee(Activation::Erf, 0.5, sigma, q, r)
}

#[test]
fn through_the_escape_of_a_given_start() {
    check(
        &start_a(2, 0.1),
        &[
            (1.0, [0.048032679, -0.017209473, 0.0400172, 0.0521450, 0.0585151, 0.0317116]),
            (10.0, [7.5528122e-5, 0.0070795545, 0.0161327, 0.0125858, 0.0926862, 0.0259510]),
            (50.0, [5.764857e-5, 0.0041543478, 0.0213158, 0.0439545, 0.1424575, 0.0166819]),
            (100.0, [4.552051e-4, 0.012081162, 0.1682226, 0.3252438, 0.224504, -0.527249]),
        ],
    );
    check(
        &start_a(2, 0.0),
        &[(1.0, [0.047672464, -0.016864447, 0.0391190, 0.0512383, 0.0584085, 0.0316499])],
    );
}

#[test]
fn more_students_than_teachers() {
    check(
        &start_a(4, 0.01),
        &[
            (1.0, [0.091220621, 0.064907236, 0.0298587, 0.0370686, 0.0915711, 0.0416927]),
            (50.0, [8.2075894e-4, 0.048492192, 0.0173783, 0.0441975, 0.3181349, 0.0408545]),
        ],
    );
}

/// Batches of four: law and exact process of d = 50, as stated elsewhere to three digits.
#[test]
fn batches() {
    let batch = Committee { batch: 4, learning_rate: 1.0, ..start_o() };
    let found = leading(&whole(&batch), &[2.0], &["Q[1,1]".to_string(), "R[1,1]".to_string()], &[]);
    let stated = [(0.01228, 0.0768), (0.01215, 0.0698)];
    for (found, stated) in found.iter().zip(stated) {
        assert!((found[0].0 - stated.0).abs() < 6e-6 && (found[0].1 - stated.1).abs() < 6e-5, "{found:?}");
    }
}
