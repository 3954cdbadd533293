//! The feature `ndarray`.
#![cfg(feature = "ndarray")]

mod support;

use ndarray::{Array, Array2, Array4, ArrayD};
use octavo::*;
use support::*;

#[test]
fn arrays_are_inputs_whatever_their_strides() {
    let images = Array::from_shape_vec((200, 1, 16, 16), images()).unwrap();
    let mut session = digits().session().unwrap();
    let expected = session.run(&[TensorView::try_from(&images).unwrap()]).unwrap()[0].to_vec::<f32>().unwrap();

    // The same images in another order in memory, upside down, seen the right way round.
    let mut pixels_last = images.clone().permuted_axes([0, 2, 3, 1]).as_standard_layout().into_owned();
    pixels_last.invert_axis(ndarray::Axis(1));
    let flipped = pixels_last.as_standard_layout().into_owned();
    let mut view = flipped.view().permuted_axes([0, 3, 1, 2]);
    view.invert_axis(ndarray::Axis(2));
    assert!(!view.is_standard_layout());
    let x = TensorView::try_from(&view).unwrap();
    assert_eq!(x.shape(), [200, 1, 16, 16]);
    assert_eq!(session.run(&[x]).unwrap()[0].to_vec::<f32>().unwrap(), expected);
}

#[test]
fn arrays_take_results_and_results_are_arrays() {
    let images = Array4::from_shape_vec((200, 1, 16, 16), images()).unwrap();
    let x = TensorView::try_from(&images).unwrap();
    let mut session = digits().session().unwrap();
    let mut scores = Array2::<f32>::zeros((200, 10));
    session.run_into(&[x], &mut [TensorViewMut::try_from(&mut scores).unwrap()]).unwrap();
    let y = session.run(&[x]).unwrap();
    assert_eq!(y[0].to_array_view::<f32>().unwrap(), scores.view().into_dyn());
    let owned: ArrayD<f32> = y[0].to_tensor::<f32>().unwrap().into();
    assert_eq!(owned, scores.into_dyn());
}

#[test]
fn arrays_that_cannot_serve_are_refused() {
    let nine = ArrayD::<u8>::zeros(vec![1; 9]);
    fails(Code::InvalidArgument, "rank 9", TensorView::try_from(&nine));
    let mut turned = Array2::<f32>::zeros((3, 4)).reversed_axes();
    fails(Code::InvalidArgument, "standard layout", TensorViewMut::try_from(&mut turned));
    let mut wrong = Array2::<f64>::zeros((1, 10));
    let image = Array4::<f32>::zeros((1, 1, 16, 16));
    let mut session = digits().session().unwrap();
    let result =
        session.run_into(&[TensorView::try_from(&image).unwrap()], &mut [TensorViewMut::try_from(&mut wrong).unwrap()]);
    fails(Code::InvalidArgument, "'scores'", result);
}
