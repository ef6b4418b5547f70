//! What differs by the kind of media. Steps are the same for every kind; where they are not, they match on one of the
//! enums here, and the compiler lists those places when a kind is added.
//!
//! Each kind is a folder: `probe` asks what a file is, `plan` says what is to be made of it, `render` makes it,
//! `check` says whether it is all there, and `publish` puts it together. `plan` and `check` do no I/O.

pub mod audio;
pub mod document;
pub mod image;
pub mod video;

use std::path::PathBuf;
use std::time::Duration;

use media::formats::InputFormat;
use media::recipes::{Extras, RecipeHash};
use media::variants::NewVariant;
use media::{ObjectKey, Placeholder, Sha256, Warning, conformance};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use storage::Bucket;
use tempfile::TempDir;

/// What was found in a file, no pixel and no sample decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// It is an image.
    Image(image::Probe),
    /// It is a film.
    Video(Box<video::Probe>),
    /// It is a sound.
    Audio(Box<audio::Probe>),
    /// It is a document.
    Document(document::Probe),
}

/// What one task makes, independent of all others of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of an image.
    Image(image::Unit),
    /// Of a film.
    Video(Box<video::Unit>),
    /// Of a sound.
    Audio(Box<audio::Unit>),
    /// Of a document.
    Document(document::Unit),
}

/// What is to be made of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// By which recipe.
    pub recipe: RecipeHash,
    /// One for each task.
    pub units: Vec<Unit>,
}

/// What was made, by what it is: one file, or several that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// Of an image.
    Image(image::Output),
    /// Of a film.
    Video(video::Output),
    /// Of a sound.
    Audio(audio::Output),
    /// Of a document.
    Document(document::Output),
}

/// Where the bytes are that a kind reads.
#[derive(Debug, Clone)]
pub struct Source {
    /// Staging before they are found to be fit, origin afterwards.
    pub bucket: Bucket,
    pub key: ObjectKey,
    /// SHA-256 of the whole object.
    pub sha256: Sha256,
}

/// All that a task has made.
#[derive(Debug)]
pub struct Rendering {
    /// Where it lies: deleted when this is dropped.
    pub folder: TempDir,
    pub made: Vec<Made>,
    /// What to show while it is loading, where it can be seen from this task.
    pub placeholder: Option<Placeholder>,
    /// What was found in a document that was no PDF when it was probed.
    pub document: Option<media::document::Facts>,
}

/// An output on the disk of this machine.
#[derive(Debug)]
pub struct Made {
    /// Last segment of the key that it gets; empty for one of several files, whose key is what leads to them all.
    pub name: String,
    pub files: Vec<LocalFile>,
    /// What it is.
    pub output: Output,
}

/// A file on the disk of this machine.
#[derive(Debug)]
pub struct LocalFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its key, from what the attempt's keys begin with.
    pub name: String,
    /// The media type that it is served with.
    pub mime_type: &'static str,
}

/// An output in the origin bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// Its key, which carries the attempt's token; ends in a slash where it is several files.
    pub key: ObjectKey,
    /// Bytes of all of it.
    pub size_bytes: u64,
    /// What it is.
    pub output: Output,
}

/// What is served of a file.
#[derive(Debug)]
pub struct Publication {
    pub variants: Vec<NewVariant>,
    /// What the variants lead to, by key or prefix.
    pub served: Vec<ObjectKey>,
    /// What was found when all of it was checked, for kinds with rules of their own.
    pub report: Option<conformance::Report>,
    /// What a sound was found to be when it was decoded.
    pub audio: Option<media::audio::Facts>,
    /// What a document was found to be.
    pub document: Option<media::document::Facts>,
    /// What its owner should know, as the outputs show it.
    pub warnings: Vec<Warning>,
}

impl Probe {
    /// The format by structure, whatever was declared.
    pub const fn format(&self) -> InputFormat {
        match self {
            Self::Image(probe) => InputFormat::Image(probe.format),
            Self::Video(probe) => InputFormat::Video(probe.format),
            Self::Audio(probe) => InputFormat::Audio(probe.format),
            Self::Document(probe) => InputFormat::Document(probe.format),
        }
    }

    /// What its owner should know though it is taken.
    pub fn warnings(&self) -> Vec<Warning> {
        match self {
            Self::Image(_) | Self::Audio(_) | Self::Document(_) => Vec::new(),
            Self::Video(probe) => {
                let truncated = probe.truncated.then_some(Warning::Truncated);
                truncated.into_iter().collect()
            }
        }
    }

    /// The same with what was found of a document when it was drawn.
    #[must_use]
    pub fn completed(mut self, document: Option<media::document::Facts>) -> Self {
        if let Self::Document(probe) = &mut self {
            probe.facts = probe.facts.take().or(document);
        }
        self
    }

    /// Whether parts of one output are made by several tasks.
    pub fn is_in_pieces(&self) -> bool {
        match self {
            Self::Image(_) | Self::Audio(_) | Self::Document(_) => false,
            Self::Video(probe) => probe.plan.chunks.len() > 1,
        }
    }

    /// The same, with each output made by one task.
    #[must_use]
    pub fn in_one_piece(self) -> Self {
        match self {
            Self::Image(_) | Self::Audio(_) | Self::Document(_) => self,
            Self::Video(mut probe) => {
                probe.plan = probe.plan.in_one_piece();
                Self::Video(probe)
            }
        }
    }

    /// What of the plan is kept with the file, for people to see: `video::plan::Plan` of a film. Of the other kinds, the
    /// same is made of every file.
    pub fn kept(&self) -> Result<Option<Value>, serde_json::Error> {
        match self {
            Self::Image(_) | Self::Audio(_) | Self::Document(_) => Ok(None),
            Self::Video(probe) => serde_json::to_value(&probe.plan).map(Some),
        }
    }

    /// What is to be made of the file.
    pub fn plan(&self, extras: Extras) -> Plan {
        match self {
            Self::Image(probe) => image::plan::plan(probe, extras),
            Self::Video(probe) => video::plan::plan(probe),
            Self::Audio(probe) => audio::plan::plan(probe),
            Self::Document(probe) => document::plan::plan(probe),
        }
    }

    /// Whether `stored` is everything that a file of this kind is served with.
    pub fn check(&self, stored: &[Stored]) -> Result<(), Incomplete> {
        let mut keys: Vec<_> = stored.iter().map(|stored| stored.key.as_str()).collect();
        keys.sort_unstable();
        if let Some(twice) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(Incomplete::Twice(twice[0].to_owned()));
        }
        match self {
            Self::Image(probe) => {
                let outputs = stored.iter().filter_map(|stored| match &stored.output {
                    Output::Image(output) => Some(output),
                    _ => None,
                });
                Ok(image::check::check(probe, outputs)?)
            }
            Self::Video(probe) => {
                let outputs = stored.iter().filter_map(|stored| match &stored.output {
                    Output::Video(output) => Some(output),
                    _ => None,
                });
                Ok(video::check::check(probe, outputs)?)
            }
            Self::Audio(probe) => {
                let outputs = stored.iter().filter_map(|stored| match &stored.output {
                    Output::Audio(output) => Some(output),
                    _ => None,
                });
                Ok(audio::check::check(probe, outputs)?)
            }
            Self::Document(probe) => {
                let outputs = stored.iter().filter_map(|stored| match &stored.output {
                    Output::Document(output) => Some(output),
                    _ => None,
                });
                Ok(document::check::check(probe, outputs)?)
            }
        }
    }
}

impl Unit {
    /// The longest that a unit of any kind may take.
    pub const LONGEST: Duration = video::Unit::LONGEST;

    /// How long an attempt may take.
    pub fn timeout(&self) -> Duration {
        match self {
            Self::Image(_) => image::Unit::TIMEOUT,
            Self::Video(unit) => unit.timeout(),
            Self::Audio(unit) => unit.timeout(),
            Self::Document(unit) => unit.timeout(),
        }
    }
}

/// A set of outputs that may not be served.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// One would hide the other.
    #[error("two variants share the key {0}")]
    Twice(String),
    /// Of an image.
    #[error(transparent)]
    Image(#[from] image::check::Incomplete),
    /// Of a film.
    #[error(transparent)]
    Video(#[from] video::check::Incomplete),
    /// Of a sound.
    #[error(transparent)]
    Audio(#[from] audio::check::Incomplete),
    /// Of a document.
    #[error(transparent)]
    Document(#[from] document::check::Incomplete),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_unit_may_take_longer_than_the_longest() {
        let probe = image::check::tests::probe();
        for unit in image::plan::plan(&probe, Extras::default()).units {
            assert!(unit.timeout() <= Unit::LONGEST);
        }
    }

    #[test]
    fn two_outputs_with_one_key_are_not_published() {
        let probe = Probe::Image(image::check::tests::probe());
        let outputs = image::check::tests::whole();
        let stored = |key: &dyn Fn(usize) -> String| -> Vec<_> {
            let stored = outputs.iter().enumerate().map(|(index, output)| Stored {
                key: key(index).parse().unwrap(),
                size_bytes: 1,
                output: Output::Image(output.clone()),
            });
            stored.collect()
        };
        assert_eq!(
            probe.check(&stored(&|index| format!("media/{index}"))),
            Ok(())
        );
        let twice = probe.check(&stored(&|_| "media/x".to_owned()));
        assert_eq!(twice, Err(Incomplete::Twice("media/x".to_owned())));
    }
}
