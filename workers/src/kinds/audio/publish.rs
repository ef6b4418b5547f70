//! Writes the playlists of a sound, and checks the whole of it as it lies in the bucket.

use std::collections::HashMap;

use media::audio::Facts;
use media::formats::OutputFormat;
use media::variants::{NewVariant, VariantKind};
use media::{ObjectKey, Sha256};
use video::audio::{File, Sound};
use video::encode::Rendition;
use video::gate;
use video::hls::{self, MASTER};
use workflows::{Attempt, NextOnError, StepError};

use super::render::{self, Cover};
use super::{Output, Probe, check};
use crate::kinds::{self, Publication, Stored};
use crate::tools::{Context, Shelf, checked};

/// Writes playlists, checks, and says what is served.
pub async fn publish(
    cx: &Attempt<Context>,
    sha256: &Sha256,
    probe: &Probe,
    stored: Vec<Stored>,
) -> Result<Publication, StepError> {
    let shelf = Shelf::new(cx, sha256, &probe.recipe).await?;
    let served: Vec<_> = stored.iter().map(|stored| stored.key.clone()).collect();
    let mut variants = Vec::new();
    let mut facts = None;
    let mut report = None;
    for Stored { key, output, .. } in stored {
        let kinds::Output::Audio(output) = output else {
            continue;
        };
        match &output {
            Output::Sound(sound) => {
                variants.push(playlists(&shelf, &key, &output, sound).await?);
                variants.extend(files(&key, sound)?);
                facts = Some(Facts {
                    duration_us: sound.duration_us,
                    channels: probe.channels,
                    sample_rate: probe.sample_rate,
                    codec: probe.codec.clone(),
                });
                let expected = check::expected(probe, sound.duration_us);
                let found = checked(cx, shelf.prefix(), move |outputs| {
                    gate::check_sound(outputs, &expected)
                });
                report = Some(found.await?.or_fail()?);
            }
            Output::Covers(covers) => {
                for cover in covers {
                    variants.push(picture(&key, cover)?);
                }
            }
        }
    }
    let single = variants.iter();
    let single = single.filter(|variant| variant.kind != VariantKind::Playlist);
    for variant in single {
        cx.context
            .in_place(&variant.storage_path, variant.size_bytes)
            .await?;
    }
    Ok(Publication {
        variants,
        served,
        report,
        audio: facts,
        document: None,
        warnings: Vec::new(),
    })
}

/// Writes the playlists that lead to what lies below `made`; the variant is the one to play.
async fn playlists(
    shelf: &Shelf<'_>,
    made: &ObjectKey,
    output: &Output,
    sound: &Sound,
) -> Result<NewVariant, StepError> {
    let attempt = made.as_str().trim_end_matches('/').rsplit('/').next();
    let attempt = attempt.unwrap_or_default();
    let addresses: HashMap<_, _> = render::files(output)
        .into_iter()
        // Playlists are in a folder of their own each.
        .map(|name| (name.clone(), format!("../../{attempt}/{name}")))
        .collect();
    let address = |name: &str| addresses.get(name).cloned().unwrap_or_default();
    let mut main = None;
    for (name, text) in hls::write_sound(&sound.renditions, &address) {
        let (key, size_bytes) = shelf.put(&name, text, OutputFormat::Hls).await?;
        if name == MASTER {
            main = Some(NewVariant {
                bitrate: sound.renditions.iter().map(|one| bitrate(one, sound)).max(),
                ..variant(VariantKind::Playlist, OutputFormat::Hls, key, size_bytes)
            });
        }
    }
    main.ok_or(NoPlaylist).or_fail()
}

#[derive(Debug, thiserror::Error)]
#[error("no playlist was written")]
struct NoPlaylist;

/// Bits in a second of a rendition, its initialisation left out.
fn bitrate(rendition: &Rendition, sound: &Sound) -> u64 {
    let segments = rendition.segments.iter();
    per_second(segments.map(|segment| segment.bytes).sum(), sound)
}

fn per_second(bytes: u64, sound: &Sound) -> u64 {
    let bits = u128::from(bytes) * 8_000_000 / u128::from(sound.duration_us.max(1));
    u64::try_from(bits).unwrap_or(u64::MAX)
}

/// What is one file each: the whole sound, and the waveform as numbers and as a picture.
fn files(made: &ObjectKey, sound: &Sound) -> Result<[NewVariant; 3], StepError> {
    let file = |kind, format, file: &File| {
        let key = ObjectKey::new(format!("{made}{}", file.name)).or_fail()?;
        Ok::<_, StepError>(variant(kind, format, key, file.size_bytes))
    };
    let picture = &sound.picture;
    Ok([
        NewVariant {
            bitrate: Some(per_second(sound.whole.size_bytes, sound)),
            ..file(VariantKind::Audio, OutputFormat::M4a, &sound.whole)?
        },
        file(VariantKind::Waveform, OutputFormat::Json, &sound.peaks)?,
        NewVariant {
            width: Some(picture.width),
            height: Some(picture.height),
            ..file(VariantKind::Waveform, OutputFormat::Webp, &picture.file)?
        },
    ])
}

fn picture(made: &ObjectKey, cover: &Cover) -> Result<NewVariant, StepError> {
    let key = ObjectKey::new(format!("{made}{}", cover.name)).or_fail()?;
    Ok(NewVariant {
        width: Some(cover.width),
        height: Some(cover.height),
        ..variant(
            VariantKind::Cover,
            OutputFormat::Webp,
            key,
            cover.size_bytes,
        )
    })
}

fn variant(
    kind: VariantKind,
    format: OutputFormat,
    storage_path: ObjectKey,
    size_bytes: u64,
) -> NewVariant {
    NewVariant {
        kind,
        format,
        width: None,
        height: None,
        page: None,
        placeholder: None,
        bitrate: None,
        storage_path,
        size_bytes,
    }
}
