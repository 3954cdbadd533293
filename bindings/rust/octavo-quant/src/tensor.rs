//! Tensors that own their memory.

use crate::dtype::Element;
use crate::error::Result;
use crate::view::{Shape, TensorView, TensorViewMut};

/// A dense tensor that owns its elements, the last dimension adjacent.
///
/// ```
/// use octavo::Tensor;
///
/// let x = Tensor::new(vec![1f32, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 3])?;
/// assert_eq!(x.view().shape(), [2, 3]);
/// assert_eq!(x.into_vec()[5], 6.0);
/// # Ok::<(), octavo::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T: Element> {
    data: Vec<T>,
    shape: Shape,
}

impl<T: Element> Tensor<T> {
    /// Takes over `data`; `dims` may be empty for a scalar.
    ///
    /// # Errors
    /// As [`TensorView::new`].
    pub fn new(data: Vec<T>, dims: &[usize]) -> Result<Tensor<T>> {
        TensorView::new(&data, dims)?;
        Ok(Tensor { data, shape: Shape::new(dims)? })
    }

    /// Zeros.
    ///
    /// # Errors
    /// [`InvalidArgument`](crate::Code::InvalidArgument) if `dims` says more elements than there can be, or more than
    /// [`MAX_RANK`](crate::MAX_RANK) dimensions; [`OutOfMemory`](crate::Code::OutOfMemory).
    pub fn zeros(dims: &[usize]) -> Result<Tensor<T>> {
        let shape = Shape::new(dims)?;
        let count = shape.elements()?;
        let mut data = Vec::new();
        data.try_reserve_exact(count).map_err(|_| {
            crate::Error::new(crate::Code::OutOfMemory, format!("no memory for shape {shape:?} of {:?}", T::DTYPE))
        })?;
        data.resize(count, T::default());
        Ok(Tensor { data, shape })
    }

    /// To read: what inputs are given as.
    pub fn view(&self) -> TensorView<'_> {
        TensorView::new(&self.data, self.shape()).expect("the shape is that of the data")
    }

    /// To write: what results go to.
    pub fn view_mut(&mut self) -> TensorViewMut<'_> {
        TensorViewMut::new(&mut self.data, self.shape.dims()).expect("the shape is that of the data")
    }

    /// The dimensions; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        self.shape.dims()
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        &self.data
    }

    /// The elements.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The elements, without copying.
    pub fn into_vec(self) -> Vec<T> {
        self.data
    }
}
