//! The bare cost of the outputs of images and documents: the same decoder processes as in the service, and nothing else
//! around them. `render [--in-turn] [--full] OUT_DIR FILE...` makes the outputs of one file after the other, and prints
//! the wall time of all in seconds. The two units of work of an image are made at once, as two workers would, or in turn;
//! `--full` leaves out the thumbnails.

use std::error::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use codecs::{Decoders, DocumentLimits, ImageLimits, OutputSpec, RenderPlan};
use media::formats::DocumentFormat;
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match std::env::args_os().nth(1) {
        Some(first) if first == "decode" => codecs::child_main(args.skip(1)),
        Some(first) if first == "tool" => sandbox::child::become_tool(args.skip(1)),
        _ => match bench(&mut args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn bench(args: &mut dyn Iterator<Item = OsString>) -> Result<(), Box<dyn Error>> {
    let (options, mut paths): (Vec<_>, Vec<_>) = args.partition(|arg| {
        let text = arg.to_string_lossy();
        text.starts_with("--")
    });
    let given = |name: &str| options.iter().any(|option| option == name);
    if paths.len() < 2 {
        return Err("usage: render [--in-turn] [--full] OUT_DIR FILE...".into());
    }
    let bench = Bench {
        decoders: Decoders::current_program(),
        in_turn: given("--in-turn"),
        full_only: given("--full"),
        out: PathBuf::from(paths.remove(0)),
    };
    let began = Instant::now();
    let runtime = tokio::runtime::Runtime::new()?;
    for (number, path) in paths.iter().enumerate() {
        let done = runtime.block_on(bench.render(Path::new(path), number));
        done.map_err(|error| format!("{}: {error}", Path::new(path).display()))?;
    }
    println!("{:.4}", began.elapsed().as_secs_f64());
    Ok(())
}

struct Bench {
    decoders: Decoders,
    in_turn: bool,
    full_only: bool,
    out: PathBuf,
}

impl Bench {
    async fn render(&self, path: &Path, number: usize) -> Result<(), Box<dyn Error>> {
        if path.extension().is_some_and(|extension| extension == "pdf") {
            return self.first_page(path, number).await;
        }
        let (limits, cancel) = (ImageLimits::default(), CancellationToken::new());
        let probed = self
            .decoders
            .probe_image(File::open(path)?, &limits, &cancel);
        probed.await?;
        let full = self.unit(path, plan([(None, 2)]), number);
        let small = plan([1280, 640, 320, 128].map(|width| (Some(width), 4)));
        if self.full_only {
            full.await
        } else if self.in_turn {
            full.await?;
            self.unit(path, small, number).await
        } else {
            tokio::try_join!(full, self.unit(path, small, number)).map(|_| ())
        }
    }

    async fn unit(
        &self,
        path: &Path,
        plan: RenderPlan,
        number: usize,
    ) -> Result<(), Box<dyn Error>> {
        let (limits, cancel) = (ImageLimits::default(), CancellationToken::new());
        let folder = self.out.join(format!("{number}-{}", plan.outputs[0].name));
        fs::create_dir_all(&folder)?;
        let file = File::open(path)?;
        let rendered = self
            .decoders
            .render_image(file, &plan, &folder, &limits, &cancel);
        rendered.await?;
        Ok(())
    }

    async fn first_page(&self, path: &Path, number: usize) -> Result<(), Box<dyn Error>> {
        let (limits, cancel) = (DocumentLimits::default(), CancellationToken::new());
        let (pdf, first) = (DocumentFormat::Pdf, (DocumentFormat::Pdf, 1));
        let plan = plan([1280, 640, 320].map(|width| (Some(width), 4)));
        let folder = self.out.join(format!("{number}-page"));
        fs::create_dir_all(&folder)?;
        let probed = self
            .decoders
            .probe_document(File::open(path)?, pdf, &limits, &cancel);
        probed.await?;
        let file = File::open(path)?;
        let rendered = self
            .decoders
            .render_document(file, first, &plan, &folder, &limits, &cancel);
        rendered.await?;
        Ok(())
    }
}

/// Outputs of these widths, none for the source's own, and efforts.
fn plan<const N: usize>(outputs: [(Option<u32>, u8); N]) -> RenderPlan {
    let outputs = outputs.map(|(max_width, method)| OutputSpec {
        name: max_width.map_or_else(|| "full".to_owned(), |width| format!("thumbnail-{width}")),
        max_width,
        quality: 80,
        method,
    });
    RenderPlan {
        outputs: outputs.into(),
        placeholder: N > 1,
        ..RenderPlan::default()
    }
}
