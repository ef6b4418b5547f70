//! What a child can be asked, and how it answers.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

use media::Rejection;
use media::formats::DocumentFormat;
use sandbox::JobError;
use serde::{Deserialize, Serialize};

use crate::avif;
use crate::document::{self, DocumentLimits, DocumentProbe};
use crate::hevc;
use crate::image::{
    self, Bitstream, HDR_FILE, HdrPlan, ImageError, ImageLimits, ImageProbe, RenderPlan, Rendered,
    RenderedImage, Sampled,
};

/// Every job of every kind.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Job {
    ProbeImage(ImageLimits),
    /// Takes the HEVC out of a file, that of its gain map only if it is wanted.
    SplitHevc(ImageLimits, bool),
    /// With what was decoded of so many bitstreams.
    RenderImage(ImageLimits, RenderPlan, usize),
    /// The same.
    RenderHdr(ImageLimits, HdrPlan, usize),
    /// Takes pictures apart for an encoder of AV1, with what was decoded of so many bitstreams.
    SampleImage(ImageLimits, RenderPlan, usize),
    /// Puts what the encoder made of them into files.
    AssembleAvif(Vec<Sampled>),
    /// Says which document of an office program it is.
    ExamineOffice(DocumentLimits),
    ProbeDocument(DocumentLimits, DocumentFormat),
    /// Page so and so, counted from 1.
    RenderDocument(DocumentLimits, DocumentFormat, u32, RenderPlan),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Probed(Box<ImageProbe>),
    Split(Vec<Bitstream>),
    Sampled(Vec<Sampled>),
    Rendered(Rendered),
    RenderedHdr(Option<RenderedImage>),
    ProbedDocument(DocumentProbe),
    Office(DocumentFormat),
}

/// The child's whole life: see [`sandbox::child::main`].
pub fn child_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    sandbox::child::main::<Job>(args)
}

impl sandbox::Job for Job {
    type Answer = Answer;
    type Rejection = Rejection;

    fn outputs(&self) -> Vec<String> {
        match self {
            Self::ProbeImage(_) | Self::ExamineOffice(_) | Self::ProbeDocument(..) => Vec::new(),
            Self::SplitHevc(..) => hevc::BITSTREAMS.map(str::to_owned).to_vec(),
            Self::RenderHdr(..) => vec![HDR_FILE.to_owned()],
            Self::RenderImage(_, plan, _) | Self::RenderDocument(_, _, _, plan) => {
                plan.file_names()
            }
            Self::SampleImage(..) => avif::SAMPLES.map(str::to_owned).to_vec(),
            Self::AssembleAvif(pictures) => {
                let name = |picture: &Sampled| format!("{}.avif", picture.name);
                pictures.iter().map(name).collect()
            }
        }
    }

    fn more_inputs(&self) -> Vec<String> {
        match self {
            Self::ProbeImage(_)
            | Self::SplitHevc(..)
            | Self::ExamineOffice(_)
            | Self::ProbeDocument(..)
            | Self::RenderDocument(..) => Vec::new(),
            Self::RenderImage(_, _, streams)
            | Self::RenderHdr(_, _, streams)
            | Self::SampleImage(_, _, streams) => hevc::planes(*streams),
            Self::AssembleAvif(pictures) => avif::streams(pictures),
        }
    }

    fn run(&self, inputs: &[&[u8]], outputs: &[File]) -> Result<Answer, JobError<Rejection>> {
        let Some((&input, decoded)) = inputs.split_first() else {
            let none = std::io::ErrorKind::InvalidInput;
            return Err(JobError::Io(none.into()));
        };
        Ok(match self {
            Self::ProbeImage(limits) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                let probe = image::probe(input, limits).map_err(JobError::Rejected)?;
                Answer::Probed(Box::new(probe))
            }
            Self::SplitHevc(limits, with_gain_map) => {
                let write = |index: usize, bytes: &[u8]| (&outputs[index]).write_all(bytes);
                Answer::Split(image::split_hevc(input, limits, *with_gain_map, write)?)
            }
            Self::RenderImage(limits, plan, _) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                let write = |index: usize, webp: &[u8]| (&outputs[index]).write_all(webp);
                Answer::Rendered(image::render(input, decoded, limits, plan, write)?)
            }
            Self::RenderHdr(limits, plan, _) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                let write = |jpeg: &[u8]| (&outputs[0]).write_all(jpeg);
                Answer::RenderedHdr(image::render_hdr(input, decoded, limits, plan, write)?)
            }
            Self::SampleImage(limits, plan, _) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                let mut files: Vec<_> = outputs.iter().map(BufWriter::new).collect();
                Answer::Sampled(image::sample(input, decoded, limits, plan, &mut files)?)
            }
            Self::AssembleAvif(pictures) => {
                let write = |index: usize, avif: &[u8]| (&outputs[index]).write_all(avif);
                Answer::Rendered(image::assemble(pictures, decoded, input, write)?)
            }
            Self::ExamineOffice(limits) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                Answer::Office(document::office::examine(input).map_err(JobError::Rejected)?)
            }
            Self::ProbeDocument(limits, format) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                Answer::ProbedDocument(document::probe(input, *format).map_err(JobError::Rejected)?)
            }
            Self::RenderDocument(limits, format, page, plan) => {
                limits.check_length(input).map_err(JobError::Rejected)?;
                let write = |index: usize, webp: &[u8]| (&outputs[index]).write_all(webp);
                Answer::Rendered(document::render(input, *format, *page, plan, write)?)
            }
        })
    }
}

impl From<ImageError> for JobError<Rejection> {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Rejected(rejection) => Self::Rejected(rejection),
            ImageError::LimitHit(resource) => Self::LimitHit(resource),
            ImageError::Io(error) => Self::Io(error),
        }
    }
}
