//! Colours are those of the film, whatever its numbers mean.

use std::path::Path;
use std::process::Command;

use video::plan::PlanSettings;

use crate::converted::convert;
use crate::fixtures::make;

/// The seven upper bars of the first picture as RGB, read with `matrix` and not with what the film says.
fn bars(path: &Path, matrix: &str, range: &str) -> Vec<u8> {
    let filter = format!(
        "crop=in_w:in_h/2:0:0,scale=in_color_matrix={matrix}:in_range={range}:out_range=full:flags=accurate_rnd,\
         format=rgb24,scale=7:1:flags=area"
    );
    let output = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(path)
        .args(["-frames:v", "1", "-vf", &filter, "-f", "rawvideo", "-"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[tokio::test]
async fn colours_stay_the_same_in_another_matrix_and_range() {
    let folder = tempfile::tempdir().unwrap();
    let bars_of = "-f lavfi -i smptebars=s=336x240:r=25:d=1";
    let encoding = "-c:v libx264 -preset ultrafast -crf 10 -pix_fmt yuv420p";
    for (name, filter, tags, matrix, range) in [
        (
            "sd",
            "scale=out_color_matrix=bt601",
            "-colorspace smpte170m",
            "bt601",
            "limited",
        ),
        (
            "hd",
            "scale=out_color_matrix=bt709",
            "-colorspace bt709",
            "bt709",
            "limited",
        ),
        (
            "untagged",
            "scale=out_color_matrix=bt601",
            "",
            "bt601",
            "limited",
        ),
        (
            "full",
            "scale=out_color_matrix=bt601:out_range=full",
            "-color_range pc",
            "bt601",
            "full",
        ),
    ] {
        let line = format!("{bars_of} -vf {filter},format=yuv420p {encoding} {tags}");
        let film = make(folder.path(), &format!("{name}.mp4"), &line);
        let converted = convert(&film, &PlanSettings::default()).await;
        let (before, after) = (
            bars(&film, matrix, range),
            bars(&converted.top(), "bt709", "limited"),
        );
        let worst = before
            .iter()
            .zip(&after)
            .map(|(before, after)| before.abs_diff(*after))
            .max();
        assert!(worst.unwrap() <= 6, "{name}: {before:?} became {after:?}");
    }
}

#[tokio::test]
async fn what_is_bright_in_hdr_is_bright_and_what_is_dark_is_dark() {
    let folder = tempfile::tempdir().unwrap();
    // Grey steps of PQ: 0, 0.1, 10, 100, 300 and 1000 cd/m², as numbers of ten bits.
    let steps = [64, 122, 324, 509, 616, 723];
    for transfer in ["smpte2084", "arib-std-b67"] {
        let step: Vec<String> = steps
            .iter()
            .enumerate()
            .map(|(at, level)| format!("eq(floor(X/32),{at})*{level}"))
            .collect();
        let line = format!(
            "-f lavfi -i color=black:s=192x96:r=25:d=1,format=yuv420p10le,geq=lum='{}':cb=512:cr=512 \
             -c:v libx265 -x265-params log-level=none:crf=8 -color_primaries bt2020 -color_trc {transfer} \
             -colorspace bt2020nc",
            step.join("+")
        );
        let film = make(folder.path(), &format!("{transfer}.mp4"), &line);
        let converted = convert(&film, &PlanSettings::default()).await;
        let grey: Vec<u8> = crate::fixtures::grey(&converted.top(), 6, 1).remove(0);
        assert!(grey.is_sorted(), "{transfer}: {grey:?}");
        assert!(grey[0] <= 20 && grey[5] >= 150, "{transfer}: {grey:?}");
    }
}
