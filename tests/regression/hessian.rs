//! Batch Hessians.

use super::{law, refutes, replicas, scenario, standard_errors};

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
