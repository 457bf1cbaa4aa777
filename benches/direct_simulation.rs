use asymptotica::problem::{Problem, activation::Activation, committee::*, scaling::OutputScaling};
use asymptotica::rng::*;
use asymptotica::simulate::*;
use nalgebra::{DMatrix, DVector};
fn main() {
    for simd in Simd::available() {
        let mut x = vec![0.0; 1024];
        let mut g = Gaussians::with_simd(&Stream::root(1), simd);
        let mut best = f64::INFINITY;
        for _ in 0..200 {
            let t = std::time::Instant::now();
            for _ in 0..50 { g.fill(&mut x); std::hint::black_box(&x); }
            best = best.min(t.elapsed().as_secs_f64() / 51200.0 * 1e9);
        }
        println!("{} {best:.3} ns", simd.name());
    }
    for (d,k) in [(1000,4),(1000,23),(1000,100),(10000,4)] {
    let p = Problem::Committee(Committee {
        student_width: k, teacher_width: 2, activation: Activation::Erf, trained: Trained::FirstLayer,
        learning_rate: 0.5, second_layer_rate: 0.5, noise_std: 0.1, weight_decay: 0.0, second_layer_decay: 0.0,
        batch: 1, output: OutputScaling::Committee, teacher: Teacher::Given { t: DMatrix::identity(2, 2) },
        teacher_second_layer: DVector::from_element(2, 1.0), init: Init::Random { std: 0.5 },
        student_second_layer: DVector::from_element(k, 1.0), second_layer_std: 0.0, training_set: None });
    let n = 2_000_000.0 / (d as f64 * d as f64) / (k as f64 + 2.0) * 6.0;
    let names = vec!["generalisation_error".to_string(), "Q[1,2]".into()];
    let m = Measure { times: &[n], observables: &names, risk: Risk::Overlaps };
    let mut best = f64::INFINITY;
    for r in 0..200 {
        let c = replica(&p, d, &m, &Stream::root(3).index(r / 100), &|| false).unwrap().curve;
        best = best.min(c.work.seconds * 1e9 / (c.work.updates as f64 * d as f64));
        if r % 100 == 4 { println!("{:?} {:?}", c.values, c.end); }
    }
    println!("d {d} K {k}: {best:.3} ns per step and coordinate");
    }
}
