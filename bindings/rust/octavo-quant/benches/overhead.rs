//! What a run through this crate costs beyond the same run through C, and what a second thread is worth:
//! `cargo bench --bench overhead -- MODEL.onnx`. Figures are medians of rounds that alternate.

use std::time::{Duration, Instant};

use octavo::{Model, SessionOptions, Tensor, TensorViewMut};
use octavo_sys as sys;

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
    let model = Model::load(&path).unwrap();
    let dims = |shape: &Option<Vec<Option<usize>>>| -> Vec<usize> {
        shape.as_ref().unwrap().iter().map(|dim| dim.unwrap_or(1)).collect()
    };
    let (x_dims, y_dims) = (dims(&model.inputs()[0].shape), dims(&model.outputs()[0].shape));
    let x = Tensor::<f32>::zeros(&x_dims).unwrap();
    let mut y = Tensor::<f32>::zeros(&y_dims).unwrap();
    let one = SessionOptions::new().threads(1);

    // The same in C.
    let c_path = std::ffi::CString::new(path.clone()).unwrap();
    let c_dims: Vec<i64> = x_dims.iter().map(|&dim| dim as i64).collect();
    let input = sys::octavo_tensor_view {
        struct_size: std::mem::size_of::<sys::octavo_tensor_view>() as u32,
        dtype: sys::OCTAVO_FLOAT32 as i32,
        rank: c_dims.len() as i32,
        flags: 0,
        data: x.as_slice().as_ptr() as *mut _,
        bytes: std::mem::size_of_val(x.as_slice()),
        dims: c_dims.as_ptr(),
        strides: std::ptr::null(),
    };
    let nothing = sys::octavo_tensor_view {
        struct_size: input.struct_size,
        dtype: 0,
        rank: 0,
        flags: 0,
        data: std::ptr::null_mut(),
        bytes: 0,
        dims: std::ptr::null(),
        strides: std::ptr::null(),
    };
    let mut session: *mut sys::octavo_session = std::ptr::null_mut();
    // SAFETY: as octavo.h has it. The objects live until the process ends.
    unsafe {
        let (mut context, mut model) = (std::ptr::null_mut(), std::ptr::null_mut());
        let mut options = std::ptr::null_mut();
        assert_eq!(0, sys::octavo_context_create(std::ptr::null(), &mut context));
        assert_eq!(0, sys::octavo_model_load(context, c_path.as_ptr(), std::ptr::null(), &mut model));
        assert_eq!(0, sys::octavo_session_options_create(&mut options));
        assert_eq!(0, sys::octavo_session_options_set_threads(options, 1));
        assert_eq!(0, sys::octavo_session_create(model, options, &mut session));
    }
    let mut from_c = || {
        let mut output = nothing;
        // SAFETY: the views are good during the call.
        let status = unsafe { sys::octavo_session_run(session, &input, 1, &mut output, 1, std::ptr::null()) };
        assert_eq!(0, status);
    };

    let (mut first, mut second) = (model.session_with(&one).unwrap(), model.session_with(&one).unwrap());
    let mut run = || drop(first.run(&[x.view()]).unwrap());
    let mut run_into = || {
        let mut outputs = [TensorViewMut::new(y.as_mut_slice(), &y_dims).unwrap()];
        second.run_into(&[x.view()], &mut outputs).unwrap();
    };
    let [c, rust, into] = alternate([&mut from_c, &mut run, &mut run_into]).map(|seconds| 1e6 * seconds);
    println!("{path}");
    println!(
        "C {c:.2} us, Rust {rust:.2} us ({:+.2}), into the caller's memory {into:.2} us ({:+.2})",
        rust - c,
        into - c
    );
    let (alone, two) = (throughput(&model, &x, 1), throughput(&model, &x, 2));
    println!("runs a second: {alone:.0} on one thread, {two:.0} on two ({:.2}x)", two / alone);
}
