//! The figure layer: ticks, markup, clipping, legends, and files that are the same everywhere.

use asymptotica::report::figure::{
    Axis, Curves, Figure, HeatBlock, Heatmap, Layer, Overlay, Panel, ResidualSeries, Residuals, Scale,
};
use asymptotica::report::gallery;
use asymptotica::report::render::scene::{Item, Rect, Role, Shape};
use asymptotica::report::render::{
    Options, RenderError, check_text, compose, markup, render, render_with, ticks,
};

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
        band: String::new(),
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
        y: (0..16).map(|l| 0.008 * (f64::from(l) + 4.0 / 3f64.sqrt())).collect(),
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

/// Awkward input: one point, constants, huge residuals, long words, ranges below a decade and of 40 decades.
#[test]
#[ignore = "writes example pictures into the target folder"]
fn awkward_examples() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let x: Vec<f64> = (1..=30).map(f64::from).collect();
    let base = |title: &str, x: Axis, y: Axis| Curves { title: title.into(), x, y, ..Curves::default() };
    let mut one = base("one point", Axis::linear("$t$"), Axis::log("$e$_{g}"));
    one.layers.push(Layer::points("", 0, vec![3.0], vec![0.37], vec![0.02]));
    let mut constant =
        base("a constant law, residuals far out", Axis::linear("$t$"), Axis::linear("$Q_{11}$"));
    constant.layers.push(Layer::theory("", 1, x.clone(), vec![0.7; 30]));
    constant.layers.push(Layer::points(
        "",
        1,
        x.clone(),
        x.iter().map(|t| 0.7 + 1e-4 * t).collect(),
        vec![1e-5; 30],
    ));
    constant.residuals = Some(Residuals {
        series: vec![ResidualSeries {
            color: 1,
            style: 1,
            x: x.clone(),
            z: x.iter().map(|t| 10.0 * t - 8.0).collect(),
        }],
    });
    let mut narrow = base(
        "less than a decade",
        Axis::log("$α$ = $n$ / $d$"),
        Axis::log("generalisation error, averaged over the test set and over all replicas that finished"),
    );
    narrow.layers.push(Layer::theory(
        "",
        2,
        x.iter().map(|v| 1.0 + 0.02 * v).collect(),
        x.iter().map(|v| 2.3e-5 + 3e-7 * v).collect(),
    ));
    let mut wide = base("forty decades", Axis::linear("$t$"), Axis::log("$e$_{g}"));
    wide.layers.push(Layer::theory("loss", 3, x.clone(), x.iter().map(|t| (-3.0 * t).exp()).collect()));
    let mut offset = base("offset and large numbers", Axis::linear("updates"), Axis::linear("$y$"));
    offset.layers.push(Layer::theory(
        "a long label that says what the series is, at length",
        4,
        x.iter().map(|t| 1e5 * t).collect(),
        x.iter().map(|t| 1.0 + 1e-3 * t).collect(),
    ));
    let big = Heatmap {
        title: "$Q$, 16 by 16".into(),
        ..Heatmap { row_labels: Vec::new(), column_labels: Vec::new(), ..heat_panel("Q", 16, 16) }
    };
    let panels = vec![
        Panel::Curves(one),
        Panel::Curves(constant),
        Panel::Curves(narrow),
        Panel::Curves(wide),
        Panel::Curves(offset),
        Panel::Heatmap(big),
    ];
    let alone = Figure {
        title: "One heat map".into(),
        panels: vec![Panel::Heatmap(heat_panel("R", 5, 3))],
        ..Figure::default()
    };
    for (name, figure) in [("awkward", figure_of(panels)), ("alone", alone)] {
        let rendered = render(&figure).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), &rendered.png).unwrap();
        println!("{}/{name}: png {} kB", folder.display(), rendered.png.len() / 1000);
    }
}

fn labels(ticks: &ticks::Ticks) -> Vec<&str> {
    ticks.major.iter().map(|(_, label)| label.as_str()).collect()
}

#[test]
fn linear_ticks_are_round_numbers() {
    let ticks = ticks::linear(-0.03, 1.04, 6);
    assert_eq!(labels(&ticks), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    assert_eq!(ticks.major[3].0, 0.6);
    assert!(ticks.minor.iter().all(|v| ticks.major.iter().all(|(w, _)| (v - w).abs() > 0.01)));
    assert_eq!(labels(&ticks::linear(-7.2, 16.1, 5)), ["\u{2212}5", "0", "5", "10", "15"]);
    let shared = ticks::linear(4.6e-4, 1.9e-3, 4);
    assert_eq!((labels(&shared), shared.exponent), (vec!["0.5", "1.0", "1.5"], Some(-3)));
    let large = ticks::linear(0.0, 3.1e6, 4);
    assert_eq!((labels(&large), large.exponent), (vec!["0", "1", "2", "3"], Some(6)));
}

#[test]
fn logarithmic_ticks_are_decades_where_there_are_enough() {
    let decades = ticks::log(0.07, 1.4e4, 9);
    assert_eq!(labels(&decades), ["10^{\u{2212}1}", "10^{0}", "10^{1}", "10^{2}", "10^{3}", "10^{4}"]);
    assert!(
        decades.minor.contains(&0.07) && decades.minor.contains(&3000.0) && !decades.minor.contains(&100.0)
    );
    let many = ticks::log(1e-39, 2.0, 6);
    assert!((3..=6).contains(&many.major.len()), "{:?}", many.major);
    assert_eq!(labels(&ticks::log(45.0, 880.0, 8)), ["50", "100", "200", "500"]);
    assert_eq!(
        labels(&ticks::log(4e-5, 3e-4, 6)),
        ["5×10^{\u{2212}5}", "10^{\u{2212}4}", "2×10^{\u{2212}4}"]
    );
    // Less than a third of a decade: linear ticks on the logarithmic axis.
    assert_eq!(labels(&ticks::log(0.347, 0.392, 5)), ["0.35", "0.36", "0.37", "0.38", "0.39"]);
}

#[test]
fn labels_of_a_residual_strip_do_not_touch() {
    // Half a strip is 20 pt high; numbers of 7.5 pt need as much between their middles.
    let between = |shares: Vec<f64>| {
        let gaps = shares.windows(2).map(|pair| 20.0 * (pair[1] - pair[0]));
        gaps.fold(f64::INFINITY, f64::min)
    };
    for tenths in 34..=168 {
        let limit = f64::from(tenths) / 10.0;
        let shares = ticks::residual(limit).major.iter().map(|(v, _)| v / limit).collect();
        assert!(between(shares) >= 7.5, "limit {limit}");
    }
    let labels =
        |ticks: ticks::Ticks| ticks.major.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ");
    assert_eq!(labels(ticks::residual(10.0)), "\u{2212}5 0 5");
    assert_eq!(labels(ticks::bent_residual(30.0)), "\u{2212}20 \u{2212}2 0 2 20");
    assert_eq!(labels(ticks::bent_residual(7e4)), "\u{2212}5×10^{4} \u{2212}2 0 2 5×10^{4}");
    // Up to 2 linear in two fifths, then logarithmic up to the limit.
    for limit in [21.0, 49.9, 400.0, 1e6] {
        let share = |v: f64| match v.abs() / 2.0 {
            v if v <= 1.0 => 0.4 * v,
            v => 0.4 + 0.6 * v.ln() / (limit / 2.0f64).ln(),
        };
        let ticks = ticks::bent_residual(limit).major;
        let shares = ticks.iter().map(|(v, _)| v.signum() * share(*v)).collect();
        assert!(between(shares) >= 7.5, "limit {limit}");
    }
}

#[test]
fn a_bent_residual_strip_says_so() {
    let mut curves = Curves {
        layers: vec![Layer::theory("", 0, vec![1.0, 2.0], vec![1.0, 2.0])],
        residuals: Some(Residuals {
            series: vec![ResidualSeries { color: 0, style: 0, x: vec![1.0, 2.0], z: vec![2.0, 40.0] }],
        }),
        ..Curves::default()
    };
    let text = |curves: &Curves| compose(&only(curves.clone())).unwrap();
    let words = |scene: &asymptotica::report::render::Scene| format!("{:?}", scene.items);
    assert!(words(&text(&curves)).contains("logarithmic"));
    if let Some(residuals) = &mut curves.residuals {
        residuals.series[0].z[1] = 9.0;
    }
    assert!(!words(&text(&curves)).contains("logarithmic"));
}

#[test]
fn scripts_stack_and_formula_letters_lean() {
    use markup::{Run, line};
    let regular = line("e", 10.0, markup::Face::Regular).unwrap();
    let set = line("$e_{g}^{*}$/σ^{-2}", 10.0, markup::Face::Regular).unwrap();
    let run = |text: &str| -> Run { set.runs.iter().find(|run| run.text == text).unwrap().clone() };
    let (base, sub, sup) = (run("e"), run("g"), run("*"));
    assert_eq!(
        (base.face, sub.face, sup.face),
        (markup::Face::Italic, markup::Face::Italic, markup::Face::Regular)
    );
    assert!(sub.rise < 0.0 && sup.rise > 0.0 && sub.size < base.size);
    assert!((sub.x - sup.x).abs() < 1.0 && sub.x >= regular.width, "stacked behind the letter");
    assert_eq!(run("/σ").face, markup::Face::Regular);
    assert_eq!(run("-2").size, sup.size);
    let end = set.runs.iter().map(|run| run.x).fold(0.0, f64::max);
    assert!(set.width > end);
    // A plain underscore is text, a backslash takes the next character literally.
    assert_eq!(markup::plain("test_error \\$5 10^{-3}").unwrap(), "test_error $5 10^-3");
}

#[test]
fn paragraphs_break_at_spaces_within_the_width() {
    let text = "one-pass stochastic gradient descent on a soft committee machine";
    let lines = markup::wrap(text, 9.0, markup::Face::Bold, 120.0).unwrap();
    assert!(lines.len() > 1 && lines.iter().all(|line| line.width <= 120.0));
    let words: Vec<&str> = lines.iter().flat_map(|line| &line.runs).map(|run| run.text.as_str()).collect();
    assert_eq!(words.join(" "), text);
}

#[test]
fn unprintable_and_malformed_text_is_refused() {
    let figure = |title: &str| Figure { title: title.into(), ..Figure::default() };
    assert_eq!(
        render(&figure("error ∝ 1/d")),
        Err(RenderError::Text(markup::MarkupError::Glyph { character: '∝' }))
    );
    let message = render(&figure("a \u{4e2d} b")).unwrap_err().to_string();
    assert!(message.contains('\u{4e2d}') && message.contains("U+4E2D"), "{message}");
    assert!(matches!(check_text("10^{-3"), Err(markup::MarkupError::Syntax { .. })));
    assert!(matches!(check_text("$t"), Err(markup::MarkupError::Syntax { .. })));
    assert!(matches!(check_text("x_{1}_{2}"), Err(markup::MarkupError::Syntax { .. })));
    check_text("αβγδεζηθικλμνξοπρσςτυφχψω ΓΔΘΛΞΠΣΦΨΩ ± × · − ≤ ≥ ≈ ≠ ∞ √ ∂ ∑ ∫ → … “” ’ °").unwrap();
}

fn only(curves: Curves) -> Figure {
    Figure { panels: vec![Panel::Curves(curves)], ..Figure::default() }
}

fn of_role(items: &[Item], role: Role) -> Vec<&Item> {
    items.iter().filter(|item| item.role == role).collect()
}

#[test]
fn nothing_is_drawn_outside_the_axes_or_moved_onto_them() {
    let x = vec![0.5, 2.3, 3.7, 9.1];
    let y = vec![2.2, 4.4, 70.0, 3.1];
    let curves = Curves {
        x: Axis { range: Some((1.7, 6.3)), ..Axis::linear("$t$") },
        y: Axis { range: Some((1.3, 8.9)), ..Axis::linear("$y$") },
        layers: vec![
            Layer::theory("law", 0, x.clone(), y.clone()),
            Layer::points("law", 0, x, y, vec![0.9, 30.0, 0.4, 0.4]).with_spread(vec![3.0; 4]),
        ],
        ..Curves::default()
    };
    let scene = compose(&only(curves)).unwrap();
    let frame = scene.panels[0].frame;
    let markers = of_role(&scene.items, Role::Marker);
    assert_eq!(markers.len(), 1, "three of the four points are outside");
    let share = (2.3 - 1.7) / (6.3 - 1.7);
    let Shape::Circle { center, .. } = markers[0].shape else { panic!("{markers:?}") };
    assert!((center.0 - frame.left - share * frame.width()).abs() < 1e-9);
    for item in &scene.items {
        if [Role::Line, Role::Band, Role::Bar, Role::Reference, Role::Shade].contains(&item.role) {
            let bounds = item.bounds();
            // A cap of an error bar is a little wider than its point.
            let room = frame.grown(1e-6);
            assert!(
                room.contains((bounds.left, bounds.top)) && room.contains((bounds.right, bounds.bottom)),
                "{item:?}"
            );
        }
    }
    // The bar of the point inside runs to both sides of the frame and has no cap there.
    let bars = of_role(&scene.items, Role::Bar);
    assert_eq!(bars.len(), 2, "{bars:?}");
}

#[test]
fn values_that_a_logarithmic_axis_cannot_show_are_counted() {
    let curves = Curves {
        x: Axis::log("$t$"),
        y: Axis::log("$e$"),
        layers: vec![Layer::points(
            "sim",
            2,
            vec![0.0, 1.3, 2.9, 7.7, 11.0],
            vec![0.3, -0.2, 0.04, f64::NAN, 0.02],
            vec![0.01, 0.01, 0.09, 0.01, 0.003],
        )],
        ..Curves::default()
    };
    let scene = compose(&only(curves)).unwrap();
    assert_eq!(of_role(&scene.items, Role::Marker).len(), 2);
    let words: Vec<String> = texts(&scene.items);
    assert!(words.iter().any(|t| t == "Notshown:2valuesnotpositive(logarithmicaxis)."), "{words:?}");
    assert!(words.iter().any(|t| t == "Notshown:1valuenotfinite."), "{words:?}");
    // The bar that reaches below zero ends in an arrow of three points at the frame.
    let arrow = of_role(&scene.items, Role::Bar).into_iter().find_map(|item| match &item.shape {
        Shape::Path { points, .. } if points.len() == 3 => Some(points[1].1),
        _ => None,
    });
    assert_eq!(arrow, Some(scene.panels[0].frame.bottom));
}

/// Every line of text without its spaces.
fn texts(items: &[Item]) -> Vec<String> {
    let text = |item: &Item| match &item.shape {
        Shape::Text { line, .. } => Some(line.runs.iter().map(|run| run.text.as_str()).collect()),
        _ => None,
    };
    items.iter().filter_map(text).collect()
}

/// Whether a segment comes within a rectangle, by sampling it finely: another way than the one drawn with.
fn crosses(points: &[(f64, f64)], rect: &Rect) -> bool {
    points.windows(2).any(|pair| {
        (0..=2000).any(|i| {
            let s = f64::from(i) / 2000.0;
            rect.contains((pair[0].0 + s * (pair[1].0 - pair[0].0), pair[0].1 + s * (pair[1].1 - pair[0].1)))
        })
    })
}

#[test]
fn a_legend_inside_a_frame_covers_no_data() {
    let mut inside = 0;
    for panel in
        [plateau_panel(true), plateau_panel(false), overlap_panel(), sweep_panel(true), sweep_panel(false)]
    {
        let scene = compose(&only(panel)).unwrap();
        let Some(legend) = scene.panels[0].legend else { continue };
        inside += 1;
        let frame = scene.panels[0].frame;
        assert!(frame.contains((legend.left, legend.top)) && frame.contains((legend.right, legend.bottom)));
        for item in scene.items.iter().filter(|item| item.role.shows_data()) {
            let covered = match &item.shape {
                Shape::Path { points, .. } => crosses(points, &legend),
                Shape::Polygon(points) => {
                    let closed: Vec<_> = points.iter().chain(points.first()).copied().collect();
                    crosses(&closed, &legend)
                }
                Shape::Block(_) | Shape::Circle { .. } | Shape::Text { .. } => item.bounds().meets(&legend),
            };
            assert!(!covered, "{item:?} under the legend at {legend:?}");
        }
        for item in of_role(&scene.items, Role::Legend) {
            if item.bounds().top < frame.bottom {
                let room = legend.grown(0.01);
                let bounds = item.bounds();
                assert!(
                    room.contains((bounds.left, bounds.top)) && room.contains((bounds.right, bounds.bottom))
                );
            }
        }
    }
    assert!(inside >= 4, "{inside} legends found room");
}

#[test]
fn a_legend_without_room_goes_under_the_frame() {
    let mut panel = Curves { x: Axis::linear("$t$"), y: Axis::linear("$y$"), ..Curves::default() };
    for series in 0..5 {
        let x: Vec<f64> = (0..400).map(f64::from).collect();
        let y = (0..400).map(|i| if i % 2 == series % 2 { 0.3 } else { 7.7 + series as f64 }).collect();
        panel.layers.push(Layer::theory(format!("series {series}"), series, x, y));
    }
    let scene = compose(&only(panel)).unwrap();
    let geometry = &scene.panels[0];
    assert_eq!(geometry.legend, None);
    let rows = of_role(&scene.items, Role::Legend);
    assert!(!rows.is_empty() && rows.iter().all(|item| item.bounds().top > geometry.frame.bottom));
}

/// No text leaves the page or lies on another text.
#[test]
fn texts_keep_apart_and_stay_on_the_page() {
    let panels = vec![
        Panel::Curves(plateau_panel(true)),
        Panel::Curves(overlap_panel()),
        Panel::Heatmap(heat_panel("Q", 4, 4)),
        Panel::Curves(sweep_panel(true)),
        Panel::Curves(sweep_panel(false)),
        Panel::Heatmap(heat_panel("R", 5, 2)),
    ];
    for columns in 1..=3 {
        let scene = compose(&Figure { columns: Some(columns), ..figure_of(panels.clone()) }).unwrap();
        let page = Rect::new(0.0, 0.0, scene.width, scene.height);
        let boxes: Vec<Rect> = scene
            .items
            .iter()
            .filter(|item| matches!(item.shape, Shape::Text { .. }))
            .map(|item| item.bounds().grown(-0.3))
            .collect();
        for (i, a) in boxes.iter().enumerate() {
            assert!(
                page.contains((a.left, a.top)) && page.contains((a.right, a.bottom)),
                "{a:?} off the page"
            );
            assert!(boxes[..i].iter().all(|b| !a.meets(b)), "{a:?} on another text, {columns} columns");
        }
    }
}

#[test]
fn the_part_outside_the_claim_is_shaded() {
    let scene = compose(&only(plateau_panel(true))).unwrap();
    let shades = of_role(&scene.items, Role::Shade);
    // Between two windows that begin with the first point and end with the last, in frame and strip.
    assert_eq!(shades.len(), 2);
    let within = Curves { windows: vec![(0.3, 80.0), (2000.0, 5e3)], ..plateau_panel(false) };
    assert_eq!(of_role(&compose(&only(within)).unwrap().items, Role::Shade).len(), 3);
    let claimed = Curves { windows: vec![(0.01, 1e6)], ..plateau_panel(false) };
    let scene = compose(&only(claimed)).unwrap();
    assert!(of_role(&scene.items, Role::Shade).is_empty());
    assert!(!texts(&scene.items).iter().any(|text| text == "outsidetheclaim"));
}

#[test]
fn empty_panels_say_so() {
    let curves = Curves { x: Axis::linear("$t$"), y: Axis::log("$e$"), ..Curves::default() };
    let lost = Curves {
        layers: vec![Layer::points("", 0, vec![1.5, 2.5], vec![-0.3, f64::NAN], vec![0.1, 0.1])],
        ..curves.clone()
    };
    for panel in [Panel::Curves(curves), Panel::Curves(lost), Panel::Heatmap(Heatmap::default())] {
        let figure = Figure { panels: vec![panel], ..Figure::default() };
        assert!(texts(&compose(&figure).unwrap().items).iter().any(|text| text == "nodata"));
        render(&figure).unwrap();
    }
    render(&Figure::default()).unwrap();
}

#[test]
fn inconsistent_figures_are_refused() {
    let curves = |layer| only(Curves { layers: vec![layer], ..Curves::default() });
    let short = Layer::points("sim", 0, vec![1.5, 2.5], vec![0.3, 0.4], vec![0.1]);
    assert!(matches!(render(&curves(short)), Err(RenderError::Lengths { left: 2, right: 1, .. })));
    let ragged = Heatmap {
        blocks: vec![HeatBlock { name: "theory".into(), values: vec![vec![0.3, 0.4], vec![0.5]] }],
        ..Heatmap::default()
    };
    let figure = Figure { panels: vec![Panel::Heatmap(ragged)], ..Figure::default() };
    assert!(matches!(render(&figure), Err(RenderError::Lengths { .. })));
    let axis = Axis { label: "$t$".into(), scale: Scale::Log, range: Some((-2.0, 3.0)) };
    assert!(matches!(render(&only(Curves { x: axis, ..sweep_panel(true) })), Err(RenderError::Range { .. })));
    let columns = Figure { columns: Some(0), ..Figure::default() };
    assert!(matches!(render(&columns), Err(RenderError::Columns { .. })));
}

#[test]
fn equal_figures_give_equal_bytes_of_the_right_size() {
    let figure = figure_of(vec![Panel::Curves(plateau_panel(true)), Panel::Heatmap(heat_panel("R", 4, 3))]);
    let first = render(&figure).unwrap();
    assert_eq!(first, render(&figure.clone()).unwrap());
    assert!(
        !first.svg.contains("<text")
            && !first.svg.contains("NaN")
            && first.svg.contains("width=\"180.00mm\"")
    );
    assert!(first.png.len() < 200_000, "{} bytes", first.png.len());
    let scene = compose(&figure).unwrap();
    for width in [1400, 700] {
        let file = render_with(&figure, &Options { png_width: width }).unwrap().png;
        let picture = resvg::tiny_skia::Pixmap::decode_png(&file).unwrap();
        let height = f64::from(width) * scene.height / scene.width;
        assert_eq!(picture.width(), width);
        assert!((f64::from(picture.height()) - height).abs() < 1.0);
    }
    // The delivered outlines are what the PNG shows.
    let tree = resvg::usvg::Tree::from_str(&first.svg, &resvg::usvg::Options::default()).unwrap();
    assert!((f64::from(tree.size().width()) - 180.0 / 25.4 * 96.0).abs() < 0.1);
}

#[test]
fn neighbouring_series_differ_in_grey_print() {
    let mut panel = Curves { x: Axis::linear("$t$"), y: Axis::linear("$y$"), ..Curves::default() };
    for series in 0..16 {
        let level = series as f64 + 0.7;
        panel.layers.push(Layer::theory(format!("law {series}"), series, vec![0.3, 9.7], vec![level; 2]));
    }
    let scene = compose(&only(panel)).unwrap();
    let strokes = |series: usize| -> Vec<i64> {
        let lines = of_role(&scene.items, Role::Line);
        let mut heights: Vec<f64> = lines.iter().map(|item| item.bounds().top).collect();
        heights.sort_by(f64::total_cmp);
        heights.dedup();
        let height = heights[heights.len() - 1 - series];
        let on = lines.iter().filter(|item| item.bounds().top == height).take(4);
        on.map(|item| (10.0 * item.bounds().width()).round() as i64).collect()
    };
    for series in 0..15 {
        assert_ne!(strokes(series), strokes(series + 1), "series {series}");
    }
}

#[test]
fn the_gallery_is_one_page_and_escapes_its_texts() {
    let entry = gallery::Entry {
        id: "plateau".into(),
        title: "K < M & \"noise\"".into(),
        source: "Goldt et al. | 2019".into(),
        image: "plateau/figure 1.png".into(),
        verdicts: vec!["confirmed: e_g within 5 %".into()],
        expected_time: Some("about 20 s".into()),
    };
    let page = gallery::html(std::slice::from_ref(&entry));
    assert!(
        page.contains("K &lt; M &amp; &quot;noise&quot;") && page.contains("src=\"plateau/figure%201.png\"")
    );
    assert!(page.contains("confirmed: e_g within 5 %") && page.contains("about 20 s"));
    assert!(!page.contains("http") && !page.contains("<script") && !page.contains("url("));
    let table = gallery::markdown(&[entry]);
    assert_eq!(table.lines().count(), 3);
    assert!(table.contains("Goldt et al. &#124; 2019") && table.contains("e\\_g"));
}
