//! What came with a file beside its content: an independent reader finds nothing of it in anything that is made.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use media::keys::SERVED_PREFIX;
use storage::Bucket;

use crate::{
    documents::pages,
    films::{make, upload},
    fixtures::phone_photo,
    process::Process,
    stack::Stack,
};

/// Stands in every field that the inputs have, so that it can be looked for in bytes, too.
const SECRET: &str = "SECRET";

/// The tags that outputs may have, by the groups that exiftool sorts them into; `*` is all of a group. What is said of
/// the copy that the test makes (`System`) is not of the output.
const ALLOWED: [(&str, &str); 8] = [
    ("System", "*"),
    ("ExifTool", "ExifToolVersion"),
    (
        "File",
        "FileType FileTypeExtension MIMEType MIMEEncoding Newlines LineCount WordCount",
    ),
    (
        "JSON",
        "Bits Channels Data Length Sample_rate Samples_per_pixel Version",
    ),
    (
        "RIFF",
        "AlphaIsUsed AnimationLoopCount BackgroundColor Duration HorizontalScale ImageHeight ImageWidth \
         VP8Version VerticalScale WebP_Flags",
    ),
    (
        "QuickTime",
        "CompatibleBrands CreateDate CurrentTime Duration Free HandlerType HandlerVendorID MajorBrand \
         MatrixStructure MediaData MediaDataOffset MediaDataSize MinorVersion ModifyDate \
         MovieFragmentSequence MovieHeaderVersion NextTrackID PosterTime PreferredRate PreferredVolume \
         PreviewDuration PreviewTime SelectionDuration SelectionTime TimeScale Unknown_mvex Unknown_tfdt \
         Unknown_tfhd Unknown_trun",
    ),
    (
        "Track",
        "AVCConfiguration AudioBitsPerSample AudioChannels AudioFormat AudioSampleRate AverageBitrate Balance \
         BitDepth BufferSize ChunkOffset ColorPrimaries ColorProfiles CompressorID CompressorName \
         GraphicsMode HandlerDescription HandlerType ImageHeight ImageWidth MatrixCoefficients \
         MatrixStructure MaxBitrate MediaCreateDate MediaDuration MediaHeaderVersion MediaLanguageCode \
         MediaModifyDate MediaTimeScale OpColor PixelAspectRatio SampleGroupDescription SampleSizes \
         SampleToChunk SampleToGroup SourceImageHeight SourceImageWidth TimeToSampleTable TrackCreateDate \
         TrackDuration TrackHeaderVersion TrackID TrackLayer TrackModifyDate TrackVolume \
         TransferCharacteristics Unknown_btrt Unknown_edts Unknown_esds XResolution YResolution",
    ),
    ("Composite", "AvgBitrate ImageSize Megapixels Rotation"),
];

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("setup-test installs it");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    output
}

/// Writes everything that tells of people and places into the file, as far as its format has room for it.
fn tell_all(path: &Path) {
    let mut exiftool = Command::new("exiftool");
    exiftool.args(["-q", "-q", "-m", "-overwrite_original"]);
    for tag in [
        "EXIF:Artist",
        "EXIF:Copyright",
        "EXIF:Make",
        "XMP:Creator",
        "XMP:Rights",
        "IPTC:By-line",
        "Comment",
        "PNG:Author",
        "PDF:Author",
        "Keys:Model",
        "UserData:Author",
    ] {
        exiftool.arg(format!("-{tag}={SECRET}"));
    }
    for (tag, value) in [
        ("EXIF:GPSLatitude", "48.8577"),
        ("EXIF:GPSLatitudeRef", "N"),
        ("EXIF:GPSLongitude", "2.295"),
        ("EXIF:GPSLongitudeRef", "E"),
        ("XMP:GPSLatitude", "48.8577"),
        ("Keys:GPSCoordinates", "48.8577, 2.295, 0"),
    ] {
        exiftool.arg(format!("-{tag}={value}"));
    }
    run(exiftool.arg(path));
}

/// A file of each kind and of each place where formats keep metadata.
async fn inputs(stack: &Stack) -> Vec<PathBuf> {
    let photo = stack.file("photo.jpg", &phone_photo(320, 200));
    let heic = photo.with_extension("heic");
    run(Command::new("heif-enc").arg(&photo).arg("-o").arg(&heic));
    let picture = "-f lavfi -i testsrc=s=320x200 -frames:v 1";
    let png = make(stack, "picture.png", picture).await;
    let avif = png.with_extension("avif");
    run(Command::new("avifenc").arg(&png).arg(&avif));
    let animation = "-f lavfi -i testsrc=s=64x64:r=10:d=0.5";
    let mut files = vec![
        photo.clone(),
        heic,
        png,
        avif,
        make(stack, "picture.webp", picture).await,
        make(stack, "picture.tiff", picture).await,
        make(stack, "animation.gif", animation).await,
        make(
            stack,
            "film.mov",
            "-f lavfi -i testsrc2=s=320x180:r=30:d=2 -f lavfi -i sine=440:d=2 -c:v libx264 -preset ultrafast \
             -pix_fmt yuv420p -c:a aac -movflags use_metadata_tags -metadata title=SECRET -metadata comment=SECRET \
             -metadata location=+48.8577+002.2950/ -metadata com.apple.quicktime.model=SECRET \
             -metadata:s:v:0 handler_name=SECRET -metadata:s:a:0 title=SECRET",
        )
        .await,
    ];
    for file in &files {
        tell_all(file);
    }
    // It names its author.
    files.push(stack.file("letter.pdf", &pages(2, 0, "")));
    // The cover is the photo, with all that was written into it.
    let song = format!(
        "-f lavfi -i sine=440:d=2 -i {} -map 0 -map 1 -c:v copy -disposition:v attached_pic -metadata title=SECRET \
         -metadata artist=SECRET -metadata comment=SECRET -c:a libmp3lame",
        photo.display()
    );
    files.push(make(stack, "song.mp3", &song).await);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        assert!(has_secret(&bytes), "{}", file.display());
    }
    files
}

fn has_secret(bytes: &[u8]) -> bool {
    let mut words = bytes.windows(SECRET.len());
    words.any(|word| word == SECRET.as_bytes())
}

/// Copies everything that is served into `folder`, and says what lies where. Segments follow what their players fetch
/// first, so that a reader knows what they are.
async fn served(stack: &Stack, api: &Process, folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut objects = BTreeMap::new();
    let prefix = SERVED_PREFIX.parse().unwrap();
    let mut after = None;
    loop {
        let listed = stack
            .store
            .list(Bucket::Origin, Some(&prefix), after.as_ref(), 100);
        let listed = listed.await.unwrap();
        let Some(last) = listed.last() else { break };
        after = Some(last.key.clone());
        for object in listed {
            let url = format!("{}/cdn/{}", api.ready, object.key);
            let bytes = reqwest::get(url).await.unwrap().bytes().await.unwrap();
            objects.insert(object.key.to_string(), bytes.to_vec());
        }
    }
    for (number, (key, bytes)) in objects.iter().enumerate() {
        let (place, name) = key.rsplit_once('/').unwrap();
        let (name, bytes) = match name.strip_suffix(".m4s") {
            Some(name) => {
                let head = &objects[&format!("{place}/init.mp4")];
                (format!("{name}.mp4"), [&head[..], bytes].concat())
            }
            None => (name.to_owned(), bytes.clone()),
        };
        std::fs::write(folder.join(format!("{number}-{name}")), bytes).unwrap();
    }
    objects
}

/// Whether outputs may have this tag with this value.
fn is_allowed(group: &str, tag: &str, value: &str) -> bool {
    let group = group.trim_end_matches(|digit: char| digit.is_ascii_digit());
    let tags = ALLOWED.iter().find(|(allowed, _)| *allowed == group);
    let is_listed = tags.is_some_and(|(_, tags)| {
        let mut tags = tags.split(' ');
        tags.any(|allowed| allowed == "*" || allowed == tag)
    });
    let is_of_nobody =
        !tag.ends_with("Date") || value == "0000:00:00 00:00:00" || group == "System";
    is_listed && is_of_nobody && !value.contains(SECRET)
}

#[tokio::test]
async fn nothing_of_what_came_with_a_file_is_in_what_is_made_of_it() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [("MEDIAMILL_DOCUMENT_PAGES", "2")];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    for file in inputs(&stack).await {
        upload(&stack, &api, &file).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let objects = served(&stack, &api, folder.path()).await;
    for (key, bytes) in &objects {
        assert!(!has_secret(bytes), "{key}");
    }
    let mut exiftool = Command::new("exiftool");
    let found = exiftool.args(["-G1", "-s", "-a", "-u", "-ee", "-r", "-ext", "*"]);
    let found = found.arg(folder.path()).output().unwrap();
    let found = String::from_utf8_lossy(&found.stdout).into_owned();
    let (mut file, mut looked_at, mut wrong) = ("", 0, Vec::new());
    for line in found.lines() {
        if let Some(name) = line.strip_prefix("======== ") {
            file = name.rsplit('/').next().unwrap();
            looked_at += 1;
            continue;
        }
        let Some((group, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']'))
        else {
            continue;
        };
        let (tag, value) = rest.split_once(':').unwrap();
        if !is_allowed(group, tag.trim(), value.trim()) {
            wrong.push(format!("{file}: {line}"));
        }
    }
    assert_eq!(looked_at, objects.len(), "{found}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
