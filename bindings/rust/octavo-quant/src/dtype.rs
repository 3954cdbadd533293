//! Element types.

use std::fmt;

use octavo_sys as sys;

use crate::error::{static_text, Code, Error, Result};

/// Type of a tensor's elements; the numbers are those of ONNX's `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(i32)]
pub enum DType {
    /// `f32`
    Float32 = 1,
    /// `u8`
    UInt8 = 2,
    /// `i8`
    Int8 = 3,
    /// `u16`
    UInt16 = 4,
    /// `i16`
    Int16 = 5,
    /// `i32`
    Int32 = 6,
    /// `i64`
    Int64 = 7,
    /// One byte: 0 or 1.
    Bool = 9,
    /// IEEE 754 half precision; two bytes.
    Float16 = 10,
    /// `f64`
    Float64 = 11,
    /// `u32`
    UInt32 = 12,
    /// `u64`
    UInt64 = 13,
    /// The upper half of an `f32`; two bytes.
    BFloat16 = 16,
    /// Two a byte, the first in the low half.
    UInt4 = 21,
    /// Two a byte, the first in the low half.
    Int4 = 22,
}

impl DType {
    const ALL: [DType; 15] = [
        DType::Float32,
        DType::UInt8,
        DType::Int8,
        DType::UInt16,
        DType::Int16,
        DType::Int32,
        DType::Int64,
        DType::Bool,
        DType::Float16,
        DType::Float64,
        DType::UInt32,
        DType::UInt64,
        DType::BFloat16,
        DType::UInt4,
        DType::Int4,
    ];

    /// The type of that number in ONNX, if this crate knows it.
    pub fn from_onnx(number: i32) -> Option<DType> {
        DType::ALL.into_iter().find(|dtype| *dtype as i32 == number)
    }

    pub(crate) fn from_c(number: i32) -> Result<DType> {
        DType::from_onnx(number).ok_or_else(|| {
            Error::new(Code::Unsupported, format!("element type {number} is newer than this version of the crate"))
        })
    }

    /// `"float32"`, `"uint8"`, ...
    pub fn name(self) -> &'static str {
        // SAFETY: the result is static.
        unsafe { static_text(sys::octavo_dtype_name(self as i32)) }
    }

    /// Bits of one element: 32 for `Float32`, 4 for `Int4`.
    pub fn bits(self) -> usize {
        // SAFETY: takes any number.
        unsafe { sys::octavo_dtype_bits(self as i32) }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// Rust's numbers that are elements of tensors: `f32`, `f64` and the integers of 8 to 64 bits.
///
/// `bool` is not among them, because a byte other than 0 and 1 would be undefined behaviour:
/// [`TensorView::of_bools`](crate::TensorView::of_bools) and [`to_bools`](crate::TensorView::to_bools) convert. Types
/// without a counterpart in Rust go through [`TensorView::from_bytes`](crate::TensorView::from_bytes).
pub trait Element: sealed::Sealed + Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The type's number in ONNX.
    const DTYPE: DType;
}

macro_rules! elements {
    ($($rust:ty = $dtype:ident),*) => {
        $(impl sealed::Sealed for $rust {}
        impl Element for $rust {
            const DTYPE: DType = DType::$dtype;
        })*
    };
}

elements!(
    f32 = Float32,
    u8 = UInt8,
    i8 = Int8,
    u16 = UInt16,
    i16 = Int16,
    i32 = Int32,
    i64 = Int64,
    f64 = Float64,
    u32 = UInt32,
    u64 = UInt64
);
