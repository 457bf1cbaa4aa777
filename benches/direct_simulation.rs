fn main() {
    let mut g = asymptotica::rng::Stream::root(1).gaussians();
    let mut x = vec![0.0; 1024];
    for simd in asymptotica::rng::Simd::available() {
        g = asymptotica::rng::Gaussians::with_simd(&asymptotica::rng::Stream::root(1), simd);
        let mut best = f64::INFINITY;
        for _ in 0..200 {
            let t = std::time::Instant::now();
            for _ in 0..50 { g.fill(&mut x); std::hint::black_box(&x); }
            best = best.min(t.elapsed().as_secs_f64() / 51200.0 * 1e9);
        }
        println!("{} {best:.3} ns", simd.name());
    }
}
