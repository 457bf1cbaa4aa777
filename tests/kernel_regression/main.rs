//! Learning curves of kernel regression: spectra against closed forms, the law against known limits, both roads, faults.

#[path = "../common/planted.rs"]
mod planted;

use asymptotica::problem::kernel_regression::{Activation, DotProduct, Kernel, KernelRegression};
use asymptotica::problem::ntk::Nonlinearity;
use asymptotica::theory::kernel_regression::{Learnt, Spectrum, multiplicity};
use asymptotica::theory::ntk::Network;
use nalgebra::DMatrix;
use planted::{law, refutes, replicas, scenario, standard_errors};

fn network(tangent: bool, activation: Activation, hidden_layers: usize, bias_std: f64) -> DotProduct {
    DotProduct::Network { tangent, activation, hidden_layers, weight_std: 1.3, bias_std }
}

fn binomial(n: usize, k: usize) -> f64 {
    (1..=k).fold(1.0, |b, i| b * (n - k + i) as f64 / i as f64)
}

#[test]
fn multiplicities_are_those_of_harmonic_polynomials() {
    for d in [2, 3, 5, 17] {
        for k in 0..8_usize {
            let below = if k >= 2 { binomial(k + d - 3, d - 1) } else { 0.0 };
            let expected = binomial(k + d - 1, d - 1) - below;
            assert!((multiplicity(d, k) - expected).abs() < 1e-9 * expected, "{d} {k}");
        }
    }
}

/// e^(t - 1) in three dimensions: modified spherical Bessel functions i_k(1) over e.
#[test]
fn the_spectrum_of_an_exponential_is_bessel_functions() {
    let spectrum = Spectrum::new(&Kernel::Sphere(DotProduct::Exponential { width: 1.0 }), 3);
    let (sinh, cosh) = (1.0_f64.sinh(), 1.0_f64.cosh());
    let expected = [sinh, cosh - sinh, 4.0 * sinh - 3.0 * cosh];
    for (k, i) in expected.iter().enumerate() {
        let found = spectrum.levels[k].0 * std::f64::consts::E;
        assert!((found - i).abs() < 1e-13, "{k}: {found} {i}");
    }
    assert!(spectrum.tail.abs() < 1e-9);
}

/// One hidden ReLU layer without bias learns no odd degree from 3 on; all eigenvalues sum to k(1).
#[test]
fn odd_degrees_are_missing_without_bias() {
    for tangent in [false, true] {
        let kernel = network(tangent, Activation::Relu, 1, 0.0);
        let spectrum = Spectrum::new(&Kernel::Sphere(kernel), 6);
        assert!((spectrum.trace() - kernel.value(1.0)).abs() < 1e-14);
        for k in 0..12 {
            let (eigenvalue, count) = spectrum.levels[k];
            let share = eigenvalue * count / kernel.value(1.0);
            if k >= 3 && k % 2 == 1 {
                assert!(share.abs() < 1e-13)
            } else {
                assert!(share > 1e-4, "{k}: {share}")
            }
        }
    }
}

#[test]
fn kernels_are_those_of_infinitely_wide_networks() {
    for (activation, nonlinearity) in
        [(Activation::Relu, Nonlinearity::LeakyRelu { slope: 0.0 }), (Activation::Erf, Nonlinearity::Erf)]
    {
        for hidden_layers in [1, 3] {
            let limit =
                Network { nonlinearity: nonlinearity.clone(), hidden_layers, weight_std: 1.3, bias_std: 0.4 };
            for angle in [0.0_f64, 0.3, 1.4, 2.9] {
                let root = 2.0_f64.sqrt();
                let x =
                    DMatrix::from_column_slice(2, 2, &[root, 0.0, root * angle.cos(), root * angle.sin()]);
                let kernels = limit.kernels(&x);
                for (tangent, expected) in [(false, &kernels.nngp), (true, &kernels.ntk)] {
                    let found = network(tangent, activation, hidden_layers, 0.4).value(angle.cos());
                    assert!((found - expected[(0, 1)]).abs() < 1e-13 * expected[(0, 0)], "{found}");
                }
            }
        }
    }
}

/// Orthonormal under (1 - t^2)^((d - 3)/2), by the trapezoidal rule over the angle.
#[test]
fn target_polynomials_are_orthonormal() {
    for d in [2, 3, 8] {
        let mut sums = [[0.0; 5]; 5];
        let mut whole = 0.0;
        for i in 0..2000 {
            let angle = std::f64::consts::PI * (f64::from(i) + 0.5) / 2000.0;
            let weight = angle.sin().powi(d - 2);
            let mut values = [0.0; 5];
            KernelRegression::polynomials(d as usize, angle.cos(), &mut values);
            whole += weight;
            for a in 0..5 {
                for b in 0..5 {
                    sums[a][b] += weight * values[a] * values[b];
                }
            }
        }
        for (a, row) in sums.iter().enumerate() {
            for (b, sum) in row.iter().enumerate() {
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((sum / whole - expected).abs() < 1e-5, "{d} {a} {b}: {}", sum / whole);
            }
        }
    }
}

/// Equal eigenvalues without ridge are minimum-norm regression on isotropic inputs: with gamma = M/n > 1 the risk is
/// |w|^2 (1 - 1/gamma) + sigma^2/(gamma - 1) (Hastie, Montanari, Rosset & Tibshirani, Ann. Stat. 50, 949, Theorem 1).
#[test]
fn equal_eigenvalues_are_minimum_norm_regression() {
    let flat = scenario(
        "kind = \"kernel-regression\"\nkernel = { kind = \"power-law\", decay = 1e-12 }\nnoise_std = 0.7\n\
         target = { kind = \"coefficients\", values = [0.9, 0.4] }",
        "[observe]\ntimes = [30.0, 80.0]\n[simulation]\nsizes = [100]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"test_loss\"\n",
        &[],
    );
    let found = law(&flat, 100);
    for (value, n) in found.get("test_loss").expect("recorded").iter().zip([30.0, 80.0]) {
        let gamma = 100.0 / n;
        let expected = 0.5 * (0.97 * (1.0 - 1.0 / gamma) + 0.49 / (gamma - 1.0));
        assert!((value / expected - 1.0).abs() < 1e-9, "{n}: {value} {expected}");
    }
    let spectrum = Spectrum::exact(vec![(1.0, 100.0)], 0.0);
    assert!(Learnt::new(&spectrum, 100.0, 0.0).is_err() && Learnt::new(&spectrum, 100.0, 0.1).is_ok());
}

const SPHERE: &str = "kind = \"kernel-regression\"\nkernel = { kind = \"ntk\", hidden_layers = 2, bias_std = 0.3 }\n\
                      target = { kind = \"coefficients\", values = [0.3, 0.8, 0.5] }\nnoise_std = 0.15\nridge = 2.0\n\
                      test_points = 250\n";

/// At n = alpha d the law of finite d approaches its limit as 1/d.
#[test]
fn the_law_at_a_dimension_approaches_its_limit() {
    let at = |size: usize| {
        let text = format!("{SPHERE}samples_exponent = 1");
        let rest = "[observe]\ntimes = [0.5, 2.0]\n[simulation]\nsizes = [100]\nreplicas = 1\nseed = 1\n[[panel]]\n\
                    y = [\"test_loss\", \"train_loss\", \"coefficient\"]\n";
        let curve = law(&scenario(&text, rest, &[]), size);
        let names = ["test_loss", "train_loss", "coefficient[2]"];
        names.iter().flat_map(|name| curve.get(name).expect("recorded").to_vec()).collect::<Vec<f64>>()
    };
    let (limit, near, far) = (at(0), at(400), at(800));
    for ((limit, near), far) in limit.iter().zip(&near).zip(&far) {
        let order = ((near - limit) / (far - limit)).log2();
        assert!((order - 1.0).abs() < 0.2, "order {order}: {limit} {near} {far}");
    }
}

const RUNS: &str = "[simulation]\nmethod = \"direct\"\nreplicas = 60\nseed = 3\n[[panel]]\ny = [\"test_loss\"]\n\
                    [claim]\nobservables = [\"test_loss\"]\nmetric = \"relative\"\nresolution = 0.07\n";

const FAULTS: [&str; 5] =
    ["drop=overfitting", "scale=kappa", "shift=multiplicity", "drop=ridge", "square=noise"];

/// By the training loss, which runs share to a few per cent: the test loss of one direction spreads far more. Without its
/// ridge the law has no training loss at all, which is left to the power law below.
#[test]
fn planted_faults_are_refuted_on_the_sphere() {
    let rest = RUNS.replace("method", "sizes = [30]\nmethod").replace("= 60", "= 400");
    let rest = rest.replace("test_loss", "train_loss");
    let faults: Vec<&str> = FAULTS.into_iter().filter(|fault| *fault != "drop=ridge").collect();
    refutes(SPHERE, &format!("[observe]\ntimes = [100.0, 150.0]\n{rest}"), &faults);
}

#[test]
fn planted_faults_are_refuted_on_a_power_law() {
    let problem = "kind = \"kernel-regression\"\nkernel = { kind = \"power-law\", decay = 1.5 }\nnoise_std = 0.05\n\
                   target = { kind = \"power-law\", decay = 3.0 }\nridge = 1.0\n";
    let rest =
        RUNS.replace("method", "sizes = [200]\nmethod").replace("= 60", "= 2000").replace("0.07", "0.05");
    refutes(problem, &format!("[observe]\ntimes = [60.0, 120.0]\n{rest}"), &FAULTS);
}

/// The other observables, and the spectral bias: low degrees first.
#[test]
fn training_loss_and_learnt_coefficients_follow_the_law() {
    let rest = RUNS
        .replace("method", "sizes = [16]\nmethod")
        .replace("[\"test_loss\"]\n", "[\"train_loss\", \"coefficient\"]\n");
    let rest =
        rest.replace("observables = [\"train_loss\", \"coefficient\"]", "observables = [\"train_loss\"]");
    let sound = scenario(SPHERE, &format!("[observe]\ntimes = [40.0, 200.0]\n{rest}"), &[]);
    let (runs, law) = (replicas(&sound, 16, 60), law(&sound, 16));
    for name in ["coefficient[2]", "coefficient[3]"] {
        let gap = standard_errors(&law, &runs, name);
        assert!(gap < 4.0, "{name}: {gap}");
    }
    let mean = |name: &str, k: usize| {
        runs.iter().map(|run| run.get(name).expect("measured")[k]).sum::<f64>() / runs.len() as f64
    };
    for k in 0..2 {
        let expected = law.get("train_loss").expect("recorded")[k];
        assert!((mean("train_loss", k) / expected - 1.0).abs() < 0.05);
        assert!(mean("coefficient[2]", k) / 0.8 > mean("coefficient[3]", k) / 0.5);
    }
}

fn without_ridge(
    kernel: &str,
    target: &str,
    noise: f64,
    size: usize,
    n: usize,
    count: usize,
) -> Vec<[f64; 2]> {
    let problem = format!(
        "kind = \"kernel-regression\"\nkernel = {{ {kernel} }}\ntarget = {{ {target} }}\nnoise_std = {noise:?}\nridge = 0.0
samples_exponent = 0"
    );
    let rest = format!(
        "[observe]\ntimes = [{n}.0]\n[simulation]\nmethod = \"direct\"\nsizes = [{size}]\nreplicas = 1\nseed = 5
[[panel]]\ny = [\"test_loss\", \"train_loss\"]\nresiduals = false"
    );
    let of = |curve: &asymptotica::trajectory::Curve, name: &str| curve.get(name).expect("recorded")[0];
    let runs = replicas(&scenario(&problem, &rest, &[]), size, count);
    runs.iter().map(|run| [of(run, "test_loss"), of(run, "train_loss")]).collect()
}

/// Kernels of lower rank than samples: the least-norm solution is ordinary least squares on the features, of mean squared
/// error sigma^2 p/(n - p - 1) for p Gaussian features and residual sigma^2 (1 - p/n), whatever the decay.
#[test]
fn singular_kernel_matrices_are_solved_in_least_squares() {
    let power = "kind = \"power-law\", decay = 1.5";
    let runs = without_ridge(power, "kind = \"power-law\", decay = 1.2", 0.5, 20, 60, 400);
    let mean = |i: usize| runs.iter().map(|run| run[i]).sum::<f64>() / runs.len() as f64;
    let (test, train) = (0.5 * 0.25 * 20.0 / 39.0, 0.5 * 0.25 * (1.0 - 20.0 / 60.0));
    // 400 runs: standard errors 2 % and 1.1 %.
    assert!((mean(0) / test - 1.0).abs() < 0.08, "{} {test}", mean(0));
    assert!((mean(1) / train - 1.0).abs() < 0.05, "{} {train}", mean(1));
    // Without noise a function that the kernel holds is found.
    let line = "kind = \"coefficients\", values = [0.0, 1.0]";
    for (kernel, size, n) in [
        ("kind = \"nngp\", hidden_layers = 0", 20, 50),
        ("kind = \"exponential\", width = 1.0", 3, 200),
        (power, 20, 60),
    ] {
        let [test, train] = without_ridge(kernel, line, 0.0, size, n, 1)[0];
        assert!(test < 1e-16 && train < 1e-16, "{kernel}: {test:e} {train:e}");
    }
}

/// Test losses at sizes, d = `size`.
fn test_losses(keys: &str, size: usize, times: &[f64]) -> Vec<f64> {
    let rest = format!(
        "[observe]\ntimes = {times:?}\n[simulation]\nsizes = [{size}]\nreplicas = 1\nseed = 1\n[[panel]]\ny = \"test_loss\"\n"
    );
    let found = law(&scenario(&format!("kind = \"kernel-regression\"\n{keys}"), &rest, &[]), size);
    found.get("test_loss").expect("recorded").to_vec()
}

fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    for (found, expected) in found.iter().zip(expected) {
        assert!((found / expected - 1.0).abs() < tolerance, "{found:e} for {expected:e}");
    }
}

/// Against sums over twenty million degrees of the closed form (numpy): on the circle degree k of the tangent kernel of one
/// hidden layer has 4/pi^2 [1/(1 - k^2) + 1/(2 (k - 1)^2) + 1/(2 (k + 1)^2)], k even; in three dimensions over all degrees
/// until the loss stood still.
#[test]
fn degrees_beyond_those_integrated_are_learnt_too() {
    let keys = "kernel = { kind = \"ntk\" }\nnoise_std = 0.1\n\
                target = { kind = \"coefficients\", values = [0.0, 1.0, 0.5] }\n";
    let circle = test_losses(keys, 2, &[200.0, 1000.0, 5000.0]);
    near(&circle, &[0.005104048789197, 0.005020163054715, 0.005004006532102], 1e-6);
    near(&test_losses(&format!("{keys}ridge = 1e-3\n"), 2, &[1000.0]), &[0.002252496066928], 1e-6);
    near(&test_losses(keys, 3, &[1e5, 1e6]), &[0.00250043, 0.00250004], 3e-6);
}

/// Continued spectra hold the whole trace, with and without odd degrees.
#[test]
fn continued_spectra_sum_to_the_trace() {
    for (tangent, hidden_layers, bias_std) in [(true, 1, 0.0), (true, 3, 0.3), (false, 3, 0.0)] {
        let kernel = network(tangent, Activation::Relu, hidden_layers, bias_std);
        for d in [2, 3, 4] {
            let spectrum = Spectrum::new(&Kernel::Sphere(kernel), d);
            assert!(spectrum.levels.len() > 1000 && spectrum.largest_of_tail == 0.0);
            let error = spectrum.trace() / kernel.value(1.0) - 1.0;
            assert!(error.abs() < 1e-9, "{tangent} {hidden_layers} {bias_std} {d}: {error:e}");
        }
    }
}

/// Eigenvalues far below the rounding of k(1), by Bessel functions in forty digits (mpmath).
#[test]
fn exponential_kernels_are_resolved_at_any_eigenvalue() {
    let keys = |width: f64| {
        format!(
            "kernel = {{ kind = \"exponential\", width = {width:?} }}\nnoise_std = 0.1\n\
             target = {{ kind = \"coefficients\", values = [0.3, 1.0, 0.5, 0.2] }}\n"
        )
    };
    let found = test_losses(&keys(0.1), 3, &[4500.0, 5500.0]);
    near(&found, &[0.10081346991948, 0.122717917735508], 1e-11);
    let found = test_losses(&keys(1.0), 10, &[30000.0]);
    near(&found, &[0.0165663901699722], 1e-11);
}

/// Those of the power law are exact; noise of 100 beside a loss of 5e-5 (mpmath).
#[test]
fn power_laws_are_exact_at_any_ridge_and_noise() {
    let keys = |rest: &str| {
        format!(
            "kernel = {{ kind = \"power-law\", decay = 1.0 }}\n\
             target = {{ kind = \"coefficients\", values = [1.0, 0.5] }}\n{rest}"
        )
    };
    let found = test_losses(&keys("noise_std = 0.1\nridge = 1e-14\n"), 100, &[1000.0]);
    near(&found, &[0.0005555555555555549], 1e-13);
    let found = test_losses(&keys("noise_std = 100.0\nridge = 1.0\n"), 10, &[1e9]);
    near(&found, &[4.999999995000099e-05], 1e-13);
}

/// erf in three dimensions at 3000 samples has kappa below the rounding of its eigenvalues; a tail above kappa is no ridge.
#[test]
fn what_is_not_resolved_is_refused() {
    let spectrum = Spectrum::new(&Kernel::Sphere(network(true, Activation::Erf, 1, 0.1)), 3);
    let error = Learnt::new(&spectrum, 3000.0, 0.0).expect_err("unresolved").to_string();
    assert!(error.contains("add a ridge"), "{error}");
    assert!(Learnt::new(&spectrum, 3000.0, 1e-3).is_ok());
    let cut = Spectrum::exact(vec![(1.0, 1.0), (0.1, 10.0)], 0.2);
    let error = Learnt::new(&cut, 12.0, 0.0).expect_err("cut off").to_string();
    assert!(error.contains("fewer samples"), "{error}");
    assert!(Learnt::new(&cut, 12.0, 2000.0).is_ok());
}
