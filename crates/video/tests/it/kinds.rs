//! Films of all kinds come out plain: upright, square pixels, progressive, 8 bit, 4:2:0, BT.709.

use std::path::Path;

use video::plan::PlanSettings;

use crate::converted::{Converted, chopped, convert};
use crate::fixtures::{grey, make, shown};

const PLAIN: &str =
    "stream=pix_fmt,field_order,sample_aspect_ratio,color_space,color_transfer,color_range";

async fn converted(folder: &Path, name: &str, line: &str) -> Converted {
    let film = make(folder, name, line);
    let converted = convert(&film, &PlanSettings::default()).await;
    let report = converted.report();
    assert!(report.passed(), "{name}: {:#?}", report.findings);
    converted
}

#[tokio::test]
async fn whatever_comes_in_plain_pictures_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let picture = "-f lavfi -i testsrc2=s=160x90:r=25:d=1";
    for (name, options) in [
        ("ten-bit.mp4", "-c:v libx264 -pix_fmt yuv420p10le"),
        ("colour.mkv", "-c:v libx264 -pix_fmt yuv444p"),
        ("camera.mov", "-c:v prores_ks -pix_fmt yuv422p10le"),
        (
            "hdr10.mp4",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc",
        ),
        (
            "hlg.mkv",
            "-c:v libx265 -x265-params log-level=none -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc",
        ),
        ("web.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8"),
        ("old.webm", "-c:v libvpx -deadline realtime -cpu-used 8"),
        ("still-camera.avi", "-c:v mjpeg -pix_fmt yuvj422p"),
        ("divx.avi", "-c:v mpeg4"),
        ("dvd.mpg", "-c:v mpeg2video -f vob"),
        ("broadcast.ts", "-c:v mpeg2video"),
        ("camcorder.ts", "-c:v libx264 -preset ultrafast"),
        ("flash.flv", "-c:v flv"),
        ("free.ogv", "-c:v libtheora"),
        ("archive.mkv", "-c:v ffv1"),
        (
            "editing.mov",
            "-vf scale=1280:720,fps=25 -c:v dnxhd -b:v 60M -pix_fmt yuv422p",
        ),
        ("cineform.mov", "-c:v cfhd -pix_fmt yuv422p10le"),
        ("scanner.mov", "-c:v jpeg2000 -pix_fmt yuv420p"),
        ("capture.mov", "-c:v v210 -pix_fmt yuv422p10le"),
        ("raw.avi", "-c:v rawvideo -pix_fmt yuv420p"),
        ("raw.mov", "-c:v rawvideo -pix_fmt rgb24"),
        ("huffyuv.avi", "-c:v huffyuv -pix_fmt yuv422p"),
        ("ffvhuff.avi", "-c:v ffvhuff -pix_fmt yuv420p"),
        ("utvideo.avi", "-c:v utvideo -pix_fmt yuv420p"),
        ("pictures.mov", "-c:v png"),
        ("animation.mov", "-c:v qtrle -pix_fmt argb"),
        ("graphics.mov", "-c:v smc -pix_fmt pal8"),
        ("sorenson.mov", "-c:v svq1 -pix_fmt yuv410p"),
        (
            "cinepak.avi",
            "-vf scale=160:88 -c:v cinepak -pix_fmt rgb24",
        ),
        (
            "video1.avi",
            "-vf scale=160:88 -c:v msvideo1 -pix_fmt rgb555le",
        ),
        ("msmpeg4.avi", "-c:v msmpeg4"),
        ("wmv1.avi", "-c:v wmv1"),
        ("wmv2.avi", "-c:v wmv2"),
        ("screen.flv", "-c:v flashsv -pix_fmt bgr24"),
        (
            "fragments.mp4",
            "-c:v libx264 -preset ultrafast -movflags frag_keyframe+empty_moov",
        ),
    ] {
        let converted = converted(folder.path(), name, &format!("{picture} {options}")).await;
        assert_eq!(
            shown(&converted.top(), PLAIN),
            ["1:1,yuv420p,tv,bt709,bt709,progressive"],
            "{name}"
        );
        assert!(
            (24..=26).contains(&converted.plan.frames),
            "{name}: {}",
            converted.plan.frames
        );
    }
}

#[tokio::test]
async fn a_film_that_lies_on_its_side_stands_up() {
    let folder = tempfile::tempdir().unwrap();
    let lying = "-f lavfi -i color=white:s=160x90:d=1,drawbox=x=80:w=80:h=90:color=black:t=fill";
    let lying = make(
        folder.path(),
        "lying.mp4",
        &format!("{lying} -c:v libx264 -preset ultrafast"),
    );
    let line = format!("-i {} -c copy -metadata:s:v rotate=90", lying.display());
    let converted = converted(folder.path(), "phone.mp4", &line).await;
    let top = converted.top();
    assert_eq!(shown(&top, "stream=width,height"), ["90,160"]);
    assert!(
        shown(&top, "stream_side_data=rotation")
            .iter()
            .all(String::is_empty)
    );
    // Turned against the clock, as ffmpeg writes it: what was on the left is below.
    let halves = &grey(&top, 1, 2)[0];
    assert!(halves[0] < 40 && halves[1] > 200, "{halves:?}");
}

#[tokio::test]
async fn pixels_become_square() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=180x144:d=1,setsar=16/15 -c:v libx264 -preset ultrafast";
    let converted = converted(folder.path(), "dv.mp4", line).await;
    assert_eq!(
        shown(&converted.top(), "stream=width,height,sample_aspect_ratio"),
        ["192,144,1:1"]
    );
}

#[tokio::test]
async fn fields_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=160x96:r=50:d=2,tinterlace=interleave_top,setfield=tff \
                -c:v mpeg2video -flags +ildct+ilme -q:v 2";
    let converted = converted(folder.path(), "tv.ts", line).await;
    assert!(converted.plan.picture.deinterlace);
    assert_eq!(converted.plan.frames, 50);
    assert_eq!(
        shown(&converted.top(), PLAIN),
        ["1:1,yuv420p,tv,bt709,bt709,progressive"]
    );
}

#[tokio::test]
async fn a_silent_film_has_no_sound() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=160x90:d=1 -c:v libx264 -preset ultrafast";
    let converted = converted(folder.path(), "silent.mp4", line).await;
    let master = std::fs::read_to_string(converted.path("master.m3u8")).unwrap();
    assert!(
        !master.contains("AUDIO") && !master.contains("mp4a"),
        "{master}"
    );
}

#[tokio::test]
async fn every_language_is_kept_and_surround_becomes_stereo() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("s.srt"),
        "1\n00:00:01,000 --> 00:00:03,000\nHello\n",
    )
    .unwrap();
    let subtitles = folder.path().join("s.srt");
    let line = format!(
        "-f lavfi -i testsrc2=s=160x90:d=4 -f lavfi -i sine=440:d=4 -i {} -map 0 -map 1 -map 1 -map 2 \
         -c:v libx264 -preset ultrafast -c:a aac -ac:a:1 6 -c:s mov_text -metadata:s:a:0 language=deu \
         -metadata:s:a:1 language=eng -metadata:s:s:0 language=fra -disposition:a:1 default -disposition:a:0 0",
        subtitles.display()
    );
    let film = make(folder.path(), "film.mp4", &line);
    let converted = convert(&film, &chopped()).await;
    assert!(
        converted.report().passed(),
        "{:#?}",
        converted.report().findings
    );
    let master = std::fs::read_to_string(converted.path("master.m3u8")).unwrap();
    assert!(
        master.contains("NAME=\"deu\",LANGUAGE=\"de\",DEFAULT=NO"),
        "{master}"
    );
    assert!(
        master.contains("NAME=\"eng\",LANGUAGE=\"en\",DEFAULT=YES"),
        "{master}"
    );
    assert!(
        master.contains("TYPE=SUBTITLES") && master.contains("LANGUAGE=\"fr\""),
        "{master}"
    );
    for sound in ["sound-0", "sound-1"] {
        let found = shown(
            &converted.whole(sound),
            "stream=codec_name,channels,sample_rate",
        );
        assert_eq!(found, ["aac,48000,2"]);
    }
    // What is shown from 1 to 3 s is in both segments.
    for segment in ["00000.vtt", "00001.vtt"] {
        let text =
            std::fs::read_to_string(converted.path(&format!("subtitles-0/{segment}"))).unwrap();
        assert!(
            text.contains("00:00:01.000 --> 00:00:03.000\nHello"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn nothing_that_a_film_says_about_its_maker_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let line = "-f lavfi -i testsrc2=s=160x90:d=1 -f lavfi -i sine=440:d=1 -c:v libx264 -preset ultrafast \
                -c:a aac -metadata title=Secret -metadata location=+48.1+011.5/ -metadata:s:v handler_name=Secret \
                -metadata artist=Secret -movflags use_metadata_tags";
    let film = make(folder.path(), "film.mp4", line);
    let read = |path: &Path| std::fs::read(path).unwrap();
    let holds = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).any(|part| part == word);
    assert!(holds(&read(&film), b"Secret") && holds(&read(&film), b"+48.1"));
    let converted = convert(&film, &PlanSettings::default()).await;
    for whole in [converted.top(), converted.whole("sound-0")] {
        assert!(!holds(&read(&whole), b"Secret") && !holds(&read(&whole), b"+48.1"));
    }
}
