//! Wrong uses, one test each: an error with the library's code and sentence, never the end of the process. What the compiler
//! refuses is in the documentation's `compile_fail` examples.

mod support;

use std::ops::ControlFlow;
use std::path::Path;

use octavo::*;
use support::*;

/// Each `name: Code, "part of the sentence", expression;` is a test.
macro_rules! refused {
    ($($name:ident: $code:ident, $text:expr, $call:expr;)*) => {
        $(#[test]
        fn $name() {
            fails(Code::$code, $text, $call);
        })*
    };
}

fn image() -> Tensor<f32> {
    Tensor::zeros(&[1, 1, 16, 16]).unwrap()
}

fn scores() -> [f32; 10] {
    [0.0; 10]
}

fn session() -> Session {
    digits().session().unwrap()
}

fn load(options: LoadOptions) -> Result<Model> {
    Model::load_with(demo("digits.onnx"), &options)
}

fn load_in(context: ContextOptions) -> Result<Model> {
    load(LoadOptions::new().context(&context.create()?))
}

fn run(x: Result<TensorView<'_>>) -> Result<()> {
    session().run(&[x?]).map(drop)
}

fn run_into(y: Result<TensorViewMut<'_>>) -> Result<()> {
    session().run_into(&[image().view()], &mut [y?])
}

fn other_model() -> Model {
    Model::load_memory(&tiny("Relu", 1, DType::Float32, &[None, Some(4)]), &LoadOptions::new()).unwrap()
}

fn other_statistics() -> Statistics {
    let mut calibrator = other_model().calibrator().unwrap();
    calibrator.collect(&[TensorView::new(&[1f32, -2.0, 3.0, 4.0], &[1, 4]).unwrap()]).unwrap();
    calibrator.finish().unwrap()
}

fn calibrate(options: CalibratorOptions) -> Result<Statistics> {
    let mut calibrator = digits().calibrator_with(&options)?;
    calibrator.collect(&[batch(&images()[..PIXELS])])?;
    calibrator.finish()
}

fn quantize_by(recipe: Result<Recipe>) -> Result<Model> {
    let model = digits();
    model.quantize(&statistics(&model), &recipe?)
}

fn observing(choose: impl Fn(&Distribution<'_>) -> ControlFlow<(), (f64, f64)>) -> Result<Model> {
    let model = digits();
    model.quantize_with(QuantizeOptions::new().statistics(&statistics(&model)).observer(choose))
}

fn changed(change: impl FnOnce(&mut Recipe) -> Result<()>) -> Result<Recipe> {
    let mut recipe = Recipe::static_int8();
    change(&mut recipe)?;
    Ok(recipe)
}

fn in_blocks(bits: u32, block_size: usize) -> Result<()> {
    Recipe::weight_only().set_weight_blocks(bits, block_size)
}

fn requested() -> Cancel {
    let cancel = Cancel::new().unwrap();
    cancel.request();
    cancel
}

#[cfg(unix)]
fn not_utf8() -> &'static Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(b"no\xffsuch.onnx"))
}

// --- loading and saving
refused! {
    file_missing: Io, "missing.onnx", Model::load("missing.onnx");
    file_is_a_folder: Io, "demo", Model::load(demo(""));
    file_of_no_name: InvalidArgument, "empty", Model::load("");
    path_with_zero_byte: InvalidArgument, "zero byte", Model::load("net\0.onnx");
    path_beyond_ascii_missing: Io, "tz-", Model::load("nëtz-网.onnx");
    path_too_long: Io, "", Model::load("x".repeat(100_000));
    bytes_empty: InvalidModel, "", Model::load_memory(&[], &LoadOptions::new());
    bytes_garbage: InvalidModel, "", Model::load_memory(&[0xff; 1000], &LoadOptions::new());
    bytes_shared_garbage: InvalidModel, "", Model::load_shared(vec![7u8; 100], &LoadOptions::new());
    operator_unknown: Unsupported, "Nonsense",
        Model::load_memory(&tiny("Nonsense", 1, DType::Float32, &[Some(4)]), &LoadOptions::new());
    input_shape_for_no_input: NotFound, "'picture'", load(LoadOptions::new().input_shape(Some("picture"), &[1]));
    input_shape_contradicts: InvalidArgument, "image", load(LoadOptions::new().input_shape(None, &[1, 3, 16, 16]));
    input_shape_of_rank_nine: InvalidArgument, "9", load(LoadOptions::new().input_shape(None, &[1; 9]));
    input_shape_huge: Limit, "elements", load(LoadOptions::new().input_shape(None, &[usize::MAX, 1, 16, 16]));
    input_name_with_zero_byte: InvalidArgument, "zero byte", load(LoadOptions::new().input_shape(Some("a\0b"), &[1]));
    save_into_missing_folder: Io, "missing", digits().save("missing/net.onnx");
    save_over_a_folder: Io, "", digits().save(folder());
    save_path_with_zero_byte: InvalidArgument, "zero byte", digits().save("a\0b");
    save_external_into_missing_folder: Io, "missing",
        digits().save_with("missing/net.onnx", &SaveOptions::new().external_data(true));
    metadata_key_with_zero_byte: InvalidArgument, "zero byte", digits().metadata_value("a\0b");
}

#[cfg(unix)]
refused! {
    path_not_utf8_missing: Io, "such.onnx", Model::load(not_utf8());
    statistics_path_not_utf8_missing: Io, "such.onnx", Statistics::load(not_utf8());
}

#[test]
fn bytes_cut_short() {
    let bytes = std::fs::read(demo("digits.onnx")).unwrap();
    for end in (0..bytes.len()).step_by(bytes.len() / 30) {
        fails(Code::InvalidModel, "", Model::load_memory(&bytes[..end], &LoadOptions::new()));
    }
}

// --- contexts
refused! {
    context_of_too_many_threads: InvalidArgument, "1025", ContextOptions::new().threads(1025).create();
    context_of_huge_threads: InvalidArgument, "threads", ContextOptions::new().threads(usize::MAX).create();
    memory_limit_of_nothing: InvalidArgument, "memory limit", ContextOptions::new().memory_limit(0).create();
    file_limit_of_nothing: InvalidArgument, "file limit", ContextOptions::new().file_limit(0).create();
    fold_limit_of_nothing: InvalidArgument, "fold limit", ContextOptions::new().fold_limit(0).create();
    node_limit_of_nothing: InvalidArgument, "node limit", ContextOptions::new().node_limit(0).create();
    string_limit_of_nothing: InvalidArgument, "string limit", ContextOptions::new().string_limit(0).create();
    file_beyond_the_limit: Limit, "", load_in(ContextOptions::new().file_limit(1000));
    nodes_beyond_the_limit: Limit, "", load_in(ContextOptions::new().node_limit(3));
    names_beyond_the_limit: Limit, "", load_in(ContextOptions::new().string_limit(2));
    memory_beyond_the_limit: Limit, "",
        load_in(ContextOptions::new().memory_limit(70_000)).and_then(|m| m.session()?.run(&[image().view()]).map(drop));
    statistics_beyond_the_limit: Limit, "", {
        let file = folder().join("stats");
        statistics(&digits()).save(&file).unwrap();
        Statistics::load_in(&ContextOptions::new().file_limit(10).create().unwrap(), file)
    };
}

// --- views and tensors
refused! {
    view_of_other_count: InvalidArgument, "[2, 3]", TensorView::new(&[1f32; 5], &[2, 3]);
    view_of_rank_nine: InvalidArgument, "rank 9", TensorView::new(&[1f32], &[1; 9]);
    view_of_overflowing_shape: InvalidArgument, "too many", TensorView::new(&[1f32], &[usize::MAX, 2]);
    view_of_overflowing_empty_shape: InvalidArgument, "too many", TensorView::new(&[0f32; 0], &[0, usize::MAX, 2]);
    view_of_empty_slice: InvalidArgument, "has 0", TensorView::new::<u8>(&[], &[1]);
    strides_beyond_the_end: InvalidArgument, "0..=6 of a slice of 6", TensorView::strided(&[1f32; 6], 0, &[2, 3], &[4, 1]);
    strides_before_the_start: InvalidArgument, "-1..=0", TensorView::strided(&[1f32; 6], 0, &[2], &[-1]);
    strides_of_other_rank: InvalidArgument, "1 strides", TensorView::strided(&[1f32; 6], 0, &[2, 3], &[1]);
    strides_that_overflow: InvalidArgument, "reach", TensorView::strided(&[1f32; 6], 5, &[3, 3], &[isize::MAX, isize::MIN]);
    strides_from_beyond: InvalidArgument, "7..=7", TensorView::strided(&[1f32; 6], 7, &[], &[]);
    bytes_of_other_length: InvalidArgument, "3 bytes, the slice has 2", TensorView::from_bytes(DType::Int4, &[0; 2], &[5]);
    bytes_of_overflowing_shape: InvalidArgument, "too many", TensorView::from_bytes(DType::Float64, &[], &[1 << 62]);
    bools_of_other_count: InvalidArgument, "2 elements", TensorView::of_bools(&[true], &[2]);
    slice_of_other_dtype: InvalidArgument, "Float32, not UInt8", image().view().as_slice::<u8>().map(drop);
    slice_of_strided: InvalidArgument, "strides", TensorView::strided(&[1u8; 4], 3, &[4], &[-1]).unwrap().as_slice::<u8>();
    bytes_of_strided: InvalidArgument, "strides", TensorView::strided(&[1u8; 4], 3, &[4], &[-1]).unwrap().as_bytes();
    vec_of_other_dtype: InvalidArgument, "Float32, not Int64", image().view().to_vec::<i64>();
    bools_of_other_dtype: InvalidArgument, "not Bool", image().view().to_bools();
    slice_misaligned: InvalidArgument, "aligned", {
        let bytes = [0u8; 16];
        let odd = 4 - bytes.as_ptr() as usize % 4 + 1;
        TensorView::from_bytes(DType::Float32, &bytes[odd..odd + 4], &[]).unwrap().as_slice::<f32>().map(drop)
    };
    tensor_of_other_count: InvalidArgument, "[3]", Tensor::new(vec![1i8, 2], &[3]);
    tensor_too_large: OutOfMemory, "", Tensor::<u8>::zeros(&[isize::MAX as usize]);
    tensor_of_overflowing_shape: InvalidArgument, "too many", Tensor::<f32>::zeros(&[usize::MAX, usize::MAX]);
    room_of_other_count: InvalidArgument, "[9]", TensorViewMut::new(&mut scores(), &[9]);
    room_of_other_bytes: InvalidArgument, "bytes", TensorViewMut::from_bytes(DType::UInt4, &mut [0; 3], &[7, 7]);
}

// --- sessions
refused! {
    run_without_inputs: InvalidArgument, "0 inputs", session().run(&[]).map(drop);
    run_with_too_many_inputs: InvalidArgument, "2 inputs", session().run(&[image().view(); 2]).map(drop);
    run_with_other_dtype: InvalidArgument, "'image'", run(TensorView::new(&[0u8; PIXELS], &[1, 1, 16, 16]));
    run_with_other_rank: InvalidArgument, "'image'", run(TensorView::new(&[0f32; PIXELS], &[1, 16, 16]));
    run_with_other_shape: InvalidArgument, "'image'", run(TensorView::new(&[0f32; PIXELS], &[1, 1, 8, 32]));
    run_with_scalar: InvalidArgument, "'image'", run(TensorView::new(&[0f32], &[]));
    run_with_repeated_giant: InvalidArgument, "", run(TensorView::strided(&[0f32], 0, &[1 << 61, 1, 16, 16], &[0; 4]));
    output_of_other_dtype: InvalidArgument, "'scores'", run_into(TensorViewMut::new(&mut [0u8; 10], &[1, 10]));
    output_of_other_shape: InvalidArgument, "'scores'", run_into(TensorViewMut::new(&mut scores(), &[10, 1]));
    output_of_other_rank: InvalidArgument, "'scores'", run_into(TensorViewMut::new(&mut scores(), &[10]));
    output_too_small: InvalidArgument, "40 bytes", run_into(Ok(TensorViewMut::room(&mut [0f32; 9])));
    output_of_no_room: InvalidArgument, "40 bytes", run_into(Ok(TensorViewMut::room::<f32>(&mut [])));
    outputs_too_few: InvalidArgument, "0 outputs", session().run_into(&[image().view()], &mut []);
    outputs_too_many: InvalidArgument, "2 outputs", session().run_into(
        &[image().view()],
        &mut [TensorViewMut::room(&mut scores()), TensorViewMut::room(&mut scores())],
    );
    prepare_other_count: InvalidArgument, "2 shapes", session().prepare(&[&[1], &[2]]);
    prepare_other_shape: InvalidArgument, "'image'", session().prepare(&[&[1, 2, 3, 4]]);
    prepare_rank_nine: InvalidArgument, "rank 9", session().prepare(&[&[1; 9]]);
    output_shape_before_a_run: InvalidState, "not run", session().output_shape(0);
    output_shape_of_no_output: InvalidArgument, "index is 1", session().output_shape(1);
    output_shape_of_last_index: InvalidArgument, "index", session().output_shape(usize::MAX);
    profile_without_option: InvalidState, "profile", session().profile_json();
    cpu_target_unknown: NotFound, "abacus", digits().session_with(&SessionOptions::new().cpu_target("abacus"));
    cpu_target_with_zero_byte: InvalidArgument, "zero byte", digits().session_with(&SessionOptions::new().cpu_target("a\0"));
    session_of_too_many_threads: InvalidArgument, "1025", digits().session_with(&SessionOptions::new().threads(1025));
    run_cancelled: Cancelled, "", {
        let mut session = session();
        session.set_cancel(Some(requested()));
        session.run(&[image().view()]).map(drop)
    };
}

// --- calibrating
refused! {
    calibrate_quantized: InvalidState, "quantized already", int8().calibrator();
    collect_without_inputs: InvalidArgument, "0 inputs", digits().calibrator().unwrap().collect(&[]);
    collect_other_dtype: InvalidArgument, "'image'",
        digits().calibrator().unwrap().collect(&[TensorView::new(&[0i32; PIXELS], &[1, 1, 16, 16]).unwrap()]);
    finish_before_collecting: InvalidState, "", digits().calibrator().unwrap().finish();
    calibrate_values_never_finite: InvalidData, "", {
        let mut calibrator = digits().calibrator().unwrap();
        calibrator.collect(&[batch(&[f32::NAN; PIXELS])]).unwrap();
        calibrator.finish()
    };
    calibrate_cancelled: Cancelled, "", {
        let mut calibrator = digits().calibrator().unwrap();
        calibrator.set_cancel(Some(requested()));
        calibrator.collect(&[image().view()])
    };
    calibrate_percentile_too_low: InvalidArgument, "percentile is 50",
        calibrate(CalibratorOptions::new().observer(Observer::Percentile(50.0)));
    calibrate_percentile_not_a_number: InvalidArgument, "percentile is",
        calibrate(CalibratorOptions::new().observer(Observer::Percentile(f64::NAN)));
    calibrate_target_unknown: NotFound, "abacus", calibrate(CalibratorOptions::new().cpu_target("abacus"));
    calibrate_too_many_threads: InvalidArgument, "1025", calibrate(CalibratorOptions::new().threads(1025));
    statistics_missing: Io, "missing.stats", Statistics::load("missing.stats");
    statistics_garbage: InvalidData, "", Statistics::load(demo("digits.onnx"));
    statistics_empty: InvalidData, "", Statistics::load_memory(&[]);
    statistics_save_into_missing_folder: Io, "missing", statistics(&digits()).save("missing/stats");
    statistics_merge_of_another_model: InvalidArgument, "", statistics(&digits()).merge(&other_statistics());
}

#[test]
fn statistics_cut_short() {
    let bytes = statistics(&digits()).save_memory().unwrap();
    for end in (0..bytes.len()).step_by(bytes.len() / 30) {
        fails(Code::InvalidData, "", Statistics::load_memory(&bytes[..end]));
    }
}

// --- recipes and quantizing
refused! {
    recipe_no_json: InvalidData, "", Recipe::parse("static?");
    recipe_empty: InvalidData, "", Recipe::parse("");
    recipe_key_unknown: InvalidData, "observr", Recipe::parse(r#"{"observr": "mse"}"#);
    recipe_scheme_unknown: InvalidData, "static", Recipe::parse(r#"{"scheme": "statick"}"#);
    recipe_from_str: InvalidData, "[", "[1, 2]".parse::<Recipe>();
    recipe_percentile_too_high: InvalidArgument, "100.5", changed(|r| r.set_observer(Observer::Percentile(100.5)));
    recipe_percentile_zero: InvalidArgument, "percentile", changed(|r| r.set_observer(Observer::Percentile(0.0)));
    recipe_rule_percentile: InvalidArgument, "percentile is 10", changed(|r| r.observe(None, None, Observer::Percentile(10.0)));
    recipe_three_bits: InvalidArgument, "3", in_blocks(3, 32);
    recipe_huge_bits: InvalidArgument, "", in_blocks(u32::MAX, 32);
    recipe_blocks_of_seven: InvalidArgument, "", in_blocks(8, 7);
    recipe_huge_blocks: InvalidArgument, "", in_blocks(8, usize::MAX);
    recipe_pattern_with_zero_byte: InvalidArgument, "zero byte", changed(|r| r.keep_float(Some("Conv\0"), None));
    recipe_name_with_zero_byte: InvalidArgument, "zero byte", changed(|r| r.observe(None, Some("\0"), Observer::Mse));
    recipe_rule_matches_nothing: InvalidData, "head", quantize_by(changed(|r| r.keep_float(Some("Gemm"), Some("head*"))));
    quantize_static_without_statistics: InvalidArgument, "statistics", digits().quantize_with(QuantizeOptions::new());
    quantize_by_statistics_of_another_model: InvalidArgument, "",
        digits().quantize(&other_statistics(), &Recipe::static_int8());
    quantize_twice: InvalidState, "quantized already", int8().quantize(&statistics(&digits()), &Recipe::static_int8());
    quantize_cancelled: Cancelled, "",
        digits().quantize_with(QuantizeOptions::new().recipe(&Recipe::dynamic_int8()).cancel(&requested()));
    quantize_stopped_by_progress: Cancelled, "progress", digits().quantize_with(
        QuantizeOptions::new().recipe(&Recipe::dynamic_int8()).progress(|_, _| ControlFlow::Break(())),
    );
    quantize_stopped_by_observer: Cancelled, "observer", observing(|_| ControlFlow::Break(()));
    observer_chooses_no_number: InvalidArgument, "image", observing(|_| ControlFlow::Continue((f64::NAN, 1.0)));
    observer_chooses_infinity: InvalidArgument, "image", observing(|_| ControlFlow::Continue((0.0, f64::INFINITY)));
    observer_chooses_backwards: InvalidArgument, "image", observing(|_| ControlFlow::Continue((1.0, -1.0)));
    observer_named_but_missing: InvalidArgument, "custom", quantize_by(changed(|r| r.set_observer(Observer::Custom)));
    observer_given_but_not_named: InvalidArgument, "custom", {
        let model = digits();
        model.quantize_with(
            QuantizeOptions::new()
                .statistics(&statistics(&model))
                .recipe(&Recipe::static_int8())
                .observer(|seen| ControlFlow::Continue((seen.min, seen.max))),
        )
    };
}

// --- reports
refused! {
    report_of_other_models: InvalidArgument, "", Report::new(&digits(), &other_model());
    report_of_swapped_models: InvalidArgument, "float", Report::new(&int8(), &digits());
    report_of_other_dtype: InvalidArgument, "'image'", Report::new(&digits(), &int8())
        .unwrap()
        .collect(&[TensorView::new(&[0i8; PIXELS], &[1, 1, 16, 16]).unwrap()]);
    report_target_unknown: NotFound, "abacus",
        Report::with(&digits(), &int8(), &ReportOptions::new().cpu_target("abacus"));
    report_too_many_threads: InvalidArgument, "1025",
        Report::with(&digits(), &int8(), &ReportOptions::new().threads(1025));
    report_cancelled: Cancelled, "", {
        let mut report = Report::new(&digits(), &int8()).unwrap();
        report.set_cancel(Some(requested()));
        report.collect(&[image().view()])
    };
}

// --- single tensors
fn view<T: Element>(data: &[T]) -> TensorView<'_> {
    TensorView::new(data, &[data.len()]).unwrap()
}

fn matrix<T: Element>(data: &[T], dims: [usize; 2]) -> Operand<'_> {
    Operand { values: TensorView::new(data, &dims).unwrap(), scale: None, zero_point: None }
}

use arithmetic::Operand;
refused! {
    choose_scale_for_integers: InvalidArgument, "", arithmetic::choose_scale::<u8>(view(&[1i32]), None, false);
    choose_scale_for_float: InvalidArgument, "", arithmetic::choose_scale::<f32>(view(&[1f32]), None, false);
    choose_scale_along_no_axis: InvalidArgument, "axis is 1", arithmetic::choose_scale::<u8>(view(&[1f32]), Some(1), false);
    choose_scale_before_all_axes: InvalidArgument, "axis is -2", arithmetic::choose_scale::<u8>(view(&[1f32]), Some(-2), false);
    quantize_to_float: InvalidArgument, "", arithmetic::quantize::<f32>(view(&[1f32]), view(&[1f32]), None, 0);
    quantize_integers: InvalidArgument, "", arithmetic::quantize::<u8>(view(&[1u8]), view(&[1f32]), None, 0);
    quantize_by_other_zero_point: InvalidArgument, "",
        arithmetic::quantize::<u8>(view(&[1f32]), view(&[1f32]), Some(view(&[1i8])), 0);
    quantize_by_other_count: InvalidArgument, "", arithmetic::quantize::<u8>(view(&[1f32; 3]), view(&[1f32; 2]), None, 0);
    quantize_along_no_axis: InvalidArgument, "axis", arithmetic::quantize::<u8>(view(&[1f32; 2]), view(&[1f32; 2]), None, 5);
    quantize_into_other_shape: InvalidArgument, "", arithmetic::quantize_into(
        &Context::global().unwrap(), view(&[1f32; 2]), view(&[1f32]), None, 0, TensorViewMut::room(&mut [0u8; 1]));
    dequantize_float: InvalidArgument, "", arithmetic::dequantize(view(&[1f32]), view(&[1f32]), None, 0);
    dequantize_by_other_zero_point: InvalidArgument, "",
        arithmetic::dequantize(view(&[1u8]), view(&[1f32]), Some(view(&[1f32])), 0);
    fake_quantize_through_float: InvalidArgument, "",
        arithmetic::fake_quantize(view(&[1f32]), view(&[1f32]), None, DType::Float64, 0);
    fake_quantize_by_other_zero_point: InvalidArgument, "",
        arithmetic::fake_quantize(view(&[1f32]), view(&[1f32]), Some(view(&[0u8])), DType::Int8, 0);
    matmul_of_other_lengths: InvalidArgument, "",
        arithmetic::matmul::<i32>(matrix(&[1u8; 6], [2, 3]), matrix(&[1i8; 4], [2, 2]), None, None);
    matmul_of_scalars: InvalidArgument, "", {
        let a = Operand { values: TensorView::new(&[1u8], &[]).unwrap(), scale: None, zero_point: None };
        arithmetic::matmul::<i32>(a, a, None, None)
    };
    matmul_of_floats: InvalidArgument, "",
        arithmetic::matmul::<i32>(matrix(&[1f32], [1, 1]), matrix(&[1i8], [1, 1]), None, None);
    matmul_to_float_without_scales: InvalidArgument, "scale",
        arithmetic::matmul::<f32>(matrix(&[1u8], [1, 1]), matrix(&[1i8], [1, 1]), None, None);
    matmul_to_bytes_without_scale: InvalidArgument, "scale",
        arithmetic::matmul::<u8>(matrix(&[1u8], [1, 1]), matrix(&[1i8], [1, 1]), None, None);
}

#[test]
fn a_session_works_on_after_errors() {
    let mut session = session();
    let x = image();
    let before = session.run(&[x.view()]).unwrap()[0].to_vec::<f32>().unwrap();
    for _ in 0..3 {
        session.run(&[]).unwrap_err();
        session.run(&[TensorView::new(&[1u8], &[1]).unwrap()]).unwrap_err();
        session.run_into(&[x.view()], &mut [TensorViewMut::room(&mut [0f32; 3])]).unwrap_err();
        session.set_cancel(Some(requested()));
        session.run(&[x.view()]).unwrap_err();
        session.set_cancel(None);
    }
    assert_eq!(before, session.run(&[x.view()]).unwrap()[0].to_vec::<f32>().unwrap());
}

#[test]
fn codes_are_those_of_c() {
    let error = Model::load("missing.onnx").unwrap_err();
    assert_eq!((error.code().value(), error.code().name()), (129, "OCTAVO_IO"));
    assert_eq!(Code::Other(77).name(), "OCTAVO_UNKNOWN");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::Other);
}
