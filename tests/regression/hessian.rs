//! Batch Hessians.

use super::{law, refutes, replicas, scenario, standard_errors};
use asymptotica::scenario::{Overrides, Source, resolve};

fn problem(noise: &str, outlier: f64, batch: f64) -> String {
    format!(
        "kind = \"batch-hessian\"\nnoise = {{ kind = \"{noise}\", std = 1.3 }}\noutlier = {outlier:?}
batch_ratio = {batch:?}\ndata_ratio = 20.0\nwindow = 0.6"
    )
}

fn rest(times: &str, observable: &str, sizes: &str, replicas: &str, resolution: f64) -> String {
    let limit = if sizes.contains(',') { "extrapolate" } else { "at-size" };
    format!(
        "[observe]\ntimes = {times}\n[simulation]\nmethod = \"direct\"\nsizes = {sizes}\nreplicas = {replicas}\nseed = 3
[[panel]]\ny = {observable}\nresiduals = false
[claim]\nobservables = [\"top_eigenvalue\"]\nmetric = \"relative\"\nresolution = {resolution:?}\nlimit = \"{limit}\""
    )
}

#[test]
fn outlier_and_alignment_are_those_of_drawn_matrices() {
    for noise in ["additive", "multiplicative"] {
        let text = problem(noise, 6.0, 1.0);
        let scenario =
            scenario(&text, &rest("[0.0]", "[\"top_eigenvalue\", \"alignment\"]", "[150]", "1", 0.1), &[]);
        let (law, runs) = (law(&scenario, 150), replicas(&scenario, 150, 60));
        for name in ["top_eigenvalue", "alignment"] {
            let off = standard_errors(&law, &runs, name);
            assert!(off < 4.5, "{noise}, {name}: {off} standard errors");
        }
    }
}

#[test]
fn below_the_transition_the_edge_is_the_top() {
    for (noise, outlier) in [("additive", 0.8), ("multiplicative", 2.0)] {
        let text = problem(noise, outlier, 1.0);
        let scenario = scenario(&text, &rest("[0.0]", "[\"top_eigenvalue\"]", "[300]", "1", 0.1), &[]);
        let expected = law(&scenario, 300).values[0][0];
        let runs = replicas(&scenario, 300, 6);
        let mean = runs.iter().map(|r| r.values[0][0]).sum::<f64>() / 6.0;
        // Edges of finite matrices lie about P^(-2/3) inside: 2 % here.
        assert!(mean < expected && mean > 0.93 * expected, "{noise}: {mean} against {expected}");
    }
}

#[test]
fn the_density_of_the_bulk_is_that_of_drawn_matrices() {
    for (noise, batch) in [("additive", 1.0), ("multiplicative", 2.5), ("multiplicative", 0.6)] {
        let text = problem(noise, 12.0, batch);
        let times = "[0.0, 0.6, 1.2, 1.8, 2.4, 3.0]";
        let scenario =
            scenario(&text, &rest(times, "[\"density\", \"top_eigenvalue\"]", "[200]", "1", 0.1), &[]);
        let (law, runs) = (law(&scenario, 200), replicas(&scenario, 200, 20));
        for k in 0..6 {
            let mean = runs.iter().map(|r| r.get("density").unwrap()[k]).sum::<f64>() / 20.0;
            let expected = law.get("density").unwrap()[k];
            assert!((mean - expected).abs() < 0.02, "{noise} {batch} at {k}: {mean} against {expected}");
        }
    }
}

#[test]
fn faults_of_the_law_are_refuted() {
    let faults = [
        "drop=shift",
        "square=noise",
        "problem.outlier=1.1",
        "problem.noise.std=1.1",
        "problem.batch_ratio=1.3",
    ];
    for (noise, outlier, resolution) in [("additive", 4.5, 0.015), ("multiplicative", 8.0, 0.03)] {
        let rest = rest("[0.0]", "\"top_eigenvalue\"", "[36, 72, 144]", "[2000, 1000, 400]", resolution);
        refutes(&problem(noise, outlier, 0.5), &rest, &faults);
    }
}

fn several(noise: &str, std: f64, outliers: &str, batch: f64) -> String {
    format!(
        "kind = \"batch-hessian\"\nnoise = {{ kind = \"{noise}\", std = {std:?} }}\noutlier = {outliers}
batch_ratio = {batch:?}\nwindow = 0.6\nlowest = -5.0"
    )
}

/// Means over 12 matrices of numpy.linalg.eigh at P = 1200, with their standard errors: eigenvalue and squared
/// eigenvector along its axis of every outlier, in the order of the list.
struct Drawn {
    noise: &'static str,
    std: f64,
    outliers: &'static str,
    batch: f64,
    eigenvalues: &'static [(f64, f64)],
    alignments: &'static [(f64, f64)],
}

const DRAWN: [Drawn; 2] = [
    // Entries of variance 1.3^2 / P: thresholds +-1.3, edges +-2.6.
    Drawn {
        noise: "additive",
        std: 1.3,
        outliers: "[4.0, 2.5, -3.0, -0.6]",
        batch: 1.0,
        eigenvalues: &[(4.4251, 0.018), (3.1651, 0.0134), (-3.5580, 0.0117), (-2.5848, 0.0045)],
        alignments: &[(0.8957, 0.0014), (0.7270, 0.0046), (0.8112, 0.0036), (0.0018, 0.0003)],
    },
    // 4800 samples, variance 1.44 of the bulk: thresholds 2.16 and 0.72, edges 3.24 and 0.36.
    Drawn {
        noise: "multiplicative",
        std: 1.2,
        outliers: "[6.0, 3.2, 0.2, 0.45, 1.2]",
        batch: 4.0,
        eigenvalues: &[
            (6.5141, 0.0276),
            (3.8296, 0.0132),
            (0.1424, 0.0009),
            (0.2862, 0.0019),
            (0.3651, 0.0014),
        ],
        alignments: &[
            (0.9065, 0.0011),
            (0.6856, 0.0046),
            (0.9323, 0.0010),
            (0.7419, 0.0051),
            (0.0022, 0.0007),
        ],
    },
];

#[test]
fn every_outlier_moves_as_in_matrices_drawn_elsewhere() {
    for drawn in DRAWN {
        let text = several(drawn.noise, drawn.std, drawn.outliers, drawn.batch);
        let rest = rest("[0.0]", "[\"eigenvalue\", \"alignment\"]", "[60]", "1", 0.1)
            .replace("top_eigenvalue", "eigenvalue");
        let law = law(&scenario(&text, &rest, &[]), 60);
        for (i, (eigenvalue, alignment)) in drawn.eigenvalues.iter().zip(drawn.alignments).enumerate() {
            let of = |name| law.get(&format!("{name}[{}]", i + 1)).unwrap()[0];
            // Four standard errors and terms of order 1/P; within the transition P^(-2/3), 1 % here, of the edge.
            let within = alignment.0 < 0.01;
            let order = if within { 0.01 * eigenvalue.0.abs() + 0.005 } else { 0.002 };
            let off = (of("eigenvalue") - eigenvalue.0).abs();
            assert!(off < 4.0 * eigenvalue.1 + order, "{} {i}: {}", drawn.noise, of("eigenvalue"));
            let off = (of("alignment") - alignment.0).abs();
            assert!(off < 4.0 * alignment.1 + 0.003, "{} {i}: {}", drawn.noise, of("alignment"));
        }
    }
}

#[test]
fn runs_see_every_outlier_on_its_own_side_of_the_bulk() {
    for (noise, outliers, batch) in
        [("additive", "[2.5, -4.5, 5.0, -3.0]", 1.0), ("multiplicative", "[0.1, 5.0, 0.25, 9.0]", 4.0)]
    {
        let rest = rest("[0.0]", "[\"eigenvalue\", \"alignment\"]", "[240]", "1", 0.1)
            .replace("top_eigenvalue", "eigenvalue");
        let scenario = scenario(&several(noise, 1.0, outliers, batch), &rest, &[]);
        let (law, runs) = (law(&scenario, 240), replicas(&scenario, 240, 40));
        for name in (1..=4).flat_map(|i| [format!("eigenvalue[{i}]"), format!("alignment[{i}]")]) {
            let off = standard_errors(&law, &runs, &name);
            assert!(off < 5.0, "{noise}, {name}: {off} standard errors");
        }
    }
}

#[test]
fn the_density_reaches_negative_eigenvalues_with_every_outlier() {
    let text = several("additive", 1.0, "[4.0, -4.0]", 1.0);
    let scenario = scenario(&text, &rest("[0.75, 4.0, 5.0, 9.25]", "\"density\"", "[50]", "1", 0.1), &[]);
    let curve = law(&scenario, 50);
    let density = curve.get("density").unwrap();
    // Outliers at +-4.25, one eigenvalue of 50 each in a window of 0.6; the semicircle of radius 2 at -1 and 0.
    let bulk = |a: f64, b: f64| {
        let below =
            |x: f64| (0.5 * x * (1.0 - 0.25 * x * x).sqrt() + (0.5 * x).asin()) / std::f64::consts::PI;
        (below(b) - below(a)) * 48.0 / 50.0 / 0.6
    };
    let expected = [1.0 / 30.0, bulk(-1.3, -0.7), bulk(-0.3, 0.3), 1.0 / 30.0];
    for (density, expected) in density.iter().zip(expected) {
        assert!((density - expected).abs() < 1e-12, "{density} against {expected}");
    }
}

#[test]
fn outliers_without_meaning_are_refused() {
    let refused = |noise: &str, outliers: &str, message: &str| {
        let text = format!(
            "title = \"x\"\nsource = \"x\"\n[problem]\n{}\n[law]\nstart = \"given\"\n{}",
            several(noise, 1.0, outliers, 1.0),
            rest("[0.0]", "\"top_eigenvalue\"", "[50]", "1", 0.1)
        );
        let source = Source::from_text("x", "x.toml", &text).expect("valid TOML");
        let report = resolve(&source, &Overrides::default()).expect_err("a broken rule").to_string();
        assert!(report.contains(message), "{report}");
    };
    refused("additive", "[3.0, 2.0, 3.0]", "outlier[2]");
    refused("additive", "[3.0, 2.0, 3.0]", "equal outliers share their eigenvectors");
    refused("additive", "0.0", "no outlier");
    refused("additive", "[]", "is empty");
    refused("multiplicative", "[3.0, -2.0]", "has no negative eigenvalue");
    refused("additive", "3.0\ndata_ratio = 0.5", "is more than all data");
    refused("additive", "-3.0\ndata_ratio = 1.0", "every rate is stable");
}

#[test]
fn faults_of_several_outliers_are_refuted() {
    let faults = ["drop=shift", "square=noise", "problem.outlier=1.1", "problem.noise.std=1.1"];
    for (noise, outliers, batch) in
        [("additive", "[4.5, 3.0, -4.0]", 0.5), ("multiplicative", "[8.0, 5.0, 0.15]", 3.0)]
    {
        let rest = rest("[0.0]", "\"eigenvalue\"", "[36, 72, 144]", "[2000, 1000, 400]", 0.02)
            .replace("top_eigenvalue", "eigenvalue");
        refutes(&several(noise, 1.3, outliers, batch), &rest, &faults);
    }
}

#[test]
fn a_batch_of_all_data_has_the_true_hessian() {
    // Nothing is noisy: eigenvalues are the outliers and the bulk one point, 0 or std^2 = 1.69.
    let cases = [("additive", "[4.0, -2.0]", 4.0, 0.0), ("multiplicative", "[6.0, 0.5]", 6.0, 1.69)];
    for (noise, outliers, top, bulk) in cases {
        let text = several(noise, 1.3, outliers, 2.0).replace("-5.0", "0.0") + "\ndata_ratio = 2.0";
        let names = "[\"top_eigenvalue\", \"largest_rate\", \"eigenvalue\", \"alignment\", \"density\"]";
        let scenario = scenario(&text, &rest(&format!("[{bulk:?}, 3.0]"), names, "[40]", "1", 0.1), &[]);
        for curve in [law(&scenario, 40), replicas(&scenario, 40, 1).remove(0)] {
            let other = if noise == "additive" { -2.0 } else { 0.5 };
            for (name, value) in [
                ("top_eigenvalue", top),
                ("largest_rate", 2.0 / top),
                ("eigenvalue[1]", top),
                ("eigenvalue[2]", other),
                ("alignment[1]", 1.0),
                ("alignment[2]", 1.0),
            ] {
                let found = curve.get(name).unwrap()[0];
                assert!((found - value).abs() < 1e-12, "{noise}, {name}: {found} against {value}");
            }
            // 38 of 40 eigenvalues in a window of 0.6 around the bulk, none around 3.
            let density = curve.get("density").unwrap();
            assert!(
                (density[0] - 38.0 / 40.0 / 0.6).abs() < 1e-12 && density[1] == 0.0,
                "{noise}: {density:?}"
            );
        }
        // It is where ever larger batches lead.
        let near = text.replace("batch_ratio = 2.0", "batch_ratio = 1.9999");
        let rest = rest("[0.0]", "\"top_eigenvalue\"", "[40]", "1", 0.1);
        let found = law(&super::scenario(&near, &rest, &[]), 40).values[0][0];
        assert!((found - top).abs() < 1e-4, "{found}");
    }
}
