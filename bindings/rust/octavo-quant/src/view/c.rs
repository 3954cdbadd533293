//! Views as C takes and fills them.

use std::mem::size_of;
use std::os::raw::c_void;
use std::ptr;

use octavo_sys as sys;

use super::{Shape, TensorView, TensorViewMut, MAX_RANK};
use crate::dtype::DType;

/// A view for C without data or shape: as an output it asks for memory of the library.
pub(crate) const EMPTY: sys::octavo_tensor_view = sys::octavo_tensor_view {
    struct_size: size_of::<sys::octavo_tensor_view>() as u32,
    dtype: 0,
    rank: 0,
    flags: 0,
    data: ptr::null_mut(),
    bytes: 0,
    dims: ptr::null(),
    strides: ptr::null(),
};

/// Dimensions and strides of a view, as C reads them.
type Dims = [[i64; MAX_RANK]; 2];

/// Views in C's form. Kept between calls, so that a repeated call allocates nothing.
#[derive(Default)]
pub(crate) struct CViews {
    views: Vec<sys::octavo_tensor_view>,
    dims: Vec<Dims>,
}

impl CViews {
    /// Inputs. The result is good until the next call, or until an element of `views` dies.
    pub(crate) fn inputs(&mut self, views: &[TensorView<'_>]) -> &[sys::octavo_tensor_view] {
        self.fill(views.iter().map(|view| {
            let data = view.data as *mut c_void; // octavo.h: inputs are not written to
            (view.dtype, Some(&view.shape), view.strides(), data, view.bytes)
        }))
    }

    /// Shapes without data.
    pub(crate) fn shapes(&mut self, shapes: &[(DType, Shape)]) -> &[sys::octavo_tensor_view] {
        self.fill(shapes.iter().map(|(dtype, shape)| (*dtype, Some(shape), None, ptr::null_mut(), 0)))
    }

    /// Outputs in the caller's memory.
    pub(crate) fn outputs(&mut self, views: &[TensorViewMut<'_>]) -> &mut [sys::octavo_tensor_view] {
        self.fill(views.iter().map(|view| (view.dtype, view.shape.as_ref(), None, view.data, view.bytes)))
    }

    /// Outputs that ask for memory of the library.
    pub(crate) fn empty(&mut self, count: usize) -> &mut [sys::octavo_tensor_view] {
        self.views.clear();
        self.views.resize(count, EMPTY);
        &mut self.views
    }

    pub(crate) fn views(&self) -> &[sys::octavo_tensor_view] {
        &self.views
    }

    fn fill<'v>(
        &mut self,
        views: impl ExactSizeIterator<Item = (DType, Option<&'v Shape>, Option<&'v [isize]>, *mut c_void, usize)>,
    ) -> &mut [sys::octavo_tensor_view] {
        self.views.clear();
        self.dims.resize(views.len(), Dims::default());
        // All access to dims from here on is through this pointer: a later borrow would end those that C gets.
        let memory = self.dims.as_mut_ptr();
        for (i, (dtype, shape, strides, data, bytes)) in views.enumerate() {
            let mut view = sys::octavo_tensor_view { dtype: dtype as i32, data, bytes, ..EMPTY };
            if let Some(shape) = shape {
                let mut dims = Dims::default();
                for (to, &from) in dims[0].iter_mut().zip(shape.dims()) {
                    *to = from as i64; // Shape::new saw to it that it fits
                }
                for (to, &from) in dims[1].iter_mut().zip(strides.unwrap_or(&[])) {
                    *to = from as i64;
                }
                view.rank = shape.rank as i32;
                // SAFETY: dims has as many elements as there are views.
                unsafe {
                    memory.add(i).write(dims);
                    view.dims = memory.add(i).cast();
                    if strides.is_some() {
                        view.strides = view.dims.add(MAX_RANK);
                    }
                }
            }
            self.views.push(view);
        }
        &mut self.views
    }
}

// These run under Miri, too: nothing here calls C.
#[cfg(test)]
mod tests {
    use super::*;

    /// What C reads by a view's dimensions and strides.
    fn gather(view: &sys::octavo_tensor_view) -> Vec<i32> {
        // SAFETY: as octavo.h has it; all are of i32.
        unsafe {
            let rank = view.rank as usize;
            let dims: Vec<i64> = (0..rank).map(|d| *view.dims.add(d)).collect();
            let dense = |d: usize| dims[d + 1..].iter().product();
            let steps: Vec<i64> =
                (0..rank).map(|d| if view.strides.is_null() { dense(d) } else { *view.strides.add(d) }).collect();
            let count = dims.iter().product();
            let offset = |mut index: i64| {
                (0..rank).rev().fold(0, |at, d| {
                    let i = index % dims[d];
                    index /= dims[d];
                    at + i * steps[d]
                })
            };
            (0..count).map(|index| *view.data.cast::<i32>().offset(offset(index) as isize)).collect()
        }
    }

    #[test]
    fn c_reads_what_a_view_lends() {
        let data: Vec<i32> = (0..24).collect();
        let dense = TensorView::new(&data, &[2, 3, 4]).unwrap();
        let turned = TensorView::strided(&data, 23, &[2, 3, 4], &[-12, -4, -1]).unwrap();
        let columns = TensorView::strided(&data, 3, &[4, 3], &[-1, 4]).unwrap();
        let repeated = TensorView::strided(&data, 7, &[2, 2], &[0, 0]).unwrap();
        let scalar = TensorView::new(&data[5..6], &[]).unwrap();
        let empty = TensorView::strided(&data, 99, &[0, 3], &[1, 1]).unwrap();
        let mut views = CViews::default();
        for _ in 0..2 {
            let c = views.inputs(&[dense, turned, columns, repeated, scalar, empty]);
            assert_eq!(gather(&c[0]), data);
            assert_eq!(gather(&c[1]), data.iter().rev().copied().collect::<Vec<_>>());
            assert_eq!(gather(&c[2]), [3, 7, 11, 2, 6, 10, 1, 5, 9, 0, 4, 8]);
            assert_eq!(gather(&c[3]), [7; 4]);
            assert_eq!(gather(&c[4]), [5]);
            assert_eq!(gather(&c[5]), []);
            assert_eq!(c.iter().map(|view| view.bytes).collect::<Vec<_>>(), [96, 96, 48, 16, 4, 0]);
        }
    }

    #[test]
    fn strides_are_accepted_exactly_where_every_index_is_inside() {
        let data = [1i32; 7];
        for (offset, rows, columns) in (0..343).map(|n| (n / 49, n / 7 % 7, n % 7)) {
            for (down, right) in (0..81).map(|n| (n / 9 - 4, n % 9 - 4)) {
                let view = TensorView::strided(&data, offset, &[rows, columns], &[down, right]);
                let indices = (0..rows * columns)
                    .map(|n| offset as isize + (n / columns) as isize * down + (n % columns) as isize * right);
                let inside = indices.into_iter().all(|at| (0..7).contains(&at));
                assert_eq!(view.is_ok(), inside, "{offset} {rows}x{columns} {down} {right}");
                if let Ok(view) = view {
                    assert_eq!(gather(&CViews::default().inputs(&[view])[0]).len(), rows * columns);
                }
            }
            if cfg!(miri) && offset > 0 {
                return; // minutes otherwise
            }
        }
    }

    #[test]
    fn c_writes_where_a_view_lends() {
        let (mut known, mut open) = ([0i32; 6], [0i32; 9]);
        let mut outputs = [TensorViewMut::new(&mut known, &[2, 3]).unwrap(), TensorViewMut::room(&mut open)];
        let mut views = CViews::default();
        let c = views.outputs(&outputs);
        assert_eq!((c[0].rank, c[0].bytes, c[1].rank, c[1].bytes), (2, 24, 0, 36));
        assert!(c[1].dims.is_null());
        let dims = [4i64];
        // SAFETY: 24 and 36 bytes are there.
        unsafe {
            c[0].data.cast::<i32>().add(5).write(7);
            c[1].data.cast::<i32>().add(3).write(8);
        }
        c[1].rank = 1;
        c[1].dims = dims.as_ptr();
        outputs[1].set_shape_from_c(&views.views()[1]).unwrap();
        assert_eq!(outputs[1].shape(), Some(&[4][..]));
        assert_eq!((known[5], open[3]), (7, 8));
    }
}
