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
/// Stands in those fields that say whose a picture is and how it may be used.
const OWNER: &str = "OWNER";

/// The tags that outputs may have, by the groups that exiftool sorts them into; `*` is all of a group. What is said of
/// the copy that the test makes (`System`) is not of the output.
const ALLOWED: [(&str, &str); 14] = [
    ("System", "*"),
    ("ExifTool", "ExifToolVersion"),
    (
        "File",
        "FileType FileTypeExtension MIMEType MIMEEncoding Newlines LineCount WordCount \
         BitsPerSample ColorComponents EncodingProcess ImageHeight ImageWidth YCbCrSubSampling",
    ),
    // Of a gain map: what it means, and where it is.
    ("MPF", "*"),
    ("MPImage", "*"),
    ("XMP-Container", "*"),
    ("XMP-hdrgm", "*"),
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
    // Of AVIF: how the picture is encoded, and in which colours.
    (
        "QuickTime",
        "AV1ConfigurationVersion ChromaFormat ChromaSamplePosition ColorPrimaries ColorProfiles HighBitDepth \
         ImagePixelDepth ImageSpatialExtent InitialDelaySamples MatrixCoefficients SeqLevelIdx0 SeqProfile SeqTier0 \
         TransferCharacteristics TwelveBit",
    ),
    ("Meta", "PrimaryItemReference"),
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

/// Where rights are kept, pictures have these tags besides, all of them.
const RIGHTS: [(&str, &str); 7] = [
    ("XMP-dc", "Creator"),
    ("XMP-dc", "Rights"),
    ("XMP-photoshop", "Credit"),
    ("XMP-xmpRights", "UsageTerms"),
    ("XMP-xmpRights", "WebStatement"),
    ("XMP-plus", "LicensorName"),
    ("XMP-plus", "LicensorURL"),
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
    for (tag, value) in [
        ("EXIF:Artist", "OWNER"),
        ("EXIF:Copyright", "OWNER"),
        ("IPTC:By-line", "OWNER"),
        ("IPTC:CopyrightNotice", "OWNER"),
        ("XMP-dc:Creator", "OWNER"),
        ("XMP-dc:Rights", "OWNER"),
        ("XMP-photoshop:Credit", "OWNER"),
        ("XMP-xmpRights:UsageTerms", "OWNER"),
        ("XMP-xmpRights:WebStatement", "https://OWNER.example/terms"),
        ("XMP-plus:LicensorName", "OWNER"),
        ("XMP-plus:LicensorURL", "https://OWNER.example"),
    ] {
        exiftool.arg(format!("-{tag}={value}"));
    }
    for tag in [
        "EXIF:Make",
        "XMP-dc:Description",
        "XMP-photoshop:City",
        "XMP-plus:LicensorEmail",
        "IPTC:City",
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

/// A picture of each format that keeps metadata, one of them brighter than white, all with everything that can be written into them.
async fn pictures(stack: &Stack) -> Vec<PathBuf> {
    let photo = stack.file("photo.jpg", &phone_photo(320, 200));
    let heic = photo.with_extension("heic");
    run(Command::new("heif-enc").arg(&photo).arg("-o").arg(&heic));
    let picture = "-f lavfi -i testsrc=s=320x200 -frames:v 1";
    let png = make(stack, "picture.png", picture).await;
    let avif = png.with_extension("avif");
    run(Command::new("avifenc").arg(&png).arg(&avif));
    let jxl = png.with_extension("jxl");
    run(Command::new("cjxl").arg(&png).arg(&jxl));
    let bright = png.with_file_name("bright.avif");
    let pq = ["--cicp", "9/16/9"];
    run(Command::new("avifenc").args(pq).arg(&png).arg(&bright));
    let animation = "-f lavfi -i testsrc=s=64x64:r=10:d=0.5";
    let files = vec![
        photo,
        heic,
        png,
        avif,
        jxl,
        bright,
        make(stack, "picture.webp", picture).await,
        make(stack, "picture.tiff", picture).await,
        make(stack, "animation.gif", animation).await,
    ];
    for file in &files {
        tell_all(file);
    }
    files
}

/// A file of each kind and of each place where formats keep metadata.
async fn inputs(stack: &Stack) -> Vec<PathBuf> {
    let mut files = pictures(stack).await;
    let photo = files[0].clone();
    let film = make(
        stack,
        "film.mov",
        "-f lavfi -i testsrc2=s=320x180:r=30:d=2 -f lavfi -i sine=440:d=2 -c:v libx264 -preset ultrafast \
             -pix_fmt yuv420p -c:a aac -movflags use_metadata_tags -metadata title=SECRET -metadata comment=SECRET \
             -metadata location=+48.8577+002.2950/ -metadata com.apple.quicktime.model=SECRET \
             -metadata:s:v:0 handler_name=SECRET -metadata:s:a:0 title=SECRET",
    );
    let film = film.await;
    tell_all(&film);
    files.push(film);
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
        assert!(has(&bytes, SECRET), "{}", file.display());
    }
    files
}

fn has(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|at| at == word.as_bytes())
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
    assert!(objects.keys().any(|key| key.ends_with("/hdr.jpg")));
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

/// A tag of a file.
#[derive(Debug)]
struct Found {
    file: String,
    group: String,
    tag: String,
    value: String,
}

impl Found {
    /// Whether every output may have it.
    fn is_allowed(&self) -> bool {
        let Self {
            group, tag, value, ..
        } = self;
        let group = group.trim_end_matches(|digit: char| digit.is_ascii_digit());
        let mut groups = ALLOWED.iter().filter(|(allowed, _)| *allowed == group);
        let is_listed = groups.any(|(_, tags)| {
            let mut tags = tags.split(' ');
            tags.any(|allowed| allowed == "*" || allowed == tag)
        });
        let is_of_nobody =
            !tag.ends_with("Date") || value == "0000:00:00 00:00:00" || group == "System";
        // That of ISO 21496-1, which this reader does not know.
        let is_gain_map =
            self.file.ends_with("-hdr.jpg") && value == "[minor] Unknown APP2 segment";
        is_gain_map || is_listed && is_of_nobody && !value.contains(SECRET)
    }
}

#[tokio::test]
async fn nothing_of_what_came_with_a_file_is_in_what_is_made_of_it() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [
        ("MEDIAMILL_DOCUMENT_PAGES", "2"),
        ("MEDIAMILL_IMAGE_HDR", "true"),
        ("MEDIAMILL_IMAGE_AVIF", "true"),
    ];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    for file in inputs(&stack).await {
        upload(&stack, &api, &file).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let objects = served(&stack, &api, folder.path()).await;
    for (key, bytes) in &objects {
        assert!(!has(bytes, SECRET) && !has(bytes, OWNER), "{key}");
    }
    let wrong: Vec<_> = tags(folder.path(), objects.len())
        .into_iter()
        .filter(|found| !found.is_allowed())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn whose_pictures_are_is_kept_where_that_is_wanted_and_nothing_else() {
    let stack = Stack::served_by_the_edge().await;
    let settings = [
        ("MEDIAMILL_KEEP_RIGHTS", "true"),
        ("MEDIAMILL_IMAGE_HDR", "true"),
        ("MEDIAMILL_IMAGE_AVIF", "true"),
    ];
    let (api, _worker) = (stack.api().await, stack.worker_with(&settings).await);
    let files = pictures(&stack).await;
    for file in &files {
        upload(&stack, &api, file).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let objects = served(&stack, &api, folder.path()).await;
    assert!(objects.len() >= 2 * files.len());
    for (key, bytes) in &objects {
        assert!(!has(bytes, SECRET), "{key}");
    }
    let found = tags(folder.path(), objects.len());
    let is_of_rights = |found: &&Found| {
        RIGHTS
            .iter()
            .any(|(group, tag)| (*group, *tag) == (&found.group, &found.tag))
    };
    let wrong: Vec<_> = found
        .iter()
        .filter(|found| !found.is_allowed() && !is_of_rights(found))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let mut kept: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for found in found.iter().filter(is_of_rights) {
        assert!(found.value.contains(OWNER), "{found:?}");
        kept.entry(&found.file).or_default().push(&found.tag);
    }
    assert_eq!(kept.len(), objects.len(), "{kept:#?}");
    for (file, mut tags) in kept {
        tags.sort_unstable();
        let mut all = RIGHTS.map(|(_, tag)| tag);
        all.sort_unstable();
        assert_eq!(tags, all, "{file}");
    }
}

/// What exiftool finds in all files of a folder, of which there are so many.
fn tags(folder: &Path, count: usize) -> Vec<Found> {
    let mut exiftool = Command::new("exiftool");
    let found = exiftool.args(["-G1", "-s", "-a", "-u", "-ee", "-r", "-ext", "*"]);
    let output = found.arg(folder).output().unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let (mut file, mut looked_at, mut tags) = ("", 0, Vec::new());
    for line in output.lines() {
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
        let [group, tag, value] = [group, tag, value].map(|part| part.trim().to_owned());
        let file = file.to_owned();
        tags.push(Found {
            file,
            group,
            tag,
            value,
        });
    }
    assert_eq!(looked_at, count, "{output}");
    tags
}
