//! AVIF, encoded by ffmpeg: between two jobs of ours, one that takes pictures apart into samples and one that makes files
//! of what ffmpeg has encoded. All three run in the sandbox, and none believes the others.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use sandbox::{Launcher, Limits, Tool, ToolError};
use tokio_util::sync::CancellationToken;

use crate::DecodeError;
use crate::ffmpeg::{self, make_folder, words};
use crate::image::{Colors, ImageLimits, OutputSpec, RenderPlan, Rendered, Sampled};
use crate::job::{Answer, Job};

/// The folder of all that lies between the jobs, in that of the outputs.
const FOLDER: &str = "avif";

/// What the first job writes: the colours of all pictures, their transparency, and the packet of their rights.
pub(crate) const SAMPLES: [&str; 3] = ["avif/colors", "avif/alpha", "avif/rights"];

/// The folders in which ffmpeg works on colours and on transparency.
const OF_COLORS: &str = "avif/of-colors";
const OF_ALPHA: &str = "avif/of-alpha";

/// Most bytes of a pixel's samples: all of its colours.
const BYTES_OF_PIXEL: u64 = 3;

/// Of ffmpeg. 100 megapixels take it 1.7 GiB and 9 s; noise without end four times as long.
const ENCODER: Limits = Limits {
    memory_bytes: 3 << 30,
    cpu_seconds: 240,
    wall: Duration::from_mins(6),
    file_bytes: 128 << 20,
    output_bytes: 64 << 10,
};

/// Samples of one picture: where they begin in their file, and what they are.
struct Plane<'a> {
    /// Of which of the pictures.
    index: usize,
    begins_at: u64,
    picture: &'a Sampled,
    /// ffmpeg's name for the layout of its samples.
    layout: &'static str,
    quality: u8,
    /// 0 to 6.
    effort: u8,
}

/// What ffmpeg makes of `pictures`, in the order in which the second job reads it.
pub(crate) fn streams(pictures: &[Sampled]) -> Vec<String> {
    let mut files = Vec::new();
    for (index, picture) in pictures.iter().enumerate() {
        files.push(format!("{OF_COLORS}/{index}.av1"));
        if picture.has_alpha {
            files.push(format!("{OF_ALPHA}/{index}.av1"));
        }
    }
    files
}

/// Makes the pictures of `plan` of `input`, which `sampling` takes apart. None of what is animated.
pub(crate) async fn make(
    (jobs, tools): (&Launcher, &Launcher),
    (sampling, input): (Job, File),
    plan: &RenderPlan,
    folder: &Path,
    limits: &ImageLimits,
    cancel: &CancellationToken,
) -> Result<Option<Rendered>, DecodeError> {
    make_folder(&folder.join(FOLDER)).await?;
    let of_sampling = Limits {
        file_bytes: limits.max_pixels.saturating_mul(BYTES_OF_PIXEL) * 2,
        ..limits.process.clone()
    };
    let sampled = jobs.run(&sampling, input, folder, &of_sampling, cancel);
    let Answer::Sampled(pictures) = sampled.await? else {
        return Err(DecodeError::Protocol("not an answer about samples"));
    };
    if pictures.is_empty() {
        return Ok(None);
    }
    let outputs = planned(&pictures, plan, limits)?;
    for (samples, work, planes) in calls(&pictures, &outputs) {
        let places = (folder.join(samples), folder.join(work));
        ffmpeg::run(tools, args(&planes), places, ENCODER, cancel, failed).await?;
    }
    let rights = File::open(folder.join(SAMPLES[2]));
    let rights = rights.map_err(DecodeError::io("opening what was made"))?;
    let job = Job::AssembleAvif(pictures);
    match jobs
        .run(&job, rights, folder, &limits.process, cancel)
        .await?
    {
        Answer::Rendered(rendered) => Ok(Some(rendered)),
        _ => Err(DecodeError::Protocol("not an answer about files of AVIF")),
    }
}

/// The output of each picture, all of which must be of the plan and may be made.
fn planned<'a>(
    pictures: &[Sampled],
    plan: &'a RenderPlan,
    limits: &ImageLimits,
) -> Result<Vec<&'a OutputSpec>, DecodeError> {
    let mut outputs: Vec<&OutputSpec> = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let output = plan
            .outputs
            .iter()
            .find(|output| output.name == picture.name);
        let (width, height) = (u64::from(picture.width), u64::from(picture.height));
        let pixels = width.saturating_mul(height);
        let fits = (1..=limits.max_pixels).contains(&pixels) && picture.quality <= 100;
        match output.filter(|output| fits && !outputs.contains(output)) {
            Some(output) => outputs.push(output),
            None => return Err(DecodeError::Protocol("a picture that was not asked for")),
        }
    }
    Ok(outputs)
}

/// The calls of ffmpeg, one for all colours and one for all transparency: what it reads, where it works, and of what.
fn calls<'a>(
    pictures: &'a [Sampled],
    outputs: &[&OutputSpec],
) -> Vec<(&'static str, &'static str, Vec<Plane<'a>>)> {
    let (mut colors, mut alpha) = (Vec::new(), Vec::new());
    let (mut color_bytes, mut alpha_bytes) = (0, 0);
    for (index, (picture, output)) in pictures.iter().zip(outputs).enumerate() {
        let plane = |begins_at, layout, quality| Plane {
            index,
            begins_at,
            picture,
            layout,
            quality,
            effort: output.method,
        };
        let layout = match picture.colors {
            Colors::Quarter => "yuv420p",
            Colors::All => "yuv444p",
        };
        colors.push(plane(color_bytes, layout, picture.quality));
        color_bytes += picture.color_bytes();
        if picture.has_alpha {
            // Edges are seen, and hidden pixels must stay hidden: without any loss, as in WebP.
            alpha.push(plane(alpha_bytes, "gray", 100));
            alpha_bytes += picture.alpha_bytes();
        }
    }
    let mut calls = vec![
        (SAMPLES[0], OF_COLORS, colors),
        (SAMPLES[1], OF_ALPHA, alpha),
    ];
    calls.retain(|(.., planes)| !planes.is_empty());
    calls
}

/// What ffmpeg is told: it opens nothing but samples, each picture's as an input of its own, and writes one stream of AV1
/// for each.
fn args(planes: &[Plane<'_>]) -> Vec<String> {
    const OPENING: &str = "-threads 1 -protocol_whitelist file -format_whitelist rawvideo \
        -codec_whitelist rawvideo -framerate 1 -f rawvideo";
    const ENCODING: &str =
        "-frames:v 1 -c:v libaom-av1 -usage allintra -still-picture 1 -threads 1 -b:v 0";
    let mut args = words("-hide_banner -loglevel error -nostdin -nostats -y");
    let color = |plane: &Plane<'_>| match plane.layout {
        "gray" => "-color_range pc",
        _ => "-color_range pc -colorspace smpte170m -color_primaries bt709 -color_trc iec61966-2-1",
    };
    for plane in planes {
        let (width, height) = (plane.picture.width, plane.picture.height);
        let (layout, begins_at, color) = (plane.layout, plane.begins_at, color(plane));
        args.extend(words(&format!(
            "{OPENING} -pixel_format {layout} -video_size {width}x{height} -skip_initial_bytes {begins_at} {color} \
             -i file:{}",
            Tool::INPUT
        )));
    }
    for (input, plane) in planes.iter().enumerate() {
        let (index, layout, color) = (plane.index, plane.layout, color(plane));
        // ffmpeg counts both the other way round: 63 is the worst quality, and 8 the least effort.
        let loss = (u32::from(100 - plane.quality.min(100)) * 63 + 50) / 100;
        let speed = 8 - plane.effort.min(8);
        args.extend(words(&format!(
            "-map {input}:v:0 {ENCODING} -crf {loss} -cpu-used {speed} -pix_fmt {layout} {color} -f rawvideo {index}.av1"
        )));
    }
    args
}

/// What it got is of our making, so no file is to blame for what ffmpeg cannot do.
fn failed(error: ToolError) -> DecodeError {
    if error.is_the_files() {
        return DecodeError::Tool(format!("ffmpeg encodes no AVIF: {error}"));
    }
    error.map_rejection(|never| match never {})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_to_blame_for_what_the_encoder_cannot_do() {
        let ended = |code, signal| ToolError::Failed {
            code,
            signal,
            stderr: "Unknown encoder 'libaom-av1'".to_owned(),
        };
        let error = failed(ended(Some(1), None));
        assert!(!error.is_the_files());
        assert!(error.to_string().contains("Unknown encoder"), "{error}");
        // Whoever killed it did so for reasons of their own.
        let killed = failed(ended(None, Some(9)));
        assert!(matches!(killed, DecodeError::Failed { .. }), "{killed:?}");
    }
}
