//! The standard parametrisation: its kernel against a plain iteration of its own, its limit against real networks, and
//! what is refused.

use super::dynamics::{definition, problem, shipped};
use super::pair;
use super::planted::Bench;
use asymptotica::compare::Outcome as Judgement;
use asymptotica::scenario::{Overrides, Source, resolve};
use asymptotica::theory::ntk::limit;

const DATA: &str = "parametrisation = \"standard\"\nactivation = \"erf\"\nweight_std = 1.5\nbias_std = 0.3\n\
                    inputs = { kind = \"given\", x = [[1.0, 0.2], [-0.3, 0.9]] }\n\
                    target = { kind = \"given\", y = [1.0, -1.0] }\nlearning_rate = 0.1\n";

/// T^(l+1) = K(S^l) + W_s^2 K'(S^l) T^l from T^1 = 0, iterated in Python for root-mean-square norms 0.9 and 1.2 at the angle
/// 0.7: entries xx, yy, xy of T, and xy of S.
#[test]
fn the_kernel_is_that_of_all_weights_but_the_first() {
    let cases = [
        (1, [0.582698731038715, 0.6710553951085332, 0.4429898803346085, 1.0867272307528693]),
        (2, [1.1770741697082194, 1.258181251207518, 0.7445738355065323, 0.9137499106699682]),
        (3, [1.874907175258938, 1.9514816312323866, 1.0240560331746549, 0.8509671195203823]),
    ];
    for (layers, expected) in cases {
        let problem = problem(&format!("hidden_layers = {layers}\n{DATA}"));
        let kernels = limit(definition(&problem)).kernels(&pair(0.9, 1.2, 0.7));
        let found = [kernels.ntk[(0, 0)], kernels.ntk[(1, 1)], kernels.ntk[(0, 1)], kernels.nngp[(0, 1)]];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-13, "{layers}: {found} for {expected}");
        }
    }
}

/// Both parametrisations follow their own law, and not each other's.
#[test]
fn the_law_of_the_other_parametrisation_is_refuted() {
    let name = "standard-parametrisation";
    let sound = shipped(name, &[], &[]);
    let bench = Bench::new(&sound);
    let (outcome, sentence) = bench.judge(&sound);
    assert_eq!(outcome, Judgement::Confirmed, "{sentence}");
    for fault in ["drop=parametrisation", "drop=layer", "drop=slope", "hidden_layers+=1"] {
        let (outcome, sentence) = bench.judge(&shipped(name, &[], &[fault]));
        assert_eq!(outcome, Judgement::Refuted, "{fault}: {sentence}");
    }
}

#[test]
fn other_wirings_are_refused() {
    let text = format!(
        "title = \"t\"\nsource = \"t\"\n[problem]\nkind = \"ntk\"\nhidden_layers = 2\n{DATA}\
         architecture = {{ kind = \"residual\", strength = 0.5 }}\n[observe]\ntimes = [1.0]\n[law]\nstart = \
         \"replica\"\n[simulation]\nsizes = [8]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"train_loss\"\n"
    );
    let source = Source::from_text("t", "t.toml", &text).expect("valid TOML");
    let report = resolve(&source, &Overrides::default()).expect_err("refused").to_string();
    assert!(report.contains("fully connected") && report.contains("leave out architecture"), "{report}");
}
