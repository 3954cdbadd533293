//! Arrays of the crate `ndarray` as tensors and back, without copying.

use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data, DataMut, Dimension, IxDyn};

use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::tensor::Tensor;
use crate::view::{Shape, TensorView, TensorViewMut};

/// Any array of numbers is an input, whatever its strides: `TensorView::try_from(&array)?`.
///
/// ```
/// let image = ndarray::Array4::<f32>::zeros((1, 16, 16, 1));
/// let x = image.permuted_axes([0, 3, 1, 2]);
/// assert_eq!(octavo::TensorView::try_from(&x)?.shape(), [1, 1, 16, 16]);
/// # Ok::<(), octavo::Error>(())
/// ```
impl<'a, T, S, D> TryFrom<&'a ArrayBase<S, D>> for TensorView<'a>
where
    T: Element,
    S: Data<Elem = T>,
    D: Dimension,
{
    type Error = Error;

    fn try_from(array: &'a ArrayBase<S, D>) -> Result<TensorView<'a>> {
        if let Some(slice) = array.as_slice() {
            return TensorView::new(slice, array.shape());
        }
        let shape = Shape::new(array.shape())?;
        // SAFETY: the array lends all its elements for 'a.
        Ok(unsafe { TensorView::from_raw_parts(array.as_ptr(), shape, array.strides()) })
    }
}

/// Any array in standard layout takes a result: `TensorViewMut::try_from(&mut array)?`. Others are
/// [`InvalidArgument`](crate::Code::InvalidArgument).
impl<'a, T, S, D> TryFrom<&'a mut ArrayBase<S, D>> for TensorViewMut<'a>
where
    T: Element,
    S: DataMut<Elem = T>,
    D: Dimension,
{
    type Error = Error;

    fn try_from(array: &'a mut ArrayBase<S, D>) -> Result<TensorViewMut<'a>> {
        let dims = array.shape().to_vec();
        match array.as_slice_mut() {
            Some(slice) => TensorViewMut::new(slice, &dims),
            None => Err(Error::argument("the array is not in standard layout: results are dense")),
        }
    }
}

impl<'a> TensorView<'a> {
    /// The tensor as an array, in place.
    ///
    /// # Errors
    /// As [`as_slice`](TensorView::as_slice).
    pub fn to_array_view<T: Element>(&self) -> Result<ArrayViewD<'a, T>> {
        let slice = self.as_slice::<T>()?;
        ArrayViewD::from_shape(IxDyn(self.shape()), slice).map_err(|e| Error::argument(e.to_string()))
    }
}

impl<T: Element> From<Tensor<T>> for ArrayD<T> {
    fn from(tensor: Tensor<T>) -> ArrayD<T> {
        let shape = IxDyn(tensor.shape());
        ArrayD::from_shape_vec(shape, tensor.into_vec()).expect("the shape is that of the data")
    }
}
