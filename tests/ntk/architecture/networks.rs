//! Finite networks beside their limit, planted faults, refusals.

use super::{REST, planted, scenario, text};
use asymptotica::trajectory::Curve;

const SIMULATION: &str = "[observe]\ntimes = [0.0]\n[simulation]\nmethod = \"direct\"\nseed = 1\n";

/// Every architecture at width 300: kernels and squared outputs at the start.
#[test]
fn wide_networks_have_the_kernels_of_their_limit() {
    for (architecture, keys) in [
        ("{ kind = \"layer-norm\" }", ""),
        ("{ kind = \"residual\", strength = 0.7 }", "activation = \"relu\""),
        ("{ kind = \"residual\", strength = 0.7, layer_norm = \"before\" }", ""),
        ("{ kind = \"residual\", strength = 0.7, layer_norm = \"after\", epsilon = 0.2 }", ""),
        ("{ kind = \"recurrent\", step_dimension = 2, recurrent_std = 1.1 }", ""),
        ("{ kind = \"recurrent\", step_dimension = 2, readout = \"average\" }", "activation = \"relu\""),
        ("{ kind = \"convolution\", filter = 3 }", "activation = \"relu\""),
        (
            "{ kind = \"convolution\", channels = 2, filter = 2, padding = \"zero\", readout = \"average\" }",
            "",
        ),
        ("{ kind = \"tied\" }", "centred = true\nhidden_layers = 1"),
    ] {
        let rest = format!(
            "{SIMULATION}sizes = [300]\nreplicas = 60\n[[panel]]\ny = [\"kernel\", \"f_squared\", \"train_loss\"]\n"
        );
        let scenario = scenario(architecture, keys, &rest);
        let (law, runs) = (planted::law(&scenario, 300), planted::replicas(&scenario, 300, 60));
        for name in ["kernel[1,1]", "kernel[1,2]", "kernel[2,3]", "f_squared[1]", "train_loss"] {
            let gap = planted::standard_errors(&law, &runs, name);
            assert!(gap < 4.0, "{architecture} {name}: {gap} standard errors");
        }
    }
}

/// Squared relative Frobenius deviation of the kernel at each width, and its exponent.
fn deviations(architecture: &str, sizes: &[usize], replicas: &[usize]) -> (Vec<f64>, f64) {
    let list = |numbers: &[usize]| format!("{numbers:?}");
    let rest = format!(
        "{SIMULATION}sizes = {}\nreplicas = {}\n[[panel]]\ny = \"kernel\"\n",
        list(sizes),
        list(replicas)
    );
    let keys = "kernel_points = 4\nhidden_layers = 1";
    let scenario = scenario(architecture, keys, &rest);
    let names: Vec<String> = (1..=4).flat_map(|i| (i..=4).map(move |j| format!("kernel[{i},{j}]"))).collect();
    let entries = |curve: &Curve| -> Vec<f64> {
        names.iter().map(|name| curve.get(name).expect("measured")[0]).collect()
    };
    let squares = |k: &[f64]| -> f64 {
        names
            .iter()
            .zip(k)
            .map(|(name, k)| if name.as_bytes()[7] == name.as_bytes()[9] { 1.0 } else { 2.0 } * k * k)
            .sum()
    };
    let law = entries(&planted::law(&scenario, sizes[0]));
    let mut found = Vec::new();
    for (&size, &count) in sizes.iter().zip(replicas) {
        let runs = planted::replicas(&scenario, size, count);
        let one = |run: &Curve| {
            let gap: Vec<f64> = entries(run).iter().zip(&law).map(|(a, b)| a - b).collect();
            squares(&gap) / squares(&law)
        };
        found.push(runs.iter().map(one).sum::<f64>() / count as f64);
    }
    let points: Vec<(f64, f64)> = sizes.iter().zip(&found).map(|(&n, d)| ((n as f64).ln(), d.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>()
        / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>();
    (found, slope)
}

const SHARED: [&str; 3] = [
    "{ kind = \"recurrent\", step_dimension = 2, readout = \"average\" }",
    "{ kind = \"convolution\", filter = 3 }",
    "{ kind = \"convolution\", filter = 3, readout = \"average\" }",
];

#[test]
fn squared_deviations_of_shared_weights_fall_as_one_over_width() {
    for architecture in SHARED {
        // 200 replicas: a mean square is good to about 10 %, a slope over three octaves to 0.07.
        let (found, slope) = deviations(architecture, &[32, 64, 128, 256], &[200; 4]);
        assert!((slope + 1.0).abs() < 0.25, "{architecture}: {slope} {found:?}");
    }
}

#[test]
#[ignore = "widths to 2^13: minutes and 2 GB"]
fn squared_deviations_over_seven_octaves() {
    let sizes: Vec<usize> = (6..=13).map(|k| 1 << k).collect();
    for architecture in SHARED {
        let (found, slope) = deviations(architecture, &sizes, &[400, 400, 400, 200, 100, 40, 16, 6]);
        println!("{architecture}: exponent {slope:.3}, {found:?}");
        assert!((slope + 1.0).abs() < 0.15, "{architecture}: {slope}");
    }
}

#[test]
fn faults_of_wirings_are_refuted() {
    let claim = |observable: &str| {
        format!(
            "{SIMULATION}sizes = [64, 128, 256]\nreplicas = [800, 400, 200]\n[[panel]]\ny = \"{observable}\"\n[claim]\n\
             observables = [\"{observable}\"]\nmetric = \"relative\"\nresolution = 0.08\nlimit = \"extrapolate\"\n"
        )
    };
    // Steps and positions that resemble each other: what weights share between them carries weight.
    const STEADY: &str =
        "hidden_layers = 1\ninputs = { kind = \"given\", x = [[1.0, 0.4, 0.9, 0.5, 1.1, 0.3]] }";
    for (architecture, keys, faults) in [
        (
            SHARED[0],
            STEADY,
            &["drop=sharing", "drop=slope", "drop=derivative", "drop=pooling", "drop=layer"][..],
        ),
        (SHARED[2], STEADY, &["drop=sharing", "drop=slope", "drop=pooling"][..]),
        (
            "{ kind = \"residual\", strength = 0.8 }",
            "",
            &["drop=slope", "drop=layer", "problem.architecture.strength=1.2"][..],
        ),
    ] {
        planted::refutes(&text(architecture, keys), &claim("kernel[1,1]"), faults);
    }
    // A mean over independent units: the law holds at every width.
    let tied = "activation = \"relu\"\ncentred = true\nhidden_layers = 1\ninputs = { kind = \"arc\", points = 2, angle = 1.0 }\n\
                target = { kind = \"harmonics\", cosine = [0.0, 1.0] }";
    let at_size = claim("kernel[1,2]")
        .replace("[64, 128, 256]", "[128]")
        .replace("[800, 400, 200]", "800")
        .replace("limit = \"extrapolate\"\n", "");
    planted::refutes(&text("{ kind = \"tied\" }", tied), &at_size, &["drop=correlation"]);
}

#[test]
fn impossible_wirings_are_refused_with_a_remedy() {
    let refusal = |architecture: &str, keys: &str| {
        let text = format!("title = \"t\"\nsource = \"t\"\n[problem]\n{}\n{REST}", text(architecture, keys));
        let source = asymptotica::scenario::Source::from_text("t", "t.toml", &text).expect("valid TOML");
        match asymptotica::scenario::resolve(&source, &asymptotica::scenario::Overrides::default()) {
            Ok(_) => panic!("{architecture} is accepted"),
            Err(report) => report.to_string(),
        }
    };
    for (architecture, keys, rule) in [
        ("{ kind = \"recurrent\", step_dimension = 4 }", "", "does not divide the input dimension 6"),
        ("{ kind = \"convolution\", filter = 7 }", "", "larger than the 6 positions"),
        ("{ kind = \"convolution\", channels = 5, filter = 1 }", "", "does not divide"),
        ("{ kind = \"tied\" }", "hidden_layers = 1", "must be true where the readout is tied"),
        ("{ kind = \"tied\" }", "centred = true", "must be 1 where the readout is tied"),
        ("{ kind = \"tied\" }", "activation = \"gelu\"", "no closed form"),
        ("{ kind = \"residual\" }", "", "strength"),
    ] {
        let report = refusal(architecture, keys);
        assert!(report.contains(rule), "{report}");
    }
}
