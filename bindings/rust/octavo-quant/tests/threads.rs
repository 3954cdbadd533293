//! One model, many threads; cancelling from another one; which types may cross.

mod support;

use std::time::{Duration, Instant};

use octavo::*;
use support::*;

fn scores(model: &Model, images: &[f32]) -> Vec<f32> {
    let mut session = model.session_with(&SessionOptions::new().threads(1)).unwrap();
    let one = |image: &[f32]| session.run(&[batch(image)]).unwrap()[0].to_vec::<f32>().unwrap();
    images.chunks(PIXELS).flat_map(one).collect()
}

fn bits(scores: &[f32]) -> Vec<u32> {
    scores.iter().map(|score| score.to_bits()).collect()
}

#[test]
fn eight_threads_with_own_sessions_give_the_bytes_of_one() {
    let (model, images) = (int8(), images());
    let expected = bits(&scores(&model, &images));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| scores(&model, &images))).collect();
        for thread in threads {
            assert_eq!(bits(&thread.join().unwrap()), expected);
        }
    });
}

#[test]
fn every_target_and_number_of_threads_gives_the_same_bytes() {
    let (model, images) = (int8(), images());
    let expected = bits(&scores(&model, &images));
    for target in cpu_targets() {
        for threads in [1, 2, 5] {
            let options = SessionOptions::new().threads(threads).cpu_target(target);
            let mut session = model.session_with(&options).unwrap();
            assert_eq!(session.cpu_target().unwrap(), target);
            let y = session.run(&[batch(&images)]).unwrap();
            assert_eq!(bits(y[0].as_slice().unwrap()), expected, "{target}, {threads} threads");
        }
    }
}

#[test]
fn sessions_move_to_the_thread_that_uses_them() {
    let model = int8();
    let image = &images()[..PIXELS];
    let expected = scores(&model, image);
    let mut session = model.session().unwrap();
    drop(model); // the session keeps it
    std::thread::scope(|scope| {
        let moved = scope.spawn(move || session.run(&[batch(image)]).unwrap()[0].to_vec::<f32>().unwrap());
        assert_eq!(moved.join().unwrap(), expected);
    });
}

#[test]
fn another_thread_cancels() {
    let cancel = Cancel::new().unwrap();
    let mut session = digits().session_with(&SessionOptions::new().cpu_target("reference")).unwrap();
    session.set_cancel(Some(cancel.clone()));
    let (images, start) = (images(), Instant::now());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            cancel.request();
        });
        while start.elapsed() < Duration::from_secs(60) {
            if let Err(error) = session.run(&[batch(&images)]) {
                assert_eq!(error.code(), Code::Cancelled);
                return;
            }
        }
        panic!("not cancelled");
    });
    cancel.reset();
    session.run(&[batch(&images[..PIXELS])]).unwrap();
}

#[test]
fn types_cross_threads_as_the_header_allows() {
    fn send<T: Send>() {}
    fn send_and_sync<T: Send + Sync>() {}
    send_and_sync::<Context>();
    send_and_sync::<Model>();
    send_and_sync::<Cancel>();
    send_and_sync::<Statistics>();
    send_and_sync::<Recipe>();
    send_and_sync::<Buffer>();
    send_and_sync::<Error>();
    send_and_sync::<TensorView<'_>>();
    send_and_sync::<Tensor<f32>>();
    send::<Session>();
    send::<Calibrator>();
    send::<Report>();
    send::<Outputs<'_>>();
}
