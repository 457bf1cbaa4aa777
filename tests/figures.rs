//! The figure layer: ticks, markup, clipping, legends, and files that are the same everywhere.

use asymptotica::report::figure::{
    Axis, Curves, Figure, HeatBlock, Heatmap, Layer, Overlay, Panel, ResidualSeries, Residuals, Scale,
};
use asymptotica::report::render::{self, RenderError, render};

/// Deterministic noise of unit variance or so, for pictures only.
fn noise(seed: usize) -> f64 {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut sum = 0.0;
    for _ in 0..12 {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        sum += (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64;
    }
    sum - 6.0
}

fn log_spaced(lo: f64, hi: f64, points: usize) -> Vec<f64> {
    let ratio = (hi / lo).ln() / (points - 1) as f64;
    (0..points).map(|i| lo * (ratio * i as f64).exp()).collect()
}

/// A curve that falls to a plateau, escapes, and settles.
fn plateau(t: f64, escape: f64, floor: f64) -> f64 {
    let plateau = 0.029 + 0.5 * (-t / 2.0).exp();
    floor + plateau / (1.0 + (t / escape).powf(3.0))
}

fn plateau_panel(residuals: bool) -> Curves {
    let mut layers = Vec::new();
    let mut strips = Vec::new();
    let cases = [("$K$ = 2", 1e9, 1e-5), ("$K$ = 4", 320.0, 2.2e-5), ("$K$ = 6", 190.0, 5.4e-5)];
    for (series, (label, escape, floor)) in cases.into_iter().enumerate() {
        let law = |t: f64| plateau(t, escape, floor);
        let fine = log_spaced(0.1, 1e4, 400);
        let y: Vec<f64> = fine.iter().map(|&t| law(t)).collect();
        let times = log_spaced(0.1, 1e4, 40);
        let std: Vec<f64> = times
            .iter()
            .map(|&t| {
                let slope = (law(1.02 * t) - law(t)).abs() / (0.02 * law(t));
                law(t) * (0.06 + 0.45 * slope)
            })
            .collect();
        let error: Vec<f64> = std.iter().map(|s| s / 4.0).collect();
        let shift = |i: usize| noise(97 * series + i);
        let mean: Vec<f64> = (0..40).map(|i| law(times[i]) + error[i] * shift(i)).collect();
        strips.push(ResidualSeries {
            color: series,
            style: series,
            x: times.clone(),
            z: (0..40).map(shift).collect(),
        });
        layers.push(Layer::theory(label, series, fine, y));
        layers.push(Layer::points(label, series, times, mean, error).with_spread(std));
    }
    Curves {
        title: "generalisation error".into(),
        x: Axis::log("$t$ = samples / $d$"),
        y: Axis::log("$e$_{g}"),
        layers,
        windows: vec![(0.1, 80.0), (2000.0, 1e4)],
        residuals: residuals.then_some(Residuals { series: strips }),
        notes: Vec::new(),
    }
}

fn overlap_panel() -> Curves {
    let mut layers = Vec::new();
    for series in 0..8 {
        let (i, n) = (series / 4 + 1, series % 4 + 1);
        let law = |t: f64| {
            let end = if i == n { 0.95 } else { 0.04 * n as f64 - 0.1 };
            0.3 + (end - 0.3) / (1.0 + (-(t - 150.0 - 9.0 * series as f64) / 22.0).exp())
                - 0.28 * (-t / 12.0).exp()
        };
        let fine: Vec<f64> = (0..300).map(f64::from).collect();
        let times: Vec<f64> = (0..25).map(|k| 12.0 * f64::from(k)).collect();
        let mean = times.iter().enumerate().map(|(k, &t)| law(t) + 0.006 * noise(31 * series + k)).collect();
        let label = format!("$R$_{{{i}{n}}}");
        layers.push(Layer::theory(&label, series, fine.clone(), fine.iter().map(|&t| law(t)).collect()));
        layers.push(Layer::points(&label, series, times, mean, vec![0.006; 25]));
    }
    Curves {
        title: "teacher-student overlaps".into(),
        x: Axis::linear("$t$"),
        y: Axis::linear("$R_{in}$"),
        layers,
        ..Curves::default()
    }
}

fn matrix(rows: usize, columns: usize, seed: usize, scale: f64) -> Vec<Vec<f64>> {
    let entry = |i: usize, j: usize| {
        let law = if i % columns == j { 0.97 } else { -0.08 * ((i + 2 * j) % 3) as f64 + 0.03 };
        law + scale * noise(seed + i * columns + j)
    };
    (0..rows).map(|i| (0..columns).map(|j| entry(i, j)).collect()).collect()
}

fn heat_panel(name: &str, rows: usize, columns: usize) -> Heatmap {
    Heatmap {
        title: format!("${name}$ at $t$ = 10^{{4}}"),
        row_labels: (1..=rows).map(|i| i.to_string()).collect(),
        column_labels: (1..=columns).map(|i| i.to_string()).collect(),
        blocks: vec![
            HeatBlock { name: "theory".into(), values: matrix(rows, columns, 5, 0.0) },
            HeatBlock { name: "simulation".into(), values: matrix(rows, columns, 5, 0.02) },
        ],
        notes: Vec::new(),
    }
}

fn sweep_panel(log: bool) -> Curves {
    let mut layers = Vec::new();
    let cases = [
        ("erf, $M$ = 4", 0.0191, 0.0114),
        ("erf, $M$ = 8", 0.041, 0.0117),
        ("linear, $M$ = 4", 0.0556, 0.0264),
    ];
    for (series, (label, start, slope)) in cases.into_iter().enumerate() {
        let x: Vec<f64> = (0..16).map(f64::from).collect();
        let law: Vec<f64> = x.iter().map(|l| start + slope * l).collect();
        let error: Vec<f64> = law.iter().map(|v| 0.02 * v).collect();
        let mean = (0..16).map(|i| law[i] + error[i] * noise(13 * series + i)).collect();
        layers.push(Layer::theory(label, series, x.clone(), law));
        layers.push(Layer::points(label, series, x, mean, error));
    }
    let formula = Overlay::Curve {
        x: (0..16).map(f64::from).collect(),
        y: (0..16).map(|l| 0.05 / 6.283 * (f64::from(l) + 4.0 / 3f64.sqrt())).collect(),
    };
    layers.push(Layer::overlay("small-η formula", 0, formula));
    layers.push(Layer::overlay("noise floor", 1, Overlay::Horizontal(0.016)));
    let y = "$e_{g}^{*}$ / $σ$^{2}";
    Curves {
        title: "final error against the number of spare units".into(),
        x: Axis::linear("$L$ = $K$ − $M$"),
        y: if log { Axis::log(y) } else { Axis::linear(y) },
        layers,
        ..Curves::default()
    }
}

fn figure_of(panels: Vec<Panel>) -> Figure {
    Figure {
        title: "Specialisation plateau of soft committee machines with 2, 4 and 6 hidden units that learn from a \
                teacher with 4 hidden units by one-pass stochastic gradient descent"
            .into(),
        source: "Goldt et al., NeurIPS 2019, arXiv:1906.08632, Fig. 1b; $d$ = 784, η = 0.2, σ = 0.016, 16 replicas".into(),
        panels,
        footnote: Some(
            "confirmed: generalisation_error within ±5 % of the law on all claimed points (largest gap 1.3 %, \
             simultaneous 95 % band [−2.9 %, 3.8 %] at $t$ = 2.1×10^{3}, $K$ = 4; 16 replicas)\n\
             undecided: $R_{11}$ (band reaches 6.1 %; 24 replicas would decide)"
                .into(),
        ),
        columns: None,
    }
}

/// Pictures to look at: `cargo test --release --test figures -- --ignored` writes them under `target/`.
#[test]
#[ignore = "writes example pictures into the target folder"]
fn examples() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let many = {
        let mut panel = Curves {
            title: "sixteen series".into(),
            x: Axis::linear("$t$"),
            y: Axis::linear("$Q_{ik}$"),
            ..Curves::default()
        };
        for series in 0..16 {
            let law = |t: f64| (0.1 * series as f64 + 0.2) * (1.0 - (-t / (4.0 + series as f64)).exp());
            let fine: Vec<f64> = (0..200).map(|i| 0.1 * f64::from(i)).collect();
            let x: Vec<f64> = (0..20).map(f64::from).collect();
            let label = format!("$Q_{{{},{}}}$", series / 4 + 1, series % 4 + 1);
            panel.layers.push(Layer::theory(
                &label,
                series,
                fine.clone(),
                fine.iter().map(|&t| law(t)).collect(),
            ));
            let y = x.iter().map(|&t| law(t)).collect();
            panel.layers.push(Layer::points(&label, series, x, y, vec![0.01; 20]));
        }
        panel
    };
    let diverging = {
        let x = log_spaced(0.3, 40.0, 60);
        let y: Vec<f64> = x.iter().map(|t| 3e-4 / (1.0 - t / 41.0)).collect();
        let t: Vec<f64> = (0..9).map(|i| 5.0 * f64::from(i)).collect();
        let means: Vec<f64> =
            t.iter().map(|t| 3e-4 / (1.0 - t / 41.0) - if *t == 10.0 { 1e-3 } else { 0.0 }).collect();
        Curves {
            title: "beyond the stable step".into(),
            x: Axis { range: Some((0.25, 60.0)), ..Axis::log("$t$") },
            y: Axis::log("$e$_{g}"),
            layers: vec![
                Layer::theory("$η$ = 2.1", 0, x, y).diverged_at(40.9),
                Layer::points("$η$ = 2.1", 0, t, means, vec![5e-4; 9]),
                Layer::overlay("$t$_{max}", 0, Overlay::Vertical(41.0)),
            ],
            ..Curves::default()
        }
    };
    let empty = Curves {
        title: "nothing yet".into(),
        x: Axis::linear("$t$"),
        y: Axis::log("$e$_{g}"),
        ..Curves::default()
    };
    let small = Curves {
        title: "fluctuations".into(),
        x: Axis::log("$d$"),
        y: Axis::linear("sd($R_{11}$)"),
        layers: vec![Layer::points(
            "",
            0,
            vec![50.0, 100.0, 200.0, 400.0, 800.0],
            vec![1.8e-3, 1.3e-3, 9.2e-4, 6.5e-4, 4.6e-4],
            vec![5e-5; 5],
        )],
        ..Curves::default()
    };
    let figures = [
        ("plateau", figure_of(vec![Panel::Curves(plateau_panel(true))])),
        (
            "four",
            figure_of(vec![
                Panel::Curves(plateau_panel(true)),
                Panel::Curves(overlap_panel()),
                Panel::Heatmap(heat_panel("Q", 4, 4)),
                Panel::Heatmap(heat_panel("R", 4, 4)),
            ]),
        ),
        ("sweep", figure_of(vec![Panel::Curves(sweep_panel(true)), Panel::Curves(sweep_panel(false))])),
        (
            "three",
            figure_of(vec![
                Panel::Curves(plateau_panel(false)),
                Panel::Curves(diverging.clone()),
                Panel::Heatmap(heat_panel("Q", 5, 2)),
            ]),
        ),
        (
            "corner",
            figure_of(vec![
                Panel::Curves(many),
                Panel::Curves(diverging),
                Panel::Curves(empty),
                Panel::Curves(small),
            ]),
        ),
    ];
    for (name, figure) in figures {
        let rendered = render(&figure).unwrap();
        std::fs::write(folder.join(format!("{name}.svg")), &rendered.svg).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), &rendered.png).unwrap();
        println!(
            "{}/{name}: svg {} kB, png {} kB",
            folder.display(),
            rendered.svg.len() / 1000,
            rendered.png.len() / 1000
        );
    }
}
