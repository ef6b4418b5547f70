//! HEVC, decoded by ffmpeg: between two jobs of ours, one that takes the bitstreams out of a file and one that makes
//! pictures of what ffmpeg decoded. All three run in the sandbox, and none believes the others.

use std::fs::File;
use std::path::Path;

use sandbox::{Launcher, Limits, Tool, ToolError};
use tokio_util::sync::CancellationToken;

use crate::DecodeError;
use crate::ffmpeg::{self, make_folder, words};
use crate::image::{ImageLimits, broken_hevc};
use crate::job::{Answer, Job};

/// The folder of all that lies between the jobs, in that of the outputs.
const FOLDER: &str = "hevc";
/// What ffmpeg writes.
const PLANES: &str = "planes";

/// Names of the files with a file's bitstreams, as many as it has: of its colours, its transparency and its gain map.
pub(crate) const BITSTREAMS: [&str; 3] = ["first.hevc", "second.hevc", "third.hevc"];

/// Names of the files with what was decoded of so many bitstreams, below the folder of the outputs.
pub(crate) fn planes(streams: usize) -> Vec<String> {
    let path = |stream| format!("{FOLDER}/{stream}/{PLANES}");
    (0..streams).map(path).collect()
}

/// Decodes all HEVC of `input`, that of its gain map only if it is wanted, into the files of [`planes`], below `folder`,
/// and says how many there are.
pub(crate) async fn decode(
    (jobs, tools): (&Launcher, &Launcher),
    (input, with_gain_map): (File, bool),
    folder: &Path,
    limits: &ImageLimits,
    cancel: &CancellationToken,
) -> Result<usize, DecodeError> {
    let folder = folder.join(FOLDER);
    make_folder(&folder).await?;
    let job = Job::SplitHevc(limits.clone(), with_gain_map);
    let split = jobs.run(&job, input, &folder, &limits.process, cancel);
    let Answer::Split(streams) = split.await? else {
        return Err(DecodeError::Protocol("not an answer to a split"));
    };
    if streams.len() > BITSTREAMS.len() {
        return Err(DecodeError::Protocol("more bitstreams than a picture has"));
    }
    for (index, stream) in streams.iter().enumerate() {
        let places = (
            folder.join(BITSTREAMS[index]),
            folder.join(index.to_string()),
        );
        let of_stream = Limits {
            file_bytes: stream.decoded_bytes,
            ..limits.process.clone()
        };
        ffmpeg::run(tools, args(), places, of_stream, cancel, refused).await?;
    }
    Ok(streams.len())
}

/// What ffmpeg is told: it opens nothing but HEVC, and writes samples as they are.
fn args() -> Vec<String> {
    let mut args = words(
        "-hide_banner -loglevel error -nostdin -nostats -xerror -threads 1 \
         -protocol_whitelist file -format_whitelist hevc -codec_whitelist hevc -flags unaligned -f hevc",
    );
    args.extend(["-i".to_owned(), format!("file:{}", Tool::INPUT)]);
    args.extend(words(
        "-map 0:v:0 -fps_mode passthrough -autoscale 0 -f rawvideo",
    ));
    args.push(PLANES.to_owned());
    args
}

/// ffmpeg fails at what is no HEVC, which it says with an exit code.
fn refused(error: ToolError) -> DecodeError {
    match error {
        ToolError::Failed { signal: None, .. } => DecodeError::Rejected(broken_hevc()),
        other => other.map_rejection(|never| match never {}),
    }
}
