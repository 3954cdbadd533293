//! What the tests share: the demo's network and images, and small models written byte by byte.
#![allow(dead_code)] // each test program uses a part

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use octavo::{Code, DType, Model, Recipe, Result, Statistics, TensorView};

pub const PIXELS: usize = 16 * 16;

pub fn demo(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../examples/demo").join(name)
}

/// 200 images of 256 pixels.
pub fn images() -> Vec<f32> {
    let bytes = std::fs::read(demo("digits.bin")).unwrap();
    bytes.chunks_exact(1 + PIXELS).flat_map(|record| record[1..].iter().map(|&pixel| f32::from(pixel))).collect()
}

pub fn batch(images: &[f32]) -> TensorView<'_> {
    TensorView::new(images, &[images.len() / PIXELS, 1, 16, 16]).unwrap()
}

pub fn digits() -> Model {
    Model::load(demo("digits.onnx")).unwrap()
}

pub fn statistics(model: &Model) -> Statistics {
    let mut calibrator = model.calibrator().unwrap();
    calibrator.collect(&[batch(&images()[..40 * PIXELS])]).unwrap();
    calibrator.finish().unwrap()
}

pub fn int8() -> Model {
    let model = digits();
    model.quantize(&statistics(&model), &Recipe::static_int8()).unwrap()
}

/// A folder of its own for each call.
pub fn folder() -> PathBuf {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("octavo-rust-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// The call fails with this code, and its text has this in it.
#[track_caller]
pub fn fails<T>(code: Code, text: &str, result: Result<T>) {
    match result {
        Ok(_) => panic!("expected {code:?}, nothing failed"),
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            assert!(error.message().contains(text), "{error}");
            let error: Box<dyn std::error::Error + Send + Sync> = error.into();
            assert!(error.to_string().contains(text));
        }
    }
}

/// Protobuf's wire format: enough of it to write.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 128 {
            self.0.push(value as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, field: u64, value: u64) -> Message {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Message {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }
}

/// An ONNX file: one node of `op` from inputs x0, x1, ... to y, all of `dtype`; `None` is an open dimension.
pub fn tiny(op: &str, inputs: usize, dtype: DType, dims: &[Option<u64>]) -> Vec<u8> {
    let shape = dims.iter().fold(Message::default(), |shape, dim| {
        let dim = dim.map_or_else(|| Message::default().bytes(2, b"n"), |dim| Message::default().int(1, dim));
        shape.bytes(1, &dim.0)
    });
    let info = |name: &str| {
        let tensor = Message::default().int(1, dtype as u64).bytes(2, &shape.0);
        Message::default().bytes(1, name.as_bytes()).bytes(2, &Message::default().bytes(1, &tensor.0).0)
    };
    let names: Vec<String> = (0..inputs).map(|i| format!("x{i}")).collect();
    let node = names.iter().fold(Message::default(), |node, name| node.bytes(1, name.as_bytes()));
    let node = node.bytes(2, b"y").bytes(3, b"the node").bytes(4, op.as_bytes());
    let graph = Message::default().bytes(1, &node.0).bytes(2, b"tiny");
    let graph = names.iter().fold(graph, |graph, name| graph.bytes(11, &info(name).0)).bytes(12, &info("y").0);
    let opset = Message::default().bytes(1, b"").int(2, 21);
    Message::default().int(1, 10).bytes(2, b"tiny").bytes(7, &graph.0).bytes(8, &opset.0).0
}
