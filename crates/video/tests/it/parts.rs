//! Films of which only what is read is there.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use sandbox::ToolError;
use sandbox::fill::{Fill, Filling};
use video::encode::{self, Desk, EncodeError, Made, run};
use video::exec::Tools;
use video::plan::{Plan, Task};

use crate::converted::chopped;
use crate::fixtures::{make, probe, tools};

/// Brings what is asked for from the whole film, in blocks, until it may not.
#[derive(Debug)]
struct Bringer {
    whole: File,
    part: File,
    blocks: Mutex<Vec<bool>>,
    most_blocks: usize,
}

const BLOCK: usize = 4096;

impl Bringer {
    /// `part` becomes a file as long as `whole` with nothing in it.
    fn new(whole: &Path, part: &Path, most_blocks: usize) -> Self {
        let whole = File::open(whole).unwrap();
        let size = whole.metadata().unwrap().len();
        let part = File::create(part).unwrap();
        part.set_len(size).unwrap();
        let blocks = usize::try_from(size).unwrap().div_ceil(BLOCK);
        Self {
            whole,
            part,
            blocks: Mutex::new(vec![false; blocks]),
            most_blocks,
        }
    }

    /// The share of the film that was brought.
    fn share(&self) -> f64 {
        let blocks = self.blocks.lock().unwrap();
        let brought = blocks.iter().filter(|&&block| block).count();
        f64::from(u32::try_from(brought).unwrap()) / f64::from(u32::try_from(blocks.len()).unwrap())
    }
}

impl Fill for Bringer {
    fn fill(&self, range: Range<u64>) -> Filling<'_> {
        Box::pin(async move {
            let mut blocks = self.blocks.lock().unwrap();
            let block = |at: u64| usize::try_from(at).unwrap() / BLOCK;
            for block in block(range.start)..=block(range.end - 1) {
                if blocks.iter().filter(|&&block| block).count() >= self.most_blocks {
                    return Err(io::Error::other("cannot be had"));
                }
                let (mut bytes, at) = (vec![0; BLOCK], (block * BLOCK) as u64);
                let read = self.whole.read_at(&mut bytes, at)?;
                self.part.write_all_at(&bytes[..read], at)?;
                blocks[block] = true;
            }
            Ok(())
        })
    }
}

/// Carries out `task` over `film`; what was made, and the bytes of all of it.
async fn carry_out(
    tools: &Tools,
    film: &Path,
    plan: &Plan,
    task: Task,
) -> Result<(Made, Vec<Vec<u8>>), EncodeError> {
    let scratch = tempfile::tempdir().unwrap();
    let limits = encode::limits(plan, task, 1);
    let desk = Desk {
        tools,
        file: film,
        folder: scratch.path(),
        limits: &limits,
        threads: 1,
    };
    let made = run(desk, plan, task, |_| ()).await?;
    let files = made.files(task).into_iter();
    let files = files.map(|name| std::fs::read(scratch.path().join(name)).unwrap());
    Ok((made, files.collect()))
}

/// Makes a chunk from the middle of a film, its poster and its sound from parts of it, and the same from the whole.
/// Returns the share of the film that each took.
async fn the_same_from_parts(name: &str, encoding: &str) -> [f64; 3] {
    let folder = tempfile::tempdir().unwrap();
    let noise =
        "-f lavfi -i testsrc2=s=192x108:r=25:d=30,noise=alls=20:allf=t -f lavfi -i sine=440:d=30";
    let whole = make(folder.path(), name, &format!("{noise} {encoding}"));
    let plan = Plan::new(&probe(&whole).await.unwrap(), &chopped());
    let middle = Task::Chunk(plan.chunks.len() / 2);
    let mut shares = [0.0; 3];
    for (share, task) in shares
        .iter_mut()
        .zip([middle, Task::Preview, Task::Sound(0)])
    {
        let part = folder.path().join("part");
        let bringer = Arc::new(Bringer::new(&whole, &part, usize::MAX));
        let filled = tools().filled_by(bringer.clone());
        let from_parts = carry_out(&filled, &part, &plan, task).await.unwrap();
        let from_all = carry_out(&tools(), &whole, &plan, task).await.unwrap();
        assert!(from_parts == from_all, "{name}: {task:?} differs");
        *share = bringer.share();
    }
    shares
}

#[tokio::test]
async fn a_chunk_takes_its_own_part_of_a_film_with_an_index() {
    let h264 = "-c:v libx264 -preset ultrafast -g 50 -bf 2 -c:a aac";
    for (name, encoding) in [
        ("film.mp4", format!("{h264} -movflags +faststart")),
        ("index-at-the-end.mov", h264.to_owned()),
        ("film.mkv", h264.to_owned()),
        (
            "fragments.mp4",
            format!("{h264} -movflags +frag_keyframe+empty_moov"),
        ),
    ] {
        let [chunk, preview, _] = the_same_from_parts(name, &encoding).await;
        // A chunk of a twentieth, the second before it, and what ffmpeg looks at when it opens a film.
        if name != "fragments.mp4" {
            assert!(chunk < 0.3 && preview < 0.4, "{name}: {chunk}, {preview}");
        }
    }
}

#[tokio::test]
async fn a_film_without_an_index_is_read_as_it_must_be() {
    let mpeg = "-c:v mpeg2video -b:v 2M -c:a mp2";
    for name in ["film.ts", "film.mpg"] {
        the_same_from_parts(name, mpeg).await;
    }
    the_same_from_parts("film.avi", "-c:v mpeg4 -b:v 2M -c:a mp3").await;
}

/// A hole reads as zeros, which many codecs decode to something, and ffmpeg goes on after a read that failed.
#[tokio::test]
async fn what_cannot_be_had_is_not_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=160x90:r=25:d=8 -c:v rawvideo -pix_fmt yuv420p -c:v ffv1";
    let whole = make(folder.path(), "film.mkv", line);
    let plan = Plan::new(&probe(&whole).await.unwrap(), &chopped());
    let part = folder.path().join("part");
    let all = Bringer::new(&whole, &part, usize::MAX);
    let most = all.blocks.lock().unwrap().len() / 8;
    let bringer = Arc::new(Bringer::new(&whole, &part, most));
    let filled = tools().filled_by(bringer.clone());
    let last = Task::Chunk(plan.chunks.len() - 1);
    let made = carry_out(&filled, &part, &plan, last).await;
    assert!(bringer.share() <= 0.125);
    let made = made.map(|(made, _)| made);
    let is_told = matches!(made, Err(EncodeError::Tool(ToolError::Io { .. })));
    assert!(is_told, "{made:?}");
}

#[tokio::test]
async fn a_storyboard_takes_the_keyframes_alone_where_they_are_near_enough() {
    let folder = tempfile::tempdir().unwrap();
    // Five megabytes a second: over what is small, ffmpeg reads on, since that is quicker than to jump.
    let line = "-f lavfi -i testsrc2=s=480x270:r=25:d=6,noise=alls=60:allf=t \
        -c:v libx264 -preset ultrafast -qp 8 -g 25 -pix_fmt yuv420p -movflags +faststart";
    let whole = make(folder.path(), "film.mp4", line);
    let plan = Plan::new(&probe(&whole).await.unwrap(), &chopped());
    let part = folder.path().join("part");
    let bringer = Arc::new(Bringer::new(&whole, &part, usize::MAX));
    let filled = tools().filled_by(bringer.clone());
    let from_parts = carry_out(&filled, &part, &plan, Task::Storyboard).await;
    let from_all = carry_out(&tools(), &whole, &plan, Task::Storyboard).await;
    assert!(from_parts.unwrap() == from_all.unwrap());
    let share = bringer.share();
    assert!(share < 0.15, "{share}");
}
