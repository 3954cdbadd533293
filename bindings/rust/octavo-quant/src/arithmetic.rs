//! Single tensors: the arithmetic of the operators, without a model.
//!
//! The formulas are those of ONNX's `QuantizeLinear` and `DequantizeLinear`:
//!
//! ```text
//! q = saturate(round_half_even(x / scale) + zero_point)         x = (q - zero_point) * scale
//! ```
//!
//! Scales are `f32`; a zero point has the dtype of the quantized tensor, and left out it is 0. Both have one element, or one
//! for each index of dimension `axis` of the tensor; `axis` may be negative, counting from the end, and is not looked at in
//! the first case.
//!
//! Each function comes in two forms: one that makes the result, and one (`_into`) that writes it to memory of the caller's,
//! which also serves 4-bit types.
//!
//! ```
//! use octavo::{arithmetic, Tensor};
//!
//! let x = Tensor::new(vec![0f32, 0.5, 1.0, 2.55], &[2, 2])?;
//! let (scale, zero_point) = arithmetic::choose_scale::<u8>(x.view(), None, false)?;
//! let q = arithmetic::quantize::<u8>(x.view(), scale.view(), Some(zero_point.view()), 0)?;
//! assert_eq!(q.as_slice(), [0, 50, 100, 255]);
//! let back = arithmetic::dequantize(q.view(), scale.view(), Some(zero_point.view()), 0)?;
//! assert!((back.as_slice()[1] - 0.5).abs() < 0.01);
//! # Ok::<(), octavo::Error>(())
//! ```

use std::ptr;

use octavo_sys as sys;

use crate::context::Context;
use crate::dtype::{DType, Element};
use crate::error::{check, Error, Result};
use crate::tensor::Tensor;
use crate::view::{CViews, TensorView, TensorViewMut};

/// A quantized operand of [`matmul`].
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// The integers: `u8` or `i8`.
    pub values: TensorView<'a>,
    /// `f32`: one, or for the right operand one for each column. Not looked at where the result is `i32`.
    pub scale: Option<TensorView<'a>>,
    /// Of the dtype of `values`, as many as there are scales; left out: 0.
    pub zero_point: Option<TensorView<'a>>,
}

/// Operands in C's form; a missing one is NULL.
struct Operands {
    views: CViews,
    at: Vec<Option<usize>>,
}

impl Operands {
    fn new(operands: &[Option<TensorView<'_>>]) -> Operands {
        let given: Vec<TensorView<'_>> = operands.iter().copied().flatten().collect();
        let mut views = CViews::default();
        views.inputs(&given);
        let mut next = 0..;
        let at = operands.iter().map(|operand| operand.and_then(|_| next.next())).collect();
        Operands { views, at }
    }

    /// Good as long as self and what it was made from.
    fn get(&self, i: usize) -> *const sys::octavo_tensor_view {
        self.at[i].map_or(ptr::null(), |at| &self.views.views()[at])
    }
}

/// Scale and zero point of `x` (`f32`) for quantizing to `T` (`u8` or `i8`), by its least and greatest value, 0 included, NaN
/// and infinity passed over: one of each, or as many as dimension `axis` of `x`. `symmetric`: the zero point is 0 (128 for
/// `u8`) and -128 is not used.
///
/// # Errors
/// [`InvalidArgument`](crate::Code::InvalidArgument) for another dtype or an axis that `x` does not have.
pub fn choose_scale<T: Element>(
    x: TensorView<'_>,
    axis: Option<i32>,
    symmetric: bool,
) -> Result<(Tensor<f32>, Tensor<T>)> {
    let rank = x.shape().len() as i64;
    let length = |axis: i32| {
        let axis = i64::from(axis) + if axis < 0 { rank } else { 0 };
        usize::try_from(axis).ok().and_then(|axis| x.shape().get(axis)).copied()
    };
    let dims = match axis {
        None => Vec::new(),
        Some(axis) => match length(axis) {
            Some(length) => vec![length],
            None => return Err(Error::argument(format!("axis is {axis}, the tensor has rank {rank}"))),
        },
    };
    let (mut scale, mut zero_point) = (Tensor::zeros(&dims)?, Tensor::zeros(&dims)?);
    let context = Context::global()?;
    choose_scale_into(&context, x, axis.unwrap_or(0), symmetric, scale.view_mut(), zero_point.view_mut())?;
    Ok((scale, zero_point))
}

/// [`choose_scale`] into memory of the caller's: one element each, or as many as dimension `axis` of `x`. The dtype of
/// `zero_point` says for which type.
///
/// # Errors
/// [`InvalidArgument`](crate::Code::InvalidArgument) for another dtype, size or axis.
pub fn choose_scale_into(
    context: &Context,
    x: TensorView<'_>,
    axis: i32,
    symmetric: bool,
    scale: TensorViewMut<'_>,
    zero_point: TensorViewMut<'_>,
) -> Result<()> {
    let x = Operands::new(&[Some(x)]);
    let (mut scale_view, mut zero_point_view) = (CViews::default(), CViews::default());
    let scale = scale_view.outputs(&[scale]).as_mut_ptr();
    let zero_point = zero_point_view.outputs(&[zero_point]).as_mut_ptr();
    // SAFETY: context and views are good during the call.
    check(unsafe {
        sys::octavo_tensor_choose_scale(context.get(), x.get(0), axis, symmetric as i32, scale, zero_point)
    })
}

/// `f32` `x` -> `T`: `u8`, `i8`, `u16` or `i16`. NaN gives the zero point.
///
/// # Errors
/// [`InvalidArgument`](crate::Code::InvalidArgument) for another dtype, size or axis.
pub fn quantize<T: Element>(
    x: TensorView<'_>,
    scale: TensorView<'_>,
    zero_point: Option<TensorView<'_>>,
    axis: i32,
) -> Result<Tensor<T>> {
    let mut y = Tensor::zeros(x.shape())?;
    quantize_into(&Context::global()?, x, scale, zero_point, axis, y.view_mut())?;
    Ok(y)
}

/// [`quantize`] into memory of the caller's, of x's shape; its dtype may also be `UInt4` or `Int4`.
///
/// # Errors
/// As [`quantize`].
pub fn quantize_into(
    context: &Context,
    x: TensorView<'_>,
    scale: TensorView<'_>,
    zero_point: Option<TensorView<'_>>,
    axis: i32,
    y: TensorViewMut<'_>,
) -> Result<()> {
    let operands = Operands::new(&[Some(x), Some(scale), zero_point]);
    let mut result = CViews::default();
    let y = result.outputs(&[y]).as_mut_ptr();
    // SAFETY: context and views are good during the call.
    check(unsafe {
        sys::octavo_tensor_quantize(context.get(), operands.get(0), operands.get(1), operands.get(2), axis, y)
    })
}

/// Quantized `x` (the types of [`quantize_into`], or `i32` without zero point) -> `f32`.
///
/// # Errors
/// [`InvalidArgument`](crate::Code::InvalidArgument) for another dtype, size or axis.
pub fn dequantize(
    x: TensorView<'_>,
    scale: TensorView<'_>,
    zero_point: Option<TensorView<'_>>,
    axis: i32,
) -> Result<Tensor<f32>> {
    let mut y = Tensor::zeros(x.shape())?;
    dequantize_into(&Context::global()?, x, scale, zero_point, axis, y.view_mut())?;
    Ok(y)
}

/// [`dequantize`] into memory of the caller's, `f32` of x's shape.
///
/// # Errors
/// As [`dequantize`].
pub fn dequantize_into(
    context: &Context,
    x: TensorView<'_>,
    scale: TensorView<'_>,
    zero_point: Option<TensorView<'_>>,
    axis: i32,
    y: TensorViewMut<'_>,
) -> Result<()> {
    let operands = Operands::new(&[Some(x), Some(scale), zero_point]);
    let mut result = CViews::default();
    let y = result.outputs(&[y]).as_mut_ptr();
    // SAFETY: context and views are good during the call.
    check(unsafe {
        sys::octavo_tensor_dequantize(context.get(), operands.get(0), operands.get(1), operands.get(2), axis, y)
    })
}

/// Quantizes `f32` `x` to `dtype` and back in one go: what training with quantization in mind sees.
///
/// # Errors
/// [`InvalidArgument`](crate::Code::InvalidArgument) for another dtype, size or axis, or a zero point that is not of `dtype`.
pub fn fake_quantize(
    x: TensorView<'_>,
    scale: TensorView<'_>,
    zero_point: Option<TensorView<'_>>,
    dtype: DType,
    axis: i32,
) -> Result<Tensor<f32>> {
    let mut y = Tensor::zeros(x.shape())?;
    fake_quantize_into(&Context::global()?, x, scale, zero_point, dtype, axis, y.view_mut())?;
    Ok(y)
}

/// [`fake_quantize`] into memory of the caller's, `f32` of x's shape.
///
/// # Errors
/// As [`fake_quantize`].
pub fn fake_quantize_into(
    context: &Context,
    x: TensorView<'_>,
    scale: TensorView<'_>,
    zero_point: Option<TensorView<'_>>,
    dtype: DType,
    axis: i32,
    y: TensorViewMut<'_>,
) -> Result<()> {
    let operands = Operands::new(&[Some(x), Some(scale), zero_point]);
    let mut result = CViews::default();
    let y = result.outputs(&[y]).as_mut_ptr();
    let (x, scale, zero_point) = (operands.get(0), operands.get(1), operands.get(2));
    // SAFETY: context and views are good during the call.
    check(unsafe { sys::octavo_tensor_fake_quantize(context.get(), x, scale, zero_point, dtype as i32, axis, y) })
}

/// Product of quantized matrices with exact integer sums: `a` is `[..., m, k]`, `b` is `[..., k, n]`, leading dimensions are
/// broadcast. `T` decides what is delivered: `i32` the sums; `f32` the sums times both scales; `u8` and `i8` that, quantized
/// with `y_scale` and `y_zero_point`, which the others do not look at.
///
/// # Errors
/// [`InvalidArgument`](crate::Code::InvalidArgument) for shapes that do not fit, another dtype, or a missing scale.
pub fn matmul<T: Element>(
    a: Operand<'_>,
    b: Operand<'_>,
    y_scale: Option<TensorView<'_>>,
    y_zero_point: Option<TensorView<'_>>,
) -> Result<Tensor<T>> {
    // Where there is no such shape, the call says why.
    let mut y = Tensor::zeros(&product_shape(a.values.shape(), b.values.shape()).unwrap_or_default())?;
    matmul_into(&Context::global()?, a, b, y_scale, y_zero_point, y.view_mut())?;
    Ok(y)
}

/// [`matmul`] into memory of the caller's.
///
/// # Errors
/// As [`matmul`].
pub fn matmul_into(
    context: &Context,
    a: Operand<'_>,
    b: Operand<'_>,
    y_scale: Option<TensorView<'_>>,
    y_zero_point: Option<TensorView<'_>>,
    y: TensorViewMut<'_>,
) -> Result<()> {
    let operands = Operands::new(&[
        Some(a.values),
        a.scale,
        a.zero_point,
        Some(b.values),
        b.scale,
        b.zero_point,
        y_scale,
        y_zero_point,
    ]);
    let mut result = CViews::default();
    let y = result.outputs(&[y]).as_mut_ptr();
    let get = |i| operands.get(i);
    // SAFETY: context and views are good during the call.
    check(unsafe {
        sys::octavo_tensor_matmul(context.get(), get(0), get(1), get(2), get(3), get(4), get(5), get(6), get(7), y)
    })
}

/// The shape of a matrix product, as in NumPy: leading dimensions are broadcast, a vector is a row on the left and a column on
/// the right that does not show in the result.
fn product_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let (a, m) = match a {
        [] => return None,
        [_] => (&[][..], None),
        [lead @ .., m, _] => (lead, Some(*m)),
    };
    let (b, n) = match b {
        [] => return None,
        [_] => (&[][..], None),
        [lead @ .., _, n] => (lead, Some(*n)),
    };
    let rank = a.len().max(b.len());
    let dim = |dims: &[usize], d: usize| (d + dims.len()).checked_sub(rank).map_or(1, |d| dims[d]);
    let lead = (0..rank).map(|d| match (dim(a, d), dim(b, d)) {
        (x, y) if x == y => Some(x),
        (1, x) | (x, 1) => Some(x),
        _ => None,
    });
    lead.chain([m, n].into_iter().flatten().map(Some)).collect()
}

#[cfg(test)]
mod tests {
    use super::product_shape;

    #[test]
    fn products_have_the_shapes_of_numpy() {
        let shape = |a: &[usize], b: &[usize]| product_shape(a, b).unwrap();
        assert_eq!(shape(&[2, 3], &[3, 4]), [2, 4]);
        assert_eq!(shape(&[5, 1, 2, 3], &[6, 3, 4]), [5, 6, 2, 4]);
        assert_eq!(shape(&[3], &[7, 3, 4]), [7, 4]);
        assert_eq!(shape(&[2, 3], &[3]), [2]);
        assert_eq!(shape(&[3], &[3]), []);
        assert_eq!(product_shape(&[2, 2, 3], &[3, 3, 4]), None);
        assert_eq!(product_shape(&[], &[3]), None);
    }
}
