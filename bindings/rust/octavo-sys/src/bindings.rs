// Made by bindings/rust/generate from octavo.h: do not edit.
pub const OCTAVO_VERSION: &[u8; 6] = b"0.1.0\0";
pub const OCTAVO_ABI_VERSION: i32 = 0;
pub const OCTAVO_MAX_RANK: i32 = 8;
pub type octavo_status = i32;
pub const OCTAVO_OK: octavo_status_code = 0;
pub const OCTAVO_INVALID_ARGUMENT: octavo_status_code = 1;
pub const OCTAVO_INVALID_STATE: octavo_status_code = 2;
pub const OCTAVO_NOT_FOUND: octavo_status_code = 3;
pub const OCTAVO_INVALID_MODEL: octavo_status_code = 64;
pub const OCTAVO_UNSUPPORTED: octavo_status_code = 65;
pub const OCTAVO_INVALID_DATA: octavo_status_code = 66;
pub const OCTAVO_OUT_OF_MEMORY: octavo_status_code = 128;
pub const OCTAVO_IO: octavo_status_code = 129;
pub const OCTAVO_LIMIT: octavo_status_code = 130;
pub const OCTAVO_INTERNAL: octavo_status_code = 131;
pub const OCTAVO_FORKED: octavo_status_code = 132;
pub const OCTAVO_CANCELLED: octavo_status_code = 192;
pub type octavo_status_code = ::std::os::raw::c_uint;
pub const OCTAVO_UNDEFINED: octavo_dtype = 0;
pub const OCTAVO_FLOAT32: octavo_dtype = 1;
pub const OCTAVO_UINT8: octavo_dtype = 2;
pub const OCTAVO_INT8: octavo_dtype = 3;
pub const OCTAVO_UINT16: octavo_dtype = 4;
pub const OCTAVO_INT16: octavo_dtype = 5;
pub const OCTAVO_INT32: octavo_dtype = 6;
pub const OCTAVO_INT64: octavo_dtype = 7;
pub const OCTAVO_BOOL: octavo_dtype = 9;
pub const OCTAVO_FLOAT16: octavo_dtype = 10;
pub const OCTAVO_FLOAT64: octavo_dtype = 11;
pub const OCTAVO_UINT32: octavo_dtype = 12;
pub const OCTAVO_UINT64: octavo_dtype = 13;
pub const OCTAVO_BFLOAT16: octavo_dtype = 16;
pub const OCTAVO_UINT4: octavo_dtype = 21;
pub const OCTAVO_INT4: octavo_dtype = 22;
pub type octavo_dtype = ::std::os::raw::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_tensor_view {
    pub struct_size: u32,
    pub dtype: i32,
    pub rank: i32,
    pub flags: u32,
    pub data: *mut ::std::os::raw::c_void,
    pub bytes: usize,
    pub dims: *const i64,
    pub strides: *const i64,
}
#[test]
fn bindgen_test_layout_octavo_tensor_view() {
    const UNINIT: ::core::mem::MaybeUninit<octavo_tensor_view> = ::core::mem::MaybeUninit::uninit();
    let ptr = UNINIT.as_ptr();
    assert_eq!(
        ::core::mem::size_of::<octavo_tensor_view>(),
        48usize,
        "Size of octavo_tensor_view",
    );
    assert_eq!(
        ::core::mem::align_of::<octavo_tensor_view>(),
        8usize,
        "Alignment of octavo_tensor_view",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).struct_size) as usize - ptr as usize },
        0usize,
        "Offset of field: octavo_tensor_view::struct_size",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).dtype) as usize - ptr as usize },
        4usize,
        "Offset of field: octavo_tensor_view::dtype",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).rank) as usize - ptr as usize },
        8usize,
        "Offset of field: octavo_tensor_view::rank",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).flags) as usize - ptr as usize },
        12usize,
        "Offset of field: octavo_tensor_view::flags",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).data) as usize - ptr as usize },
        16usize,
        "Offset of field: octavo_tensor_view::data",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).bytes) as usize - ptr as usize },
        24usize,
        "Offset of field: octavo_tensor_view::bytes",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).dims) as usize - ptr as usize },
        32usize,
        "Offset of field: octavo_tensor_view::dims",
    );
    assert_eq!(
        unsafe { ::core::ptr::addr_of!((*ptr).strides) as usize - ptr as usize },
        40usize,
        "Offset of field: octavo_tensor_view::strides",
    );
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_buffer {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_cancel {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_context {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_context_options {
    _unused: [u8; 0],
}
pub type octavo_allocate_callback = ::core::option::Option<
    unsafe extern "C" fn(
        bytes: usize,
        alignment: usize,
        user_data: *mut ::std::os::raw::c_void,
    ) -> *mut ::std::os::raw::c_void,
>;
pub type octavo_release_callback = ::core::option::Option<
    unsafe extern "C" fn(
        pointer: *mut ::std::os::raw::c_void,
        user_data: *mut ::std::os::raw::c_void,
    ),
>;
pub type octavo_parallel_body = ::core::option::Option<
    unsafe extern "C" fn(body_data: *mut ::std::os::raw::c_void, index: usize),
>;
pub type octavo_parallel_callback = ::core::option::Option<
    unsafe extern "C" fn(
        body: octavo_parallel_body,
        body_data: *mut ::std::os::raw::c_void,
        count: usize,
        user_data: *mut ::std::os::raw::c_void,
    ),
>;
pub const OCTAVO_LOG_WARNING: octavo_log_level = 1;
pub const OCTAVO_LOG_INFO: octavo_log_level = 2;
pub const OCTAVO_LOG_DEBUG: octavo_log_level = 3;
pub type octavo_log_level = ::std::os::raw::c_uint;
pub type octavo_log_callback = ::core::option::Option<
    unsafe extern "C" fn(
        level: i32,
        message: *const ::std::os::raw::c_char,
        user_data: *mut ::std::os::raw::c_void,
    ),
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_model {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_load_options {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_save_options {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_calibrator {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_calibrator_options {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_statistics {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_recipe {
    _unused: [u8; 0],
}
pub const OCTAVO_STATIC_INT8: octavo_scheme = 0;
pub const OCTAVO_DYNAMIC_INT8: octavo_scheme = 1;
pub const OCTAVO_WEIGHT_ONLY: octavo_scheme = 2;
pub type octavo_scheme = ::std::os::raw::c_uint;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_quantize_options {
    _unused: [u8; 0],
}
pub type octavo_progress_callback = ::core::option::Option<
    unsafe extern "C" fn(
        fraction: f64,
        what: *const ::std::os::raw::c_char,
        user_data: *mut ::std::os::raw::c_void,
    ) -> i32,
>;
pub type octavo_observer_callback = ::core::option::Option<
    unsafe extern "C" fn(
        value: *const ::std::os::raw::c_char,
        count: i64,
        min: f64,
        max: f64,
        bins: usize,
        lows: *const f64,
        highs: *const f64,
        counts: *const i64,
        low: *mut f64,
        high: *mut f64,
        user_data: *mut ::std::os::raw::c_void,
    ) -> i32,
>;
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_convert_options {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_session {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_session_options {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_report {
    _unused: [u8; 0],
}
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct octavo_report_options {
    _unused: [u8; 0],
}
extern "C" {
    pub fn octavo_last_error() -> *const ::std::os::raw::c_char;
    pub fn octavo_status_name(status: octavo_status) -> *const ::std::os::raw::c_char;
    pub fn octavo_version_string() -> *const ::std::os::raw::c_char;
    pub fn octavo_abi_version() -> i32;
    pub fn octavo_cpu_target() -> *const ::std::os::raw::c_char;
    pub fn octavo_cpu_target_count() -> usize;
    pub fn octavo_cpu_target_name(index: usize) -> *const ::std::os::raw::c_char;
    pub fn octavo_dtype_name(dtype: i32) -> *const ::std::os::raw::c_char;
    pub fn octavo_dtype_bits(dtype: i32) -> usize;
    pub fn octavo_buffer_data(
        buffer: *const octavo_buffer,
    ) -> *const ::std::os::raw::c_void;
    pub fn octavo_buffer_size(buffer: *const octavo_buffer) -> usize;
    pub fn octavo_buffer_destroy(buffer: *mut octavo_buffer);
    pub fn octavo_cancel_create(out: *mut *mut octavo_cancel) -> octavo_status;
    pub fn octavo_cancel_request(cancel: *mut octavo_cancel);
    pub fn octavo_cancel_reset(cancel: *mut octavo_cancel);
    pub fn octavo_cancel_requested(cancel: *const octavo_cancel) -> i32;
    pub fn octavo_cancel_destroy(cancel: *mut octavo_cancel);
    pub fn octavo_context_options_create(
        out: *mut *mut octavo_context_options,
    ) -> octavo_status;
    pub fn octavo_context_options_destroy(options: *mut octavo_context_options);
    pub fn octavo_context_options_set_threads(
        options: *mut octavo_context_options,
        threads: i32,
    ) -> octavo_status;
    pub fn octavo_context_options_set_memory_limit(
        options: *mut octavo_context_options,
        bytes: i64,
    ) -> octavo_status;
    pub fn octavo_context_options_set_file_limit(
        options: *mut octavo_context_options,
        bytes: i64,
    ) -> octavo_status;
    pub fn octavo_context_options_set_fold_limit(
        options: *mut octavo_context_options,
        bytes: i64,
    ) -> octavo_status;
    pub fn octavo_context_options_set_node_limit(
        options: *mut octavo_context_options,
        nodes: i64,
    ) -> octavo_status;
    pub fn octavo_context_options_set_string_limit(
        options: *mut octavo_context_options,
        bytes: i64,
    ) -> octavo_status;
    pub fn octavo_context_options_set_allocator(
        options: *mut octavo_context_options,
        allocate: octavo_allocate_callback,
        release: octavo_release_callback,
        user_data: *mut ::std::os::raw::c_void,
    ) -> octavo_status;
    pub fn octavo_context_options_set_parallel(
        options: *mut octavo_context_options,
        parallel: octavo_parallel_callback,
        user_data: *mut ::std::os::raw::c_void,
    ) -> octavo_status;
    pub fn octavo_context_options_set_log(
        options: *mut octavo_context_options,
        level: i32,
        log: octavo_log_callback,
        user_data: *mut ::std::os::raw::c_void,
    ) -> octavo_status;
    pub fn octavo_context_create(
        options: *const octavo_context_options,
        out: *mut *mut octavo_context,
    ) -> octavo_status;
    pub fn octavo_context_destroy(context: *mut octavo_context);
    pub fn octavo_context_memory(
        context: *const octavo_context,
        out_live: *mut i64,
        out_peak: *mut i64,
    ) -> octavo_status;
    pub fn octavo_load_options_create(
        out: *mut *mut octavo_load_options,
    ) -> octavo_status;
    pub fn octavo_load_options_destroy(options: *mut octavo_load_options);
    pub fn octavo_load_options_set_input_shape(
        options: *mut octavo_load_options,
        name: *const ::std::os::raw::c_char,
        dims: *const i64,
        rank: usize,
    ) -> octavo_status;
    pub fn octavo_load_options_set_borrow(
        options: *mut octavo_load_options,
        borrow: i32,
    ) -> octavo_status;
    pub fn octavo_model_load(
        context: *mut octavo_context,
        path: *const ::std::os::raw::c_char,
        options: *const octavo_load_options,
        out: *mut *mut octavo_model,
    ) -> octavo_status;
    pub fn octavo_model_load_memory(
        context: *mut octavo_context,
        data: *const ::std::os::raw::c_void,
        size: usize,
        options: *const octavo_load_options,
        out: *mut *mut octavo_model,
    ) -> octavo_status;
    pub fn octavo_model_destroy(model: *mut octavo_model);
    pub fn octavo_save_options_create(
        out: *mut *mut octavo_save_options,
    ) -> octavo_status;
    pub fn octavo_save_options_destroy(options: *mut octavo_save_options);
    pub fn octavo_save_options_set_external_data(
        options: *mut octavo_save_options,
        external_data: i32,
    ) -> octavo_status;
    pub fn octavo_model_save(
        model: *const octavo_model,
        path: *const ::std::os::raw::c_char,
        options: *const octavo_save_options,
    ) -> octavo_status;
    pub fn octavo_model_save_memory(
        model: *const octavo_model,
        options: *const octavo_save_options,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_model_input_count(
        model: *const octavo_model,
        out_count: *mut usize,
    ) -> octavo_status;
    pub fn octavo_model_input_name(
        model: *const octavo_model,
        index: usize,
        out_name: *mut *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_model_input_dtype(
        model: *const octavo_model,
        index: usize,
        out_dtype: *mut i32,
    ) -> octavo_status;
    pub fn octavo_model_input_shape(
        model: *const octavo_model,
        index: usize,
        dims: *mut i64,
        capacity: usize,
        out_rank: *mut i32,
    ) -> octavo_status;
    pub fn octavo_model_output_count(
        model: *const octavo_model,
        out_count: *mut usize,
    ) -> octavo_status;
    pub fn octavo_model_output_name(
        model: *const octavo_model,
        index: usize,
        out_name: *mut *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_model_output_dtype(
        model: *const octavo_model,
        index: usize,
        out_dtype: *mut i32,
    ) -> octavo_status;
    pub fn octavo_model_output_shape(
        model: *const octavo_model,
        index: usize,
        dims: *mut i64,
        capacity: usize,
        out_rank: *mut i32,
    ) -> octavo_status;
    pub fn octavo_model_is_quantized(
        model: *const octavo_model,
        out: *mut i32,
    ) -> octavo_status;
    pub fn octavo_model_metadata_count(
        model: *const octavo_model,
        out_count: *mut usize,
    ) -> octavo_status;
    pub fn octavo_model_metadata_at(
        model: *const octavo_model,
        index: usize,
        out_key: *mut *const ::std::os::raw::c_char,
        out_value: *mut *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_model_metadata_get(
        model: *const octavo_model,
        key: *const ::std::os::raw::c_char,
        out_value: *mut *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_model_describe_json(
        model: *const octavo_model,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_calibrator_options_create(
        out: *mut *mut octavo_calibrator_options,
    ) -> octavo_status;
    pub fn octavo_calibrator_options_destroy(options: *mut octavo_calibrator_options);
    pub fn octavo_calibrator_options_set_threads(
        options: *mut octavo_calibrator_options,
        threads: i32,
    ) -> octavo_status;
    pub fn octavo_calibrator_options_set_cpu_target(
        options: *mut octavo_calibrator_options,
        target: *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_calibrator_options_set_observer(
        options: *mut octavo_calibrator_options,
        observer: *const ::std::os::raw::c_char,
        percentile: f64,
    ) -> octavo_status;
    pub fn octavo_calibrator_create(
        model: *const octavo_model,
        options: *const octavo_calibrator_options,
        out: *mut *mut octavo_calibrator,
    ) -> octavo_status;
    pub fn octavo_calibrator_collect(
        calibrator: *mut octavo_calibrator,
        inputs: *const octavo_tensor_view,
        count: usize,
        cancel: *const octavo_cancel,
    ) -> octavo_status;
    pub fn octavo_calibrator_finish(
        calibrator: *const octavo_calibrator,
        out: *mut *mut octavo_statistics,
    ) -> octavo_status;
    pub fn octavo_calibrator_destroy(calibrator: *mut octavo_calibrator);
    pub fn octavo_statistics_load(
        context: *mut octavo_context,
        path: *const ::std::os::raw::c_char,
        out: *mut *mut octavo_statistics,
    ) -> octavo_status;
    pub fn octavo_statistics_load_memory(
        context: *mut octavo_context,
        data: *const ::std::os::raw::c_void,
        size: usize,
        out: *mut *mut octavo_statistics,
    ) -> octavo_status;
    pub fn octavo_statistics_save(
        statistics: *const octavo_statistics,
        path: *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_statistics_save_memory(
        statistics: *const octavo_statistics,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_statistics_merge(
        into: *mut octavo_statistics,
        from: *const octavo_statistics,
    ) -> octavo_status;
    pub fn octavo_statistics_samples(
        statistics: *const octavo_statistics,
        out_samples: *mut i64,
    ) -> octavo_status;
    pub fn octavo_statistics_json(
        statistics: *const octavo_statistics,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_statistics_destroy(statistics: *mut octavo_statistics);
    pub fn octavo_recipe_create(
        context: *mut octavo_context,
        scheme: i32,
        out: *mut *mut octavo_recipe,
    ) -> octavo_status;
    pub fn octavo_recipe_parse(
        context: *mut octavo_context,
        json: *const ::std::os::raw::c_char,
        size: usize,
        out: *mut *mut octavo_recipe,
    ) -> octavo_status;
    pub fn octavo_recipe_json(
        recipe: *const octavo_recipe,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_recipe_set_observer(
        recipe: *mut octavo_recipe,
        observer: *const ::std::os::raw::c_char,
        percentile: f64,
    ) -> octavo_status;
    pub fn octavo_recipe_set_per_channel(
        recipe: *mut octavo_recipe,
        per_channel: i32,
    ) -> octavo_status;
    pub fn octavo_recipe_set_weight_blocks(
        recipe: *mut octavo_recipe,
        bits: i32,
        block_size: i64,
    ) -> octavo_status;
    pub fn octavo_recipe_keep_float(
        recipe: *mut octavo_recipe,
        op: *const ::std::os::raw::c_char,
        name: *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_recipe_observe(
        recipe: *mut octavo_recipe,
        op: *const ::std::os::raw::c_char,
        name: *const ::std::os::raw::c_char,
        observer: *const ::std::os::raw::c_char,
        percentile: f64,
    ) -> octavo_status;
    pub fn octavo_recipe_destroy(recipe: *mut octavo_recipe);
    pub fn octavo_model_quantize(
        model: *const octavo_model,
        statistics: *const octavo_statistics,
        recipe: *const octavo_recipe,
        out: *mut *mut octavo_model,
    ) -> octavo_status;
    pub fn octavo_quantize_options_create(
        out: *mut *mut octavo_quantize_options,
    ) -> octavo_status;
    pub fn octavo_quantize_options_destroy(options: *mut octavo_quantize_options);
    pub fn octavo_quantize_options_set_progress(
        options: *mut octavo_quantize_options,
        progress: octavo_progress_callback,
        user_data: *mut ::std::os::raw::c_void,
    ) -> octavo_status;
    pub fn octavo_quantize_options_set_cancel(
        options: *mut octavo_quantize_options,
        cancel: *const octavo_cancel,
    ) -> octavo_status;
    pub fn octavo_quantize_options_set_observer(
        options: *mut octavo_quantize_options,
        observer: octavo_observer_callback,
        user_data: *mut ::std::os::raw::c_void,
    ) -> octavo_status;
    pub fn octavo_model_quantize_with(
        model: *const octavo_model,
        statistics: *const octavo_statistics,
        recipe: *const octavo_recipe,
        options: *const octavo_quantize_options,
        out: *mut *mut octavo_model,
    ) -> octavo_status;
    pub fn octavo_convert_options_create(
        out: *mut *mut octavo_convert_options,
    ) -> octavo_status;
    pub fn octavo_convert_options_destroy(options: *mut octavo_convert_options);
    pub fn octavo_convert_options_set_form(
        options: *mut octavo_convert_options,
        form: *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_model_convert(
        model: *const octavo_model,
        options: *const octavo_convert_options,
        out: *mut *mut octavo_model,
    ) -> octavo_status;
    pub fn octavo_session_options_create(
        out: *mut *mut octavo_session_options,
    ) -> octavo_status;
    pub fn octavo_session_options_destroy(options: *mut octavo_session_options);
    pub fn octavo_session_options_set_threads(
        options: *mut octavo_session_options,
        threads: i32,
    ) -> octavo_status;
    pub fn octavo_session_options_set_cpu_target(
        options: *mut octavo_session_options,
        target: *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_session_options_set_profile(
        options: *mut octavo_session_options,
        profile: i32,
    ) -> octavo_status;
    pub fn octavo_session_create(
        model: *const octavo_model,
        options: *const octavo_session_options,
        out: *mut *mut octavo_session,
    ) -> octavo_status;
    pub fn octavo_session_destroy(session: *mut octavo_session);
    pub fn octavo_session_run(
        session: *mut octavo_session,
        inputs: *const octavo_tensor_view,
        input_count: usize,
        outputs: *mut octavo_tensor_view,
        output_count: usize,
        cancel: *const octavo_cancel,
    ) -> octavo_status;
    pub fn octavo_session_prepare(
        session: *mut octavo_session,
        inputs: *const octavo_tensor_view,
        input_count: usize,
        outputs: *mut octavo_tensor_view,
        output_count: usize,
    ) -> octavo_status;
    pub fn octavo_session_output_shape(
        session: *const octavo_session,
        index: usize,
        dims: *mut i64,
        capacity: usize,
        out_rank: *mut i32,
    ) -> octavo_status;
    pub fn octavo_session_cpu_target(
        session: *const octavo_session,
        out_target: *mut *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_session_profile_json(
        session: *const octavo_session,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_session_profile_html(
        session: *const octavo_session,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_report_options_create(
        out: *mut *mut octavo_report_options,
    ) -> octavo_status;
    pub fn octavo_report_options_destroy(options: *mut octavo_report_options);
    pub fn octavo_report_options_set_threads(
        options: *mut octavo_report_options,
        threads: i32,
    ) -> octavo_status;
    pub fn octavo_report_options_set_cpu_target(
        options: *mut octavo_report_options,
        target: *const ::std::os::raw::c_char,
    ) -> octavo_status;
    pub fn octavo_report_create(
        float_model: *const octavo_model,
        quantized_model: *const octavo_model,
        options: *const octavo_report_options,
        out: *mut *mut octavo_report,
    ) -> octavo_status;
    pub fn octavo_report_collect(
        report: *mut octavo_report,
        inputs: *const octavo_tensor_view,
        count: usize,
        cancel: *const octavo_cancel,
    ) -> octavo_status;
    pub fn octavo_report_json(
        report: *const octavo_report,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_report_html(
        report: *const octavo_report,
        out: *mut *mut octavo_buffer,
    ) -> octavo_status;
    pub fn octavo_report_destroy(report: *mut octavo_report);
    pub fn octavo_tensor_choose_scale(
        context: *mut octavo_context,
        x: *const octavo_tensor_view,
        axis: i32,
        symmetric: i32,
        scale: *mut octavo_tensor_view,
        zero_point: *mut octavo_tensor_view,
    ) -> octavo_status;
    pub fn octavo_tensor_quantize(
        context: *mut octavo_context,
        x: *const octavo_tensor_view,
        scale: *const octavo_tensor_view,
        zero_point: *const octavo_tensor_view,
        axis: i32,
        y: *mut octavo_tensor_view,
    ) -> octavo_status;
    pub fn octavo_tensor_dequantize(
        context: *mut octavo_context,
        x: *const octavo_tensor_view,
        scale: *const octavo_tensor_view,
        zero_point: *const octavo_tensor_view,
        axis: i32,
        y: *mut octavo_tensor_view,
    ) -> octavo_status;
    pub fn octavo_tensor_fake_quantize(
        context: *mut octavo_context,
        x: *const octavo_tensor_view,
        scale: *const octavo_tensor_view,
        zero_point: *const octavo_tensor_view,
        dtype: i32,
        axis: i32,
        y: *mut octavo_tensor_view,
    ) -> octavo_status;
    pub fn octavo_tensor_matmul(
        context: *mut octavo_context,
        a: *const octavo_tensor_view,
        a_scale: *const octavo_tensor_view,
        a_zero_point: *const octavo_tensor_view,
        b: *const octavo_tensor_view,
        b_scale: *const octavo_tensor_view,
        b_zero_point: *const octavo_tensor_view,
        y_scale: *const octavo_tensor_view,
        y_zero_point: *const octavo_tensor_view,
        y: *mut octavo_tensor_view,
    ) -> octavo_status;
}
