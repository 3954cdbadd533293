//! Every verb used as it is meant to be.

mod support;

use std::sync::Arc;

use octavo::arithmetic::{self, Operand};
use octavo::*;
use support::*;

fn run(model: &Model, images: &[f32]) -> Vec<f32> {
    let mut session = model.session().unwrap();
    let y = session.run(&[batch(images)]).unwrap();
    y[0].to_vec().unwrap()
}

#[test]
fn models_tell_their_inputs_and_outputs() {
    let model = digits();
    let image =
        Port { name: "image".into(), dtype: DType::Float32, shape: Some(vec![None, Some(1), Some(16), Some(16)]) };
    let scores = Port { name: "scores".into(), dtype: DType::Float32, shape: Some(vec![None, Some(10)]) };
    assert_eq!((model.inputs(), model.outputs()), (&[image][..], &[scores][..]));
    assert!(!model.is_quantized());
    assert!(model.describe_json().unwrap().contains("\"nodes\""));
    assert!(format!("{model:?}").contains("image"));
}

#[test]
fn an_input_shape_can_be_fixed() {
    let options = LoadOptions::new().input_shape(Some("image"), &[5, 1, 16, 16]);
    let model = Model::load_with(demo("digits.onnx"), &options).unwrap();
    assert_eq!(model.outputs()[0].shape, Some(vec![Some(5), Some(10)]));
}

#[test]
fn models_go_through_files_and_memory() {
    let (model, images) = (int8(), images());
    let expected = run(&model, &images);
    let file = folder().join("é 网 .onnx");
    model.save(&file).unwrap();
    let bytes = model.save_memory().unwrap();
    assert_eq!(std::fs::read(&file).unwrap(), *bytes);
    assert_eq!(run(&Model::load(&file).unwrap(), &images), expected);
    assert_eq!(run(&Model::load_memory(&bytes, &LoadOptions::new()).unwrap(), &images), expected);
    model.save_with(&file, &SaveOptions::new().external_data(true)).unwrap();
    assert_eq!(run(&Model::load(&file).unwrap(), &images), expected);
}

#[cfg(unix)]
#[test]
fn paths_need_not_be_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let file = folder().join(std::ffi::OsStr::from_bytes(b"net\xff.onnx"));
    digits().save(&file).unwrap();
    assert!(Model::load(&file).is_ok());
}

#[test]
fn shared_bytes_live_as_long_as_what_is_made_from_them() {
    let images = images();
    let expected = run(&digits(), &images);
    let bytes: Arc<[u8]> = std::fs::read(demo("digits.onnx")).unwrap().into();
    let model = Model::load_shared(bytes.clone(), &LoadOptions::new()).unwrap();
    let statistics = statistics(&model);
    let int8 = model.quantize(&statistics, &Recipe::static_int8()).unwrap();
    let mut session = model.session().unwrap();
    drop(model);
    assert!(Arc::strong_count(&bytes) > 1);
    assert_eq!(session.run(&[batch(&images)]).unwrap()[0].to_vec::<f32>().unwrap(), expected);
    drop((session, statistics));
    run(&int8, &images);
    drop(int8);
    assert_eq!(Arc::strong_count(&bytes), 1);
}

#[test]
fn quantized_models_say_how_they_were_made() {
    let model = int8();
    assert!(model.is_quantized());
    let keys: Vec<String> = model.metadata().unwrap().into_iter().map(|(key, _)| key).collect();
    assert!(keys.iter().any(|key| key == "octavo.recipe"), "{keys:?}");
    assert!(model.metadata_value("octavo.recipe").unwrap().unwrap().contains("static"));
    assert_eq!(model.metadata_value("no such key").unwrap(), None);
}

#[test]
fn schemes_without_statistics_quantize() {
    let (model, images) = (digits(), images());
    let expected = run(&model, &images);
    let mut blocks = Recipe::weight_only();
    blocks.set_weight_blocks(4, 64).unwrap();
    for recipe in [Recipe::dynamic_int8(), Recipe::weight_only(), blocks] {
        let int8 = model.quantize_with(QuantizeOptions::new().recipe(&recipe)).unwrap();
        let found = run(&int8, &images);
        let answer = |scores: &[f32]| (0..10).max_by(|&a, &b| scores[a].total_cmp(&scores[b]));
        let same = expected.chunks(10).zip(found.chunks(10)).filter(|(a, b)| answer(a) == answer(b)).count();
        assert!(same >= 190, "{same} of 200 with {recipe:?}");
    }
}

#[test]
fn recipes_say_what_was_set() {
    let mut recipe = Recipe::static_int8();
    recipe.set_observer(Observer::Percentile(99.5)).unwrap();
    recipe.set_per_channel(false).unwrap();
    recipe.keep_float(Some("Gemm"), None).unwrap();
    recipe.observe(None, Some("*conv*"), Observer::MinMax).unwrap();
    let json = recipe.to_json().unwrap();
    for part in ["99.5", "per_tensor", "keep_float", "*conv*", "min_max"] {
        assert!(json.contains(part), "{part}: {json}");
    }
    assert_eq!(Recipe::parse(&json).unwrap().to_json().unwrap(), json);
    for observer in [Observer::Histogram, Observer::Entropy, Observer::Mse, Observer::MovingAverage, Observer::Custom] {
        recipe.set_observer(observer).unwrap();
    }
}

#[test]
fn calibrating_in_parts_and_merging_is_calibrating_at_once() {
    let (model, images) = (digits(), images());
    let calibrate = |images: &[f32]| {
        let mut calibrator = model.calibrator().unwrap();
        calibrator.collect(&[batch(images)]).unwrap();
        calibrator.finish().unwrap()
    };
    let whole = calibrate(&images[..100 * PIXELS]);
    let mut half = calibrate(&images[..50 * PIXELS]);
    half.merge(&calibrate(&images[50 * PIXELS..100 * PIXELS])).unwrap();
    assert_eq!(half.samples().unwrap(), 100);
    assert_eq!(*half.save_memory().unwrap(), *whole.save_memory().unwrap());
    let file = folder().join("stats");
    half.save(&file).unwrap();
    let loaded = Statistics::load(&file).unwrap();
    assert_eq!(loaded.to_json().unwrap(), whole.to_json().unwrap());
    let (a, b) = (model.quantize(&loaded, &Recipe::static_int8()), model.quantize(&whole, &Recipe::static_int8()));
    assert_eq!(*a.unwrap().save_memory().unwrap(), *b.unwrap().save_memory().unwrap());
}

#[test]
fn a_calibrators_options_count() {
    let model = digits();
    let images = images();
    let options = CalibratorOptions::new().threads(1).cpu_target("reference").observer(Observer::MovingAverage);
    let mut calibrator = model.calibrator_with(&options).unwrap();
    calibrator.collect(&[batch(&images[..PIXELS])]).unwrap();
    let int8 = model.quantize_with(QuantizeOptions::new().statistics(&calibrator.finish().unwrap())).unwrap();
    assert!(int8.metadata_value("octavo.recipe").unwrap().unwrap().contains("moving_average"));
}

#[test]
fn converting_gives_both_forms() {
    let (model, images) = (int8(), images());
    let expected = run(&model, &images);
    assert_eq!(run(&model.convert().unwrap(), &images), expected);
    let qoperator = model.convert_to(Form::QOperator).unwrap();
    assert!(qoperator.describe_json().unwrap().contains("QLinearConv"));
    assert_eq!(run(&qoperator.convert_to(Form::Qdq).unwrap(), &images), expected);
}

#[test]
fn outputs_go_to_memory_of_the_callers() {
    let (model, images) = (int8(), images());
    let x = batch(&images[..2 * PIXELS]);
    let expected = run(&model, &images[..2 * PIXELS]);
    let mut session = model.session().unwrap();
    let info = session.prepare(&[&[2, 1, 16, 16]]).unwrap();
    assert_eq!(info, [OutputInfo { dtype: DType::Float32, shape: Some(vec![Some(2), Some(10)]), bytes: 80 }]);
    let mut y = Tensor::<f32>::zeros(&[2, 10]).unwrap();
    session.run_into(&[x], &mut [y.view_mut()]).unwrap();
    assert_eq!(y.as_slice(), expected);
    let mut room = [7f32; 30];
    let mut view = [TensorViewMut::room(&mut room)];
    assert_eq!(view[0].shape(), None);
    session.run_into(&[x], &mut view).unwrap();
    assert_eq!(view[0].shape(), Some(&[2, 10][..]));
    assert_eq!((&room[..20], &room[20..]), (&expected[..], &[7f32; 10][..]));
    assert_eq!(session.output_shape(0).unwrap(), [2, 10]);
}

#[test]
fn strided_inputs_are_read_in_place() {
    let images = images();
    let mut session = digits().session().unwrap();
    let image = &images[..PIXELS];
    let turned: Vec<f32> = image.iter().rev().copied().collect();
    let expected = session.run(&[batch(image)]).unwrap()[0].to_vec::<f32>().unwrap();
    let x = TensorView::strided(&turned, PIXELS - 1, &[1, 1, 16, 16], &[-256, 0, -16, -1]).unwrap();
    assert_eq!(session.run(&[x]).unwrap()[0].to_vec::<f32>().unwrap(), expected);
}

#[test]
fn every_element_type_comes_back_as_it_went() {
    fn check<T: Element>(data: &[T]) {
        let file = tiny("Identity", 1, T::DTYPE, &[None]);
        let model = Model::load_memory(&file, &LoadOptions::new()).unwrap();
        let mut session = model.session().unwrap();
        let y = session.run(&[TensorView::new(data, &[data.len()]).unwrap()]).unwrap();
        assert_eq!(y[0].as_slice::<T>().unwrap(), data);
        assert_ne!(y[0].as_slice::<T>().unwrap().as_ptr(), data.as_ptr()); // the session's memory, not the input's
        let empty = session.run(&[TensorView::new::<T>(&[], &[0]).unwrap()]).unwrap();
        assert!(empty[0].is_empty());
        assert_eq!(empty[0].as_slice::<T>().unwrap(), []);
    }
    check(&[1.5f32, -0.0, f32::MAX]);
    check(&[1.5f64, f64::MIN]);
    check(&[0u8, 255]);
    check(&[-128i8, 127]);
    check(&[u16::MAX, 1]);
    check(&[i16::MIN, 1]);
    check(&[u32::MAX, 1]);
    check(&[i32::MIN, 1]);
    check(&[u64::MAX, 1]);
    check(&[i64::MIN, 1]);
}

#[test]
fn bools_and_types_without_a_counterpart_come_back() {
    let load = |dtype| Model::load_memory(&tiny("Identity", 1, dtype, &[None]), &LoadOptions::new()).unwrap();
    let mut session = load(DType::Bool).session().unwrap();
    let y = session.run(&[TensorView::of_bools(&[true, false, true], &[3]).unwrap()]).unwrap();
    assert_eq!(y[0].to_bools().unwrap(), [true, false, true]);
    for dtype in [DType::Float16, DType::BFloat16] {
        let mut session = load(dtype).session().unwrap();
        let halves = [1u8, 2, 3, 4, 5, 6, 7];
        let y = session.run(&[TensorView::from_bytes(dtype, &halves[1..], &[3]).unwrap()]).unwrap(); // at an odd address
        assert_eq!((y[0].dtype(), y[0].as_bytes().unwrap()), (dtype, &halves[1..]));
    }
}

#[test]
fn several_inputs_go_in_order() {
    let model = Model::load_memory(&tiny("Sub", 2, DType::Int32, &[Some(2)]), &LoadOptions::new()).unwrap();
    let mut session = model.session().unwrap();
    let (a, b) = ([7i32, 8], [1i32, 10]);
    let y = session.run(&[TensorView::new(&a, &[2]).unwrap(), TensorView::new(&b, &[2]).unwrap()]).unwrap();
    assert_eq!(y[0].as_slice::<i32>().unwrap(), [6, -2]);
}

#[test]
fn a_profile_names_every_step() {
    let mut session = int8().session_with(&SessionOptions::new().profile(true).threads(1)).unwrap();
    session.run(&[batch(&images()[..PIXELS])]).unwrap();
    let profile = session.profile_json().unwrap();
    assert!(profile.contains("\"kernel\"") && profile.contains("\"runs\":1"), "{profile}");
    assert!(session.profile_html().unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_report_compares() {
    let (f32, int8, images) = (digits(), int8(), images());
    let mut report = Report::with(&f32, &int8, &ReportOptions::new().threads(1).cpu_target(cpu_target())).unwrap();
    report.collect(&[batch(&images[..20 * PIXELS])]).unwrap();
    assert!(report.to_json().unwrap().contains("\"sqnr_db\""));
    assert!(report.to_html().unwrap().contains("<html"));
}

#[test]
fn single_tensors_are_quantized_and_multiplied() {
    let x = Tensor::new(vec![-1f32, 0.5, 3.0, -6.0], &[2, 2]).unwrap();
    let (scale, zero) = arithmetic::choose_scale::<i8>(x.view(), Some(0), true).unwrap();
    assert_eq!((scale.shape(), zero.as_slice()), (&[2][..], &[0i8, 0][..]));
    let q = arithmetic::quantize::<i8>(x.view(), scale.view(), Some(zero.view()), 0).unwrap();
    assert_eq!(q.as_slice(), [-127, 64, 64, -127]);
    let back = arithmetic::dequantize(q.view(), scale.view(), None, -2).unwrap();
    let fake = arithmetic::fake_quantize(x.view(), scale.view(), None, DType::Int8, 0).unwrap();
    assert_eq!(back, fake);

    // Rows times rows, by hand: sums, then the scales.
    let one = Tensor::new(vec![0.5f32], &[1]).unwrap();
    let a = Operand { values: q.view(), scale: Some(one.view()), zero_point: None };
    let sums = arithmetic::matmul::<i32>(a, a, None, None).unwrap();
    let by_hand = [127 * 127 + 64 * 64, -127 * 64 - 64 * 127, -64 * 127 - 127 * 64, 64 * 64 + 127 * 127];
    assert_eq!(sums.as_slice(), by_hand);
    let scaled = arithmetic::matmul::<f32>(a, a, None, None).unwrap();
    assert!(scaled.as_slice().iter().zip(by_hand).all(|(&found, sum)| found == sum as f32 * 0.25));
    let row = Operand { values: TensorView::new(&q.as_slice()[..2], &[2]).unwrap(), ..a };
    assert_eq!(arithmetic::matmul::<i32>(row, a, None, None).unwrap().as_slice(), &by_hand[..2]);
    let y_scale = Tensor::new(vec![64f32], &[1]).unwrap();
    let y = arithmetic::matmul::<i8>(a, a, Some(y_scale.view()), None).unwrap();
    assert_eq!(y.as_slice(), [79, -64, -64, 79]);
}

#[test]
fn four_bit_tensors_go_through_bytes() {
    let context = Context::global().unwrap();
    let x = Tensor::new(vec![-8f32, -1.0, 0.0, 3.0, 7.0], &[5]).unwrap();
    let one = Tensor::new(vec![1f32], &[1]).unwrap();
    let mut packed = [0u8; 3];
    let y = TensorViewMut::from_bytes(DType::Int4, &mut packed, &[5]).unwrap();
    arithmetic::quantize_into(&context, x.view(), one.view(), None, 0, y).unwrap();
    assert_eq!(packed, [0xf8, 0x30, 0x07]);
    let q = TensorView::from_bytes(DType::Int4, &packed, &[5]).unwrap();
    assert_eq!(arithmetic::dequantize(q, one.view(), None, 0).unwrap(), x);
}

#[test]
fn element_types_have_names_and_sizes() {
    assert_eq!((DType::Float32.name(), DType::Float32.bits()), ("float32", 32));
    assert_eq!((DType::Int4.to_string().as_str(), DType::Int4.bits()), ("int4", 4));
    assert_eq!((DType::from_onnx(9), DType::from_onnx(8)), (Some(DType::Bool), None));
}

#[test]
fn the_library_tells_its_version_and_targets() {
    assert_eq!(version(), env!("CARGO_PKG_VERSION"));
    let targets = cpu_targets();
    assert_eq!((targets[0], targets.last()), (cpu_target(), Some(&"reference")));
}

#[test]
fn a_context_counts_its_memory() {
    let context = ContextOptions::new().threads(1).memory_limit(1 << 30).create().unwrap();
    assert_eq!(context.memory().unwrap(), Memory { live: 0, peak: 0 });
    let model = Model::load_with(demo("digits.onnx"), &LoadOptions::new().context(&context)).unwrap();
    let _session = model.session().unwrap();
    let memory = model.context().memory().unwrap();
    assert!(0 < memory.live && memory.live <= memory.peak, "{memory:?}");
    drop((_session, model));
    assert_eq!(context.memory().unwrap().live, 0);
}
