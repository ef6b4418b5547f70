//! Every size shows what the film shows, held against what ffmpeg scales by itself.

use std::path::Path;
use std::process::Command;

use video::plan::PlanSettings;

use crate::converted::convert;
use crate::fixtures::make;

/// How alike two films are, picture by picture: the mean SSIM of all planes, 1 for the same.
fn ssim(ours: &Path, film: &Path, width: u32, height: u32) -> f64 {
    let graph = format!(
        "[1:v]scale={width}:{height}:flags=lanczos,format=yuv420p,setpts=PTS-STARTPTS[film];\
         [0:v]setpts=PTS-STARTPTS[ours];[ours][film]ssim"
    );
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-i"])
        .arg(ours)
        .arg("-i")
        .arg(film)
        .args(["-lavfi", &graph, "-f", "null", "-"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let all = said.rsplit_once("All:").expect(&said).1;
    all.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn every_size_looks_like_the_film() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=1280x720:r=25:d=3 -c:v libx264 -preset ultrafast -qp 8 \
                -color_primaries bt709 -color_trc bt709 -colorspace bt709";
    let film = make(folder.path(), "film.mp4", line);
    let converted = convert(&film, &PlanSettings::default()).await;
    let rungs = converted.plan.rungs.clone();
    assert_eq!(rungs.len(), 2);
    for rung in rungs {
        let alike = ssim(&converted.whole(&rung.name), &film, rung.width, rung.height);
        assert!(alike > 0.95, "{}: {alike}", rung.name);
    }
}
