//! Recurrent and convolution kernels against tables over all times and positions.

use super::{ACTIVATIONS, inputs, problem};
use crate::averages;
use asymptotica::problem::ntk::Nonlinearity;
use asymptotica::theory::ntk::limit;
use nalgebra::DMatrix;

type Table = Vec<Vec<f64>>;

/// x.y/m between all pieces of m coordinates of both inputs: those of x, then those of y.
fn pieces(x: &[f64], y: &[f64], m: usize) -> Table {
    let all: Vec<&[f64]> = x.chunks(m).chain(y.chunks(m)).collect();
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / m as f64;
    all.iter().map(|a| all.iter().map(|b| product(a, b)).collect()).collect()
}

fn units(phi: &Nonlinearity, s: &Table, a: usize, c: usize) -> (f64, f64) {
    let (p, q) = (s[a][a], s[c][c]);
    averages(phi, p, q, (s[a][c] / (p * q).sqrt()).min(1.0).acos())
}

/// K(S) and K'(S) T between all steps of both inputs, by tables.
fn recurrent_tables(
    first: Table,
    layers: usize,
    (w, r, b): (f64, f64, f64),
    phi: &Nonlinearity,
) -> [Table; 2] {
    let sites = first.len();
    let steps = sites / 2;
    let mut tables = [first, vec![vec![0.0; sites]; sites]];
    for _ in 0..layers {
        let [below, below_t] = tables;
        let zero = vec![vec![0.0; sites]; sites];
        let (mut s, mut t, mut k, mut kt) = (zero.clone(), zero.clone(), zero.clone(), zero);
        for time in 0..steps {
            let all = (0..sites).flat_map(|a| (0..sites).map(move |c| (a, c)));
            let now: Vec<_> = all.filter(|(a, c)| (a % steps).max(c % steps) == time).collect();
            for &(a, c) in &now {
                s[a][c] = w * w * below[a][c] + b * b;
                t[a][c] = s[a][c] + w * w * below_t[a][c];
                if a % steps > 0 && c % steps > 0 {
                    s[a][c] += r * r * k[a - 1][c - 1];
                    t[a][c] += r * r * (k[a - 1][c - 1] + kt[a - 1][c - 1]);
                }
            }
            for &(a, c) in &now {
                let (value, slope) = units(phi, &s, a, c);
                (k[a][c], kt[a][c]) = (value, slope * t[a][c]);
            }
        }
        tables = [k, kt];
    }
    tables
}

/// The same between all positions.
fn convolution_tables(
    first: Table,
    layers: usize,
    (w, b): (f64, f64),
    (filter, circular): (i64, bool),
    phi: &Nonlinearity,
) -> [Table; 2] {
    let sites = first.len();
    let positions = (sites / 2) as i64;
    let mut tables = [first, vec![vec![0.0; sites]; sites]];
    for _ in 0..layers {
        let [below, below_t] = tables;
        let zero = vec![vec![0.0; sites]; sites];
        let (mut s, mut t, mut k, mut kt) = (zero.clone(), zero.clone(), zero.clone(), zero);
        let shifted = |site: usize, offset: i64| -> Option<usize> {
            let (input, place) = (site as i64 / positions, site as i64 % positions + offset);
            let inside = (0..positions).contains(&place);
            (circular || inside).then(|| (input * positions + place.rem_euclid(positions)) as usize)
        };
        for a in 0..sites {
            for c in 0..sites {
                s[a][c] = b * b;
                for offset in (0..filter).map(|k| k - (filter - 1) / 2) {
                    if let (Some(a2), Some(c2)) = (shifted(a, offset), shifted(c, offset)) {
                        s[a][c] += w * w / filter as f64 * below[a2][c2];
                        t[a][c] += w * w / filter as f64 * below_t[a2][c2];
                    }
                }
                t[a][c] += s[a][c];
            }
        }
        for a in 0..sites {
            for c in 0..sites {
                let (value, slope) = units(phi, &s, a, c);
                (k[a][c], kt[a][c]) = (value, slope * t[a][c]);
            }
        }
        tables = [k, kt];
    }
    tables
}

#[test]
fn recurrent_and_convolution_kernels_are_tables_over_times_and_positions() {
    let x = inputs();
    let (u, v) = (x.column(1).into_owned(), x.column(2).into_owned());
    let both = DMatrix::from_columns(&[u.clone(), v.clone()]);
    let (w, b) = (1.4, 0.3);
    for (keys, phi) in &ACTIVATIONS {
        let check = |architecture: &str, [k, kt]: &[Table; 2], average: bool, sites: &[usize]| {
            let half = k.len() / 2;
            let mut pairs: Vec<(usize, usize)> = sites.iter().map(|&a| (a, half + a)).collect();
            if average {
                pairs = sites.iter().flat_map(|&a| sites.iter().map(move |&c| (a, half + c))).collect();
            }
            let mean = |t: &Table| pairs.iter().map(|&(a, c)| t[a][c]).sum::<f64>() / pairs.len() as f64;
            let nngp = w * w * mean(k) + b * b;
            let expected = (nngp, nngp + w * w * mean(kt));
            let found = limit(&problem(architecture, keys)).kernels(&both);
            let found = (found.nngp[(0, 1)], found.ntk[(0, 1)]);
            let gap = (found.0 / expected.0 - 1.0).abs().max((found.1 / expected.1 - 1.0).abs());
            assert!(gap < 1e-9, "{keys} {architecture}: {found:?} {expected:?}");
        };
        for m in [2, 3] {
            let tables = recurrent_tables(pieces(u.as_slice(), v.as_slice(), m), 2, (w, 0.9, b), phi);
            let architecture = format!("kind = \"recurrent\", step_dimension = {m}, recurrent_std = 0.9");
            let sites: Vec<usize> = (0..6 / m).collect();
            check(&format!("{{ {architecture} }}"), &tables, false, &sites[sites.len() - 1..]);
            check(&format!("{{ {architecture}, readout = \"average\" }}"), &tables, true, &sites);
        }
        for (channels, filter, padding) in
            [(1, 3, "circular"), (1, 4, "zero"), (2, 2, "circular"), (2, 3, "zero")]
        {
            let circular = padding == "circular";
            let first = pieces(u.as_slice(), v.as_slice(), channels);
            let tables = convolution_tables(first, 2, (w, b), (filter, circular), phi);
            let sites: Vec<usize> = (0..6 / channels).collect();
            for (readout, average) in [("flatten", false), ("average", true)] {
                let architecture = format!(
                    "{{ kind = \"convolution\", channels = {channels}, filter = {filter}, padding = \"{padding}\", \
                     readout = \"{readout}\" }}"
                );
                check(&architecture, &tables, average, &sites);
            }
        }
    }
}
