//! The bare cost of an image's outputs: the same decoder processes as in the service, and nothing
//! else around them. `render PHOTO OUT_DIR` makes both units of work at once, as two workers would,
//! and prints the wall time of all in seconds.

use std::{error::Error, fs::File, path::Path, time::Instant};

use codecs::{Decoders, ImageLimits, OutputSpec, RenderPlan};
use tokio_util::sync::CancellationToken;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if args.first().is_some_and(|first| first == "decode") {
        let code = codecs::child_main(args.into_iter().skip(1));
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
    if args.first().is_some_and(|first| first == "tool") {
        let code = sandbox::child::become_tool(args.into_iter().skip(1));
        std::process::exit(i32::from(code != std::process::ExitCode::SUCCESS));
    }
    let [photo, out] = args.as_slice() else {
        return Err("usage: render PHOTO OUT_DIR".into());
    };
    let began = Instant::now();
    tokio::runtime::Runtime::new()?.block_on(render(Path::new(photo), Path::new(out)))?;
    println!("{:.4}", began.elapsed().as_secs_f64());
    Ok(())
}

async fn render(photo: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    let (decoders, limits) = (Decoders::current_program(), ImageLimits::default());
    let cancel = CancellationToken::new();
    decoders
        .probe_image(File::open(photo)?, &limits, &cancel)
        .await?;
    let full = RenderPlan {
        outputs: vec![output(None, 2)],
        ..RenderPlan::default()
    };
    let small = [1280, 640, 320, 128]
        .map(|width| output(Some(width), 4))
        .to_vec();
    let small = RenderPlan {
        outputs: small,
        placeholder: true,
        ..RenderPlan::default()
    };
    let (full_dir, small_dir) = (out.join("full"), out.join("small"));
    std::fs::create_dir_all(&full_dir)?;
    std::fs::create_dir_all(&small_dir)?;
    tokio::try_join!(
        decoders.render_image(File::open(photo)?, &full, &full_dir, &limits, &cancel),
        decoders.render_image(File::open(photo)?, &small, &small_dir, &limits, &cancel),
    )?;
    Ok(())
}

fn output(max_width: Option<u32>, method: u8) -> OutputSpec {
    let name = max_width.map_or_else(|| "full".to_owned(), |width| format!("thumbnail-{width}"));
    OutputSpec {
        name,
        max_width,
        quality: 80,
        method,
    }
}
