//! Writes the playlists of a film from what its tasks have made, and checks the whole of it as it lies in the bucket.

use std::collections::HashMap;

use media::formats::OutputFormat;
use media::variants::{NewVariant, VariantKind};
use media::{FileId, ObjectKey, Sha256, files};
use video::encode::{Made as Files, picture_size, storyboard_index};
use video::gate;
use video::hls::{self, Film, MASTER};
use video::plan::Plan;
use workflows::{Attempt, NextOnError, StepError};

use super::Probe;
use super::mp4::{self, Segments};
use crate::errors;
use crate::kinds::{Output, Publication, Stored};
use crate::tools::{Context, Shelf, checked, resolve};

/// The file name of the storyboard's index.
const STORYBOARD: &str = "storyboard.vtt";

/// All that was made of a film, and where it is.
struct Parts {
    film: Film,
    /// Each file by name: its address from what this attempt's keys begin with.
    addresses: HashMap<String, String>,
    /// Posters and previews: name, key, bytes.
    pictures: Vec<(String, ObjectKey, u64)>,
}

/// Writes playlists, checks, and says what is served.
pub async fn publish(
    cx: &Attempt<Context>,
    sha256: &Sha256,
    probe: &Probe,
    stored: Vec<Stored>,
) -> Result<Publication, StepError> {
    let plan = &probe.plan;
    let shelf = Shelf::new(cx, sha256, &probe.recipe).await?;
    let served: Vec<_> = stored.iter().map(|stored| stored.key.clone()).collect();
    let parts = parts(plan, stored)?;
    for (_, key, size_bytes) in &parts.pictures {
        cx.context.in_place(key, *size_bytes).await?;
    }
    let address = |name: &str| parts.addresses.get(name).cloned().unwrap_or_default();
    let mut variants = Vec::new();
    // Playlists are in a folder of their own each.
    for (name, text) in hls::write(plan, &parts.film, &|name| format!("../{}", address(name))) {
        let (key, size_bytes) = shelf.put(&name, text, OutputFormat::Hls).await?;
        if name == MASTER {
            variants.push(playlist(plan, &parts.film, key, size_bytes));
        }
    }
    variants.extend(
        parts
            .pictures
            .iter()
            .filter_map(|picture| still(plan, picture)),
    );
    let index = storyboard_index(plan, &address);
    let (key, size_bytes) = shelf.put(STORYBOARD, index, OutputFormat::Vtt).await?;
    variants.push(variant(
        VariantKind::Storyboard,
        OutputFormat::Vtt,
        key,
        size_bytes,
    ));
    let gated = plan.clone();
    let report = checked(cx, shelf.prefix(), move |outputs| {
        gate::check(outputs, &gated)
    });
    let report = report.await?;
    if report.is_err() && plan.chunks.len() > 1 {
        let mut connection = cx.context.connection().await?;
        let asked = files::ask_replan(&mut connection, FileId(cx.subject)).await;
        asked.map_err(errors::database)?;
    }
    let report = report.or_fail()?;
    let key = |name: &str| resolve(shelf.prefix().as_str(), &address(name)).or_fail();
    let segments = Segments {
        store: &cx.context.store,
        key: &key,
    };
    if let Some((key, size_bytes)) = mp4::put(&shelf, segments, plan, &parts.film).await? {
        variants.push(in_one_file(plan, key, size_bytes));
    }
    Ok(Publication {
        variants,
        served,
        report: Some(report),
        audio: None,
        document: None,
        warnings: Vec::new(),
    })
}

fn parts(plan: &Plan, stored: Vec<Stored>) -> Result<Parts, StepError> {
    let mut parts = Parts {
        film: Film::default(),
        addresses: HashMap::new(),
        pictures: Vec::new(),
    };
    for (task, stored) in plan.tasks().into_iter().zip(stored) {
        let Output::Video(output) = stored.output else {
            continue;
        };
        let key = stored.key.as_str();
        let attempt = key
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        for name in output.files.files(task) {
            // Each chunk has written the same initialisation; the first one's is taken.
            let address = format!("../{attempt}/{name}");
            parts.addresses.entry(name).or_insert(address);
        }
        match output.files {
            Files::Pictures(pictures) => {
                for (name, size_bytes) in pictures {
                    let key = ObjectKey::new(format!("{key}{name}")).or_fail()?;
                    parts.pictures.push((name, key, size_bytes));
                }
            }
            files => parts.film.add(plan, task, files),
        }
    }
    Ok(parts)
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

/// The playlist that leads to all others: as large as the largest size, with as many bits.
fn playlist(plan: &Plan, film: &Film, key: ObjectKey, size_bytes: u64) -> NewVariant {
    let bytes = |rendition: &video::encode::Rendition| {
        let segments = rendition.segments.iter();
        segments.map(|segment| segment.bytes).sum::<u64>()
    };
    let pictures = film.rungs.last().map_or(0, bytes);
    let sound = film.sounds.iter().map(|(_, sound)| bytes(sound)).max();
    let bits = (u128::from(pictures) + u128::from(sound.unwrap_or(0))) * 8_000_000;
    let bitrate = bits / u128::from(plan.duration_us().max(1));
    NewVariant {
        width: plan.rungs.last().map(|rung| rung.width),
        height: plan.rungs.last().map(|rung| rung.height),
        bitrate: u64::try_from(bitrate).ok().filter(|bitrate| *bitrate > 0),
        ..variant(VariantKind::Playlist, OutputFormat::Hls, key, size_bytes)
    }
}

/// The film in one file.
fn in_one_file(plan: &Plan, key: ObjectKey, size_bytes: u64) -> NewVariant {
    let rung = plan
        .rungs
        .iter()
        .find(|rung| Some(&rung.name) == plan.mp4.as_ref());
    let bits = u128::from(size_bytes) * 8_000_000 / u128::from(plan.duration_us().max(1));
    NewVariant {
        width: rung.map(|rung| rung.width),
        height: rung.map(|rung| rung.height),
        bitrate: u64::try_from(bits).ok(),
        ..variant(VariantKind::Video, OutputFormat::Mp4, key, size_bytes)
    }
}

/// A poster or the preview. The sheets of the storyboard are no variants: its index is.
fn still(plan: &Plan, (name, key, size_bytes): &(String, ObjectKey, u64)) -> Option<NewVariant> {
    let kind = match name.split(['-', '.']).next()? {
        "poster" => VariantKind::Poster,
        "preview" => VariantKind::Preview,
        _ => return None,
    };
    let width = name.trim_start_matches("poster-").split('.').next();
    let size = width
        .and_then(|width| width.parse().ok())
        .map(|width| picture_size(plan, width));
    Some(NewVariant {
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        ..variant(kind, OutputFormat::Webp, key.clone(), *size_bytes)
    })
}
