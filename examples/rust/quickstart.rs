//! From a float network to a quantized one that runs, in Rust.
//!
//! `cargo run --release --bin quickstart -- ../demo/digits.onnx ../demo/digits.bin digits.int8.onnx`
//!
//! digits.bin: 200 records of one label byte and 16x16 pixels; the first 100 calibrate, the others are held out.

use std::error::Error;
use std::process::ExitCode;

use octavo::{Model, Recipe, TensorView};

const CALIBRATION: usize = 100;
const PIXELS: usize = 16 * 16;

/// Labels, and the images one after the other.
fn read_samples(path: &str) -> Result<(Vec<usize>, Vec<f32>), Box<dyn Error>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{path}: {e}"))?;
    let records = bytes.chunks_exact(1 + PIXELS);
    let labels = records.clone().map(|record| record[0] as usize).collect();
    let images = records
        .flat_map(|record| record[1..].iter().map(|&pixel| f32::from(pixel)))
        .collect();
    Ok((labels, images))
}

fn answer(scores: &[f32]) -> usize {
    (1..scores.len()).fold(0, |best, i| if scores[i] > scores[best] { i } else { best })
}

/// FNV-1a of all bytes, little endian: equal on every CPU, for every number of threads, from every language.
fn digest(scores: &[Vec<f32>]) -> u64 {
    let bytes = scores
        .iter()
        .flatten()
        .flat_map(|score| score.to_le_bytes());
    bytes.fold(0xcbf29ce484222325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100000001b3)
    })
}

/// Runs the images one at a time.
fn scores(model: &Model, images: &[f32]) -> octavo::Result<Vec<Vec<f32>>> {
    let mut session = model.session()?;
    images
        .chunks(PIXELS)
        .map(|image| session.run(&[TensorView::new(image, &[1, 1, 16, 16])?])?[0].to_vec())
        .collect()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let model_path = argument("examples/demo/digits.onnx");
    let data_path = argument("examples/demo/digits.bin");
    let int8_path = argument("digits.int8.onnx");

    let (labels, images) = read_samples(&data_path)?;
    let (calibration, held_out) = images.split_at(CALIBRATION * PIXELS);
    let labels = &labels[CALIBRATION..];
    let model = Model::load(model_path)?;

    // Calibrate: in batches of 20, any size will do.
    let mut cal = model.calibrator()?;
    for batch in calibration.chunks(20 * PIXELS) {
        cal.collect(&[TensorView::new(batch, &[20, 1, 16, 16])?])?;
    }

    // Quantize: weights and activations in 8 bits.
    let int8 = model.quantize(&cal.finish()?, &Recipe::static_int8())?;
    int8.save(&int8_path)?;

    // Compare.
    let (before, after) = (scores(&model, held_out)?, scores(&int8, held_out)?);
    let right = |scores: &[Vec<f32>]| {
        scores
            .iter()
            .zip(labels)
            .filter(|(s, &label)| answer(s) == label)
            .count()
    };
    let same = before
        .iter()
        .zip(&after)
        .filter(|(a, b)| answer(a) == answer(b))
        .count();
    let first: String = after[0]
        .iter()
        .map(|score| format!(" {score:.4}"))
        .collect();
    println!("octavo {} on {}", octavo::version(), octavo::cpu_target());
    println!(
        "float32 {}, INT8 {} of {} right; {same} answers the same; wrote {int8_path}",
        right(&before),
        right(&after),
        labels.len()
    );
    println!("scores of the first held-out image:{first}");
    println!("digest of all INT8 scores: {:016x}", digest(&after));
    Ok(if right(&after) + 5 >= right(&before) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
