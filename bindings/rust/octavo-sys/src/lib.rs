//! The C interface of [Octavo](https://crates.io/crates/octavo-quant): ONNX in, INT8 out. Everything here is unsafe and
//! as `octavo.h` says; the crate `octavo-quant` is what programs use.
//!
//! The library is found in this order:
//!
//! 1. `OCTAVO_LIB_DIR`: the folder of `liboctavo.so` (or, failing that, of `liboctavo.a`).
//! 2. pkg-config's `octavo`, unless the feature `vendored` is on.
//! 3. The C++ sources that come with this crate, built with CMake and a C++20 compiler and linked statically.
//!    `OCTAVO_NO_VENDOR=1` makes this an error instead.
//!
//! Dependent build scripts find the folder of `octavo/octavo.h` in `DEP_OCTAVO_INCLUDE` in the cases 2 and 3.
#![allow(non_camel_case_types, non_upper_case_globals)]

include!("bindings.rs");
