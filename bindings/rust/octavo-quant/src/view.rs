//! Tensors in somebody's memory: how data crosses the interface without being copied.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{size_of, size_of_val};
use std::os::raw::c_void;
use std::ptr;

use octavo_sys as sys;

use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

mod c;
pub(crate) use c::CViews;

/// No tensor has more dimensions.
pub const MAX_RANK: usize = sys::OCTAVO_MAX_RANK as usize;

/// The dimensions of a tensor, by value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    rank: usize,
    dims: [usize; MAX_RANK],
}

impl Shape {
    pub(crate) fn new(dims: &[usize]) -> Result<Shape> {
        if dims.len() > MAX_RANK {
            return Err(Error::argument(format!("rank {} is outside 0..{MAX_RANK}", dims.len())));
        }
        let mut shape = Shape { rank: dims.len(), dims: [0; MAX_RANK] };
        shape.dims[..dims.len()].copy_from_slice(dims);
        shape.elements()?;
        Ok(shape)
    }

    pub(crate) fn dims(&self) -> &[usize] {
        &self.dims[..self.rank]
    }

    /// The product of all dimensions, which fits `i64`, as C has it.
    pub(crate) fn elements(&self) -> Result<usize> {
        // As if no dimension were 0, so that the strides of an empty tensor fit, too.
        let product = self.dims().iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)));
        match product {
            Some(n) if n <= i64::MAX as usize => Ok(if self.dims().contains(&0) { 0 } else { n }),
            _ => Err(Error::argument(format!("shape {:?} has too many elements", self.dims()))),
        }
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dims().fmt(f)
    }
}

fn bytes_for(shape: &Shape, dtype: DType) -> Result<usize> {
    let bits = shape.elements()?.checked_mul(dtype.bits());
    bits.map(|bits| (bits + 7) / 8)
        .ok_or_else(|| Error::argument(format!("shape {shape:?} of {dtype} has too many bytes")))
}

fn check_count(shape: &Shape, given: usize, dtype: DType) -> Result<()> {
    let elements = shape.elements()?;
    if elements == given {
        return Ok(());
    }
    Err(Error::argument(format!("shape {shape:?} of {dtype:?} is {elements} elements, the slice has {given}")))
}

fn check_bytes(shape: &Shape, given: usize, dtype: DType) -> Result<()> {
    let bytes = bytes_for(shape, dtype)?;
    if bytes == given {
        return Ok(());
    }
    Err(Error::argument(format!("shape {shape:?} of {dtype} is {bytes} bytes, the slice has {given}")))
}

/// A tensor to read: element type, shape and borrowed memory, dense or with strides. Cheap to copy.
///
/// ```
/// use octavo::TensorView;
///
/// let image = vec![0f32; 3 * 32 * 32];
/// let x = TensorView::new(&image, &[1, 3, 32, 32])?;
/// assert_eq!(x.shape(), [1, 3, 32, 32]);
/// # Ok::<(), octavo::Error>(())
/// ```
///
/// It borrows the memory:
///
/// ```compile_fail,E0597
/// let x = {
///     let image = vec![0f32; 12];
///     octavo::TensorView::new(&image, &[3, 4]).unwrap()
/// };
/// x.shape();
/// ```
#[derive(Clone, Copy)]
pub struct TensorView<'a> {
    dtype: DType,
    shape: Shape,
    strides: Option<[isize; MAX_RANK]>, // in elements
    data: *const c_void,                // first element
    bytes: usize,
    memory: PhantomData<&'a [u8]>,
}

// SAFETY: a shared borrow of plain numbers.
unsafe impl Send for TensorView<'_> {}
// SAFETY: as above.
unsafe impl Sync for TensorView<'_> {}

impl<'a> TensorView<'a> {
    /// All of `data` as a dense tensor, the last dimension adjacent; `dims` may be empty for a scalar.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if `dims` does not say `data.len()` elements, or says more than
    /// [`MAX_RANK`] dimensions.
    pub fn new<T: Element>(data: &'a [T], dims: &[usize]) -> Result<TensorView<'a>> {
        let shape = Shape::new(dims)?;
        check_count(&shape, data.len(), T::DTYPE)?;
        Ok(TensorView::raw(T::DTYPE, shape, None, data.as_ptr().cast(), size_of_val(data)))
    }

    /// Elements of `data` picked by strides: index `[i, j, ...]` is `data[offset + i * strides[0] + j * strides[1] + ...]`.
    /// Strides are in elements; they may be negative, or 0 to repeat.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if an index would lie outside `data`, or `dims` and `strides`
    /// differ in length.
    pub fn strided<T: Element>(
        data: &'a [T],
        offset: usize,
        dims: &[usize],
        strides: &[isize],
    ) -> Result<TensorView<'a>> {
        let shape = Shape::new(dims)?;
        if strides.len() != dims.len() {
            return Err(Error::argument(format!("{} strides were given for {} dimensions", strides.len(), dims.len())));
        }
        let elements = shape.elements()?;
        let (mut low, mut high) = (offset as i128, offset as i128);
        if elements > 0 {
            for (&dim, &stride) in dims.iter().zip(strides) {
                let reach = (dim as i128 - 1) * stride as i128; // no product of two 64-bit numbers overflows
                *(if reach < 0 { &mut low } else { &mut high }) += reach;
            }
            if low < 0 || high >= data.len() as i128 {
                return Err(Error::argument(format!(
                    "offset {offset}, shape {dims:?} and strides {strides:?} reach elements {low}..={high} of a slice of {}",
                    data.len()
                )));
            }
        }
        let first = data.as_ptr().wrapping_add(if elements > 0 { offset } else { 0 });
        // SAFETY: every element that is reached was just seen to lie within data.
        Ok(unsafe { TensorView::from_raw_parts(first, shape, strides) })
    }

    /// # Safety
    /// Every element that `shape` and `strides` reach from `first` can be read for as long as `'a`.
    pub(crate) unsafe fn from_raw_parts<T: Element>(
        first: *const T,
        shape: Shape,
        strides: &[isize],
    ) -> TensorView<'a> {
        let bytes = shape.elements().unwrap_or(0).saturating_mul(size_of::<T>()); // C refuses what does not fit
        let mut kept = [0; MAX_RANK];
        kept[..strides.len()].copy_from_slice(strides);
        TensorView::raw(T::DTYPE, shape, Some(kept), first.cast(), bytes)
    }

    /// A dense tensor of any element type from its bytes, at any alignment: for `Float16`, `BFloat16`, `Int4` and `UInt4`,
    /// which Rust has no type for. Two 4-bit elements share a byte, the first in the low half.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if `data` is not as long as `dtype` and `dims` need.
    pub fn from_bytes(dtype: DType, data: &'a [u8], dims: &[usize]) -> Result<TensorView<'a>> {
        let shape = Shape::new(dims)?;
        check_bytes(&shape, data.len(), dtype)?;
        Ok(TensorView::raw(dtype, shape, None, data.as_ptr().cast(), data.len()))
    }

    /// All of `data` as a dense tensor of `Bool`.
    ///
    /// # Errors
    /// As [`new`](TensorView::new).
    pub fn of_bools(data: &'a [bool], dims: &[usize]) -> Result<TensorView<'a>> {
        let shape = Shape::new(dims)?;
        check_count(&shape, data.len(), DType::Bool)?;
        Ok(TensorView::raw(DType::Bool, shape, None, data.as_ptr().cast(), data.len()))
    }

    fn raw(
        dtype: DType,
        shape: Shape,
        strides: Option<[isize; MAX_RANK]>,
        data: *const c_void,
        bytes: usize,
    ) -> TensorView<'a> {
        TensorView { dtype, shape, strides, data, bytes, memory: PhantomData }
    }

    /// What C filled in: a dense tensor.
    ///
    /// # Safety
    /// The view's memory stays as it is for as long as `'a`.
    pub(crate) unsafe fn from_c(view: &sys::octavo_tensor_view) -> Result<TensorView<'a>> {
        let data = if view.data.is_null() { ptr::NonNull::<u64>::dangling().as_ptr().cast() } else { view.data };
        Ok(TensorView::raw(DType::from_c(view.dtype)?, shape_from_c(view)?, None, data, view.bytes))
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        self.shape.dims()
    }

    /// Elements from one index to the next, for each dimension; `None`: dense, the last dimension adjacent.
    pub fn strides(&self) -> Option<&[isize]> {
        self.strides.as_ref().map(|strides| &strides[..self.shape.rank])
    }

    /// How many elements: the product of the dimensions.
    pub fn len(&self) -> usize {
        self.shape.elements().unwrap_or(0)
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in place, the last dimension adjacent.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if they are not of type `T`, not dense, or not aligned for `T`.
    pub fn as_slice<T: Element>(&self) -> Result<&'a [T]> {
        if self.dtype != T::DTYPE {
            return Err(Error::argument(format!("the tensor is {:?}, not {:?}", self.dtype, T::DTYPE)));
        }
        if self.strides.is_some() {
            return Err(Error::argument("the tensor has strides: its elements are no slice"));
        }
        if self.data as usize % std::mem::align_of::<T>() != 0 {
            return Err(Error::argument(format!("the tensor's memory is not aligned for {:?}", T::DTYPE)));
        }
        // SAFETY: the constructors took a slice of that many elements of T, or of as many bytes, which are any T.
        Ok(unsafe { std::slice::from_raw_parts(self.data.cast(), self.bytes / size_of::<T>()) })
    }

    /// The bytes in place, whatever the element type.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if the tensor has strides.
    pub fn as_bytes(&self) -> Result<&'a [u8]> {
        if self.strides.is_some() {
            return Err(Error::argument("the tensor has strides: its elements are no slice"));
        }
        // SAFETY: as in as_slice; numbers have no padding.
        Ok(unsafe { std::slice::from_raw_parts(self.data.cast(), self.bytes) })
    }

    /// A copy of the elements of a dense tensor; `T` and errors as in [`as_slice`](TensorView::as_slice), any alignment.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if let Ok(slice) = self.as_slice::<T>() {
            return Ok(slice.to_vec());
        }
        if self.dtype != T::DTYPE || self.strides.is_some() {
            return self.as_slice::<T>().map(<[T]>::to_vec);
        }
        let mut copy = vec![T::default(); self.len()];
        // SAFETY: both are self.bytes long, and any bytes are a T.
        unsafe { ptr::copy_nonoverlapping(self.data.cast::<u8>(), copy.as_mut_ptr().cast(), self.bytes) };
        Ok(copy)
    }

    /// A copy that owns its memory; errors as in [`to_vec`](TensorView::to_vec).
    pub fn to_tensor<T: Element>(&self) -> Result<Tensor<T>> {
        Tensor::new(self.to_vec()?, self.shape())
    }

    /// A copy of a tensor of `Bool`: what is not 0 is true.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if the tensor is of another type or has strides.
    pub fn to_bools(&self) -> Result<Vec<bool>> {
        if self.dtype != DType::Bool {
            return Err(Error::argument(format!("the tensor is {:?}, not Bool", self.dtype)));
        }
        Ok(self.as_bytes()?.iter().map(|&byte| byte != 0).collect())
    }
}

impl fmt::Debug for TensorView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorView({:?}, {:?})", self.dtype, self.shape)
    }
}

/// Memory that receives a dense tensor.
///
/// ```
/// use octavo::TensorViewMut;
///
/// let mut scores = [0f32; 10];
/// let y = TensorViewMut::new(&mut scores, &[1, 10])?;
/// # Ok::<(), octavo::Error>(())
/// ```
///
/// Memory that may only be read does not serve:
///
/// ```compile_fail,E0308
/// octavo::TensorViewMut::new(&[0f32; 10], &[1, 10]);
/// ```
pub struct TensorViewMut<'a> {
    dtype: DType,
    shape: Option<Shape>, // None: whatever the result has
    data: *mut c_void,
    bytes: usize,
    memory: PhantomData<&'a mut [u8]>,
}

// SAFETY: an exclusive borrow of plain numbers.
unsafe impl Send for TensorViewMut<'_> {}
// SAFETY: as above; nothing is written through a shared one.
unsafe impl Sync for TensorViewMut<'_> {}

impl<'a> TensorViewMut<'a> {
    /// Room for a result of exactly these dimensions.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if `dims` does not say `data.len()` elements, or says more than
    /// [`MAX_RANK`] dimensions.
    pub fn new<T: Element>(data: &'a mut [T], dims: &[usize]) -> Result<TensorViewMut<'a>> {
        let shape = Shape::new(dims)?;
        check_count(&shape, data.len(), T::DTYPE)?;
        Ok(TensorViewMut { shape: Some(shape), ..TensorViewMut::room(data) })
    }

    /// Room for a result of any shape that fits; [`shape`](TensorViewMut::shape) tells afterwards which it was.
    pub fn room<T: Element>(data: &'a mut [T]) -> TensorViewMut<'a> {
        TensorViewMut {
            dtype: T::DTYPE,
            shape: None,
            bytes: size_of_val(data),
            data: data.as_mut_ptr().cast(),
            memory: PhantomData,
        }
    }

    /// Room for a result of any element type; see [`TensorView::from_bytes`].
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if `data` is not as long as `dtype` and `dims` need.
    pub fn from_bytes(dtype: DType, data: &'a mut [u8], dims: &[usize]) -> Result<TensorViewMut<'a>> {
        let shape = Shape::new(dims)?;
        check_bytes(&shape, data.len(), dtype)?;
        Ok(TensorViewMut { dtype, shape: Some(shape), ..TensorViewMut::room(data) })
    }

    /// Type of the elements.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The dimensions, if they are known: given when made, or told by the last result.
    pub fn shape(&self) -> Option<&[usize]> {
        self.shape.as_ref().map(Shape::dims)
    }

    pub(crate) fn set_shape_from_c(&mut self, view: &sys::octavo_tensor_view) -> Result<()> {
        self.shape = Some(shape_from_c(view)?);
        Ok(())
    }
}

impl fmt::Debug for TensorViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorViewMut({:?}, {:?})", self.dtype, self.shape())
    }
}

fn shape_from_c(view: &sys::octavo_tensor_view) -> Result<Shape> {
    let mut dims = [0; MAX_RANK];
    let rank = view.rank.clamp(0, MAX_RANK as i32) as usize;
    for (d, dim) in dims.iter_mut().enumerate().take(rank) {
        // SAFETY: C describes results with dims[rank].
        *dim = unsafe { *view.dims.add(d) } as usize;
    }
    Shape::new(&dims[..rank])
}

// These run under Miri, too: nothing here calls C.
#[cfg(test)]
mod tests {
    use super::c::EMPTY;
    use super::*;

    #[test]
    fn elements_are_read_in_place_or_copied() {
        let data = [1.5f32, -2.0];
        let view = TensorView::new(&data, &[2]).unwrap();
        assert_eq!(view.as_slice::<f32>().unwrap().as_ptr(), data.as_ptr());
        assert_eq!(view.as_bytes().unwrap()[3], 0x3f);
        assert_eq!(view.to_tensor::<f32>().unwrap().into_vec(), data);
        #[repr(align(4))]
        struct Aligned([u8; 9]);
        let bytes = Aligned([0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0]);
        let shape = Shape::new(&[2]).unwrap();
        let odd = TensorView::raw(DType::Float32, shape, None, bytes.0[1..].as_ptr().cast(), 8);
        assert!(odd.as_slice::<f32>().is_err());
        assert_eq!(odd.to_vec::<f32>().unwrap(), data);
    }

    #[test]
    fn empty_tensors_have_slices() {
        let none = sys::octavo_tensor_view { dtype: 1, rank: 1, dims: &0, ..EMPTY };
        // SAFETY: no element is read.
        let view = unsafe { TensorView::from_c(&none) };
        assert_eq!(view.unwrap().as_slice::<f32>().unwrap(), []);
        assert_eq!(TensorView::new::<u64>(&[], &[3, 0]).unwrap().as_slice::<u64>().unwrap(), []);
    }
}
