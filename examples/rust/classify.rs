//! Classifies images: `classify MODEL [--top N] [--threads N] IMAGE.pgm|IMAGE.ppm ...`
//!
//! The model has one float32 input, `[batch, channels, height, width]`, of pixel values 0..255, and one output of a score for
//! each class. Images are binary PGM or PPM (one or three channels) of the input's size, as `convert image.png image.ppm`
//! writes them. Prints a line for each image: its name and the best classes with their scores.

use std::error::Error;
use std::process::ExitCode;

use octavo::{DType, Model, Session, SessionOptions, TensorView};

const USAGE: &str = "usage: classify MODEL [--top N] [--threads N] IMAGE.pgm|IMAGE.ppm ...";

struct Arguments {
    model: String,
    top: usize,
    threads: usize,
    images: Vec<String>,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut parsed = Arguments {
        model: arguments.next()?,
        top: 1,
        threads: 0,
        images: Vec::new(),
    };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--top" => parsed.top = arguments.next()?.parse().ok()?,
            "--threads" => parsed.threads = arguments.next()?.parse().ok()?,
            _ => parsed.images.push(argument),
        }
    }
    Some(parsed).filter(|parsed| !parsed.images.is_empty())
}

/// An image as the network sees it: channel by channel.
struct Image {
    shape: [usize; 4],
    pixels: Vec<f32>,
}

/// Binary PGM (P5) or PPM (P6) with values up to 255.
fn read_image(path: &str) -> Result<Image, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    let mut at = 0;
    let mut word = || {
        let start = bytes[at..]
            .iter()
            .position(|b| !b.is_ascii_whitespace())
            .map_or(bytes.len(), |n| at + n);
        let end = bytes[start..]
            .iter()
            .position(u8::is_ascii_whitespace)
            .map_or(bytes.len(), |n| start + n);
        at = (end + 1).min(bytes.len()); // exactly one white space stands before the pixels
        std::str::from_utf8(&bytes[start..end]).unwrap_or("")
    };
    let channels = match word() {
        "P5" => 1,
        "P6" => 3,
        _ => return Err("not a binary PGM or PPM image".into()),
    };
    let (width, height, most): (usize, usize, usize) =
        (word().parse()?, word().parse()?, word().parse()?);
    let pixels = &bytes[at..];
    if most > 255
        || Some(pixels.len())
            != width
                .checked_mul(height)
                .and_then(|n| n.checked_mul(channels))
    {
        return Err("more than 255 levels, or not as many pixels as its header says".into());
    }
    let plane = |c: usize| {
        pixels
            .iter()
            .skip(c)
            .step_by(channels)
            .map(|&pixel| f32::from(pixel))
    };
    Ok(Image {
        shape: [1, channels, height, width],
        pixels: (0..channels).flat_map(plane).collect(),
    })
}

/// The best classes with their scores, best first.
fn classify(session: &mut Session, image: &Image, top: usize) -> octavo::Result<Vec<(usize, f32)>> {
    let y = session.run(&[TensorView::new(&image.pixels, &image.shape)?])?;
    let mut classes: Vec<(usize, f32)> = y[0].to_vec::<f32>()?.into_iter().enumerate().collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1));
    classes.truncate(top);
    Ok(classes)
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let model = Model::load(&arguments.model)?;
    if model.inputs().len() != 1
        || model.inputs()[0].dtype != DType::Float32
        || model.outputs().len() != 1
    {
        return Err("the model must have one float32 input and one output".into());
    }
    let mut session = model.session_with(&SessionOptions::new().threads(arguments.threads))?;
    for path in &arguments.images {
        let image = read_image(path).map_err(|e| format!("{path}: {e}"))?;
        let classes =
            classify(&mut session, &image, arguments.top).map_err(|e| format!("{path}: {e}"))?;
        let text: String = classes
            .iter()
            .map(|(class, score)| format!(" {class} ({score:.4})"))
            .collect();
        println!("{path}:{text}");
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args().skip(1)) {
        Some(arguments) => arguments,
        None => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("classify: {error}");
            ExitCode::FAILURE
        }
    }
}
