//! What a run of a model as INT8 costs through this crate, and what a second thread is worth:
//! `cargo bench --bench overhead -- MODEL.onnx`. Figures are medians of rounds that alternate; tests/bench/overhead.py of the
//! repository sets them beside those of C and other languages.

use std::time::{Duration, Instant};

use octavo::{Model, Recipe, SessionOptions, Tensor, TensorViewMut};

const ROUNDS: usize = 51;
const RUNS: u32 = 400;

/// Seconds of one call, the median of rounds, for each of the calls.
fn alternate<const N: usize>(mut calls: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut seconds = [(); N].map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (call, seconds) in calls.iter_mut().zip(&mut seconds) {
            let start = Instant::now();
            for _ in 0..RUNS {
                call();
            }
            seconds.push(start.elapsed().as_secs_f64() / f64::from(RUNS));
        }
    }
    seconds.map(|mut seconds| {
        seconds.sort_by(f64::total_cmp);
        seconds[ROUNDS / 2]
    })
}

/// Images a second of `threads` threads with own sessions.
fn throughput(model: &Model, x: &Tensor<f32>, threads: usize) -> f64 {
    let until = Instant::now() + Duration::from_secs(2);
    let count = || {
        let mut session = model.session_with(&SessionOptions::new().threads(1)).unwrap();
        let mut runs = 0u64;
        while Instant::now() < until {
            session.run(&[x.view()]).unwrap();
            runs += 1;
        }
        runs
    };
    let runs: u64 = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(count)).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    runs as f64 / 2.0
}

fn main() {
    let path = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let path =
        path.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/demo/digits.onnx").into());
    let float = Model::load(&path).unwrap();
    let dims = |shape: &Option<Vec<Option<usize>>>| -> Vec<usize> {
        shape.as_ref().unwrap().iter().map(|dim| dim.unwrap_or(1)).collect()
    };
    let (x_dims, y_dims) = (dims(&float.inputs()[0].shape), dims(&float.outputs()[0].shape));
    let mut x = Tensor::<f32>::zeros(&x_dims).unwrap();
    x.as_mut_slice().iter_mut().enumerate().for_each(|(i, value)| *value = (i % 17) as f32 / 17.0);
    let mut y = Tensor::<f32>::zeros(&y_dims).unwrap();
    let one = SessionOptions::new().threads(1);
    let mut calibrator = float.calibrator().unwrap();
    calibrator.collect(&[x.view()]).unwrap();
    let model = float.quantize(&calibrator.finish().unwrap(), &Recipe::static_int8()).unwrap();

    let (mut first, mut second) = (model.session_with(&one).unwrap(), model.session_with(&one).unwrap());
    let mut run = || drop(first.run(&[x.view()]).unwrap());
    let mut run_into = || {
        let mut outputs = [TensorViewMut::new(y.as_mut_slice(), &y_dims).unwrap()];
        second.run_into(&[x.view()], &mut outputs).unwrap();
    };
    let [rust, into] = alternate([&mut run, &mut run_into]).map(|seconds| 1e6 * seconds);
    println!("Rust, run {rust:.2} us");
    println!("Rust, run_into {into:.2} us");
    let (alone, two) = (throughput(&model, &x, 1), throughput(&model, &x, 2));
    println!("Rust, runs of two threads over one {:.2} x", two / alone);
}
