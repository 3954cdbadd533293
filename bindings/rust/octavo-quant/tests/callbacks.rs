//! Callbacks: what they are told, and that a panic inside one goes on where the library was called.

mod support;

use std::ops::ControlFlow;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use octavo::*;
use support::*;

/// Runs a closure that must panic; what it said.
fn panics<R>(call: impl FnOnce() -> R) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).err().expect("no panic");
    panic.downcast_ref::<&str>().map(|text| text.to_string()).unwrap_or_default()
}

#[test]
fn progress_is_told_of_each_step() {
    let (model, thread) = (digits(), std::thread::current().id());
    let statistics = statistics(&model);
    let mut told = Vec::new();
    let options = QuantizeOptions::new().statistics(&statistics).progress(|fraction, what| {
        assert_eq!(thread, std::thread::current().id());
        told.push((fraction, what.to_owned()));
        ControlFlow::Continue(())
    });
    let with = model.quantize_with(options).unwrap();
    assert!(told.len() > 2 && told.iter().all(|(fraction, _)| (0.0..=1.0).contains(fraction)), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{told:?}");
    let without = model.quantize(&statistics, &Recipe::static_int8()).unwrap();
    assert_eq!(*with.save_memory().unwrap(), *without.save_memory().unwrap());
}

#[test]
fn a_panic_in_progress_goes_on() {
    let (model, recipe) = (digits(), Recipe::dynamic_int8());
    let mut calls = 0;
    let said = panics(|| {
        model.quantize_with(QuantizeOptions::new().recipe(&recipe).progress(|_, _| {
            calls += 1;
            panic!("in progress")
        }))
    });
    assert_eq!((said.as_str(), calls), ("in progress", 1));
    model.quantize_with(QuantizeOptions::new().recipe(&recipe)).unwrap();
}

#[test]
fn an_observer_is_told_the_distribution_and_chooses() {
    let model = digits();
    let statistics = statistics(&model);
    let mut values = Vec::new();
    let ours = model
        .quantize_with(QuantizeOptions::new().statistics(&statistics).observer(|seen| {
            assert_eq!(seen.counts.iter().sum::<i64>() as u64, seen.count);
            assert_eq!((seen.lows.len(), seen.highs.len()), (seen.counts.len(), seen.counts.len()));
            assert_eq!((seen.lows[0], seen.highs[seen.highs.len() - 1]), (seen.min, seen.max));
            values.push(seen.value.to_owned());
            ControlFlow::Continue((seen.min, seen.max))
        }))
        .unwrap();
    assert_eq!(values[0], "image");
    let mut recipe = Recipe::static_int8();
    recipe.set_observer(Observer::MinMax).unwrap();
    let theirs = model.quantize(&statistics, &recipe).unwrap();
    let run = |model: &Model| {
        let mut session = model.session().unwrap();
        let y = session.run(&[batch(&images())]).unwrap();
        y[0].to_vec::<f32>().unwrap()
    };
    assert_eq!(run(&ours), run(&theirs));
}

#[test]
fn an_observer_serves_the_nodes_of_a_rule() {
    let model = digits();
    let statistics = statistics(&model);
    let mut recipe = Recipe::static_int8();
    recipe.observe(Some("Conv"), None, Observer::Custom).unwrap();
    let count = AtomicUsize::new(0);
    let options = QuantizeOptions::new().statistics(&statistics).recipe(&recipe).observer(|seen| {
        assert_ne!(seen.value, "image");
        count.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue((0.5 * seen.min, 0.5 * seen.max))
    });
    model.quantize_with(options).unwrap();
    assert!(count.into_inner() > 0);
}

#[test]
fn a_panic_in_an_observer_goes_on() {
    let model = digits();
    let statistics = statistics(&model);
    let options = QuantizeOptions::new().statistics(&statistics).observer(|_| panic!("in the observer"));
    assert_eq!(panics(|| model.quantize_with(options)), "in the observer");
    model.quantize(&statistics, &Recipe::static_int8()).unwrap();
}

#[test]
fn the_log_is_told_up_to_its_level() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = lines.clone();
    let context = ContextOptions::new()
        .log(LogLevel::Info, move |level, line| log.lock().unwrap().push((level, line.to_owned())))
        .create()
        .unwrap();
    let model = Model::load_with(demo("digits.onnx"), &LoadOptions::new().context(&context)).unwrap();
    drop(context); // the model keeps it
    model.quantize(&statistics(&digits()), &Recipe::static_int8()).unwrap();
    let lines = lines.lock().unwrap();
    assert!(lines.iter().all(|(level, _)| *level <= LogLevel::Info), "{lines:?}");
    assert!(lines.iter().any(|(_, line)| line.contains("loaded")), "{lines:?}");
    assert!(lines.iter().any(|(_, line)| line.contains("quantized")), "{lines:?}");
}

#[test]
fn a_panic_in_the_log_goes_on() {
    let context = ContextOptions::new().log(LogLevel::Debug, |_, _| panic!("in the log")).create().unwrap();
    let options = LoadOptions::new().context(&context);
    assert_eq!(panics(|| Model::load_with(demo("digits.onnx"), &options)), "in the log");
    digits();
}

/// A context that runs the pieces of work by a function.
fn lending(run: impl Fn(usize, &(dyn Fn(usize) + Sync)) + Send + Sync + 'static) -> Model {
    let context = ContextOptions::new().threads(3).parallel(run).create().unwrap();
    Model::load_with(demo("digits.onnx"), &LoadOptions::new().context(&context)).unwrap()
}

fn run_all(model: &Model) -> Vec<f32> {
    let mut session = model.session().unwrap();
    let y = session.run(&[batch(&images())]).unwrap();
    y[0].to_vec().unwrap()
}

#[test]
fn lent_threads_give_the_same_bytes() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let model = lending(move |count, body| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for i in 0..count {
                scope.spawn(move || body(i));
            }
        });
    });
    assert_eq!(run_all(&model), run_all(&digits()));
    assert!(calls.load(Ordering::Relaxed) > 0);
}

#[test]
fn lent_threads_that_forget_and_repeat_give_the_same_bytes() {
    let expected = run_all(&digits());
    assert_eq!(run_all(&lending(|_, _| ())), expected);
    assert_eq!(run_all(&lending(|count, body| (0..count).rev().chain(0..count + 5).for_each(body))), expected);
}

#[test]
fn a_panic_in_lent_threads_goes_on_and_the_work_is_done() {
    let first = AtomicUsize::new(0);
    let model = lending(move |count, body| {
        if first.fetch_add(1, Ordering::Relaxed) == 0 {
            body(0);
            panic!("in lent threads");
        }
        (0..count).for_each(body);
    });
    let mut session = model.session().unwrap();
    let images = images();
    assert_eq!(panics(|| session.run(&[batch(&images)]).map(drop)), "in lent threads");
    let y = session.run(&[batch(&images)]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), run_all(&digits()));
}
