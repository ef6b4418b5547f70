//! The service's side: asks a child, and does not believe what it says further than it can be checked. The child worked
//! on hostile bytes.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use media::formats::DocumentFormat;
use sandbox::{Launcher, Mode};
use tokio_util::sync::CancellationToken;

use crate::DecodeError;
use crate::avif;
use crate::document::{DocumentLimits, DocumentProbe};
use crate::hevc;
use crate::image::{
    self, Encoding, HDR_FILE, HdrPlan, ImageLimits, ImageProbe, RenderPlan, Rendered, RenderedImage,
};
use crate::job::{Answer, Job};

/// The subcommand by which a child becomes a tool.
const TOOL: &str = "tool";

/// Has decodes done in confined children. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct Decoders {
    jobs: Launcher,
    tools: Launcher,
}

impl Decoders {
    /// Children are started as `program`, which must hand the arguments after `args` to
    /// [`child_main`](crate::child_main), and those after `tool` to [`sandbox::child::become_tool`], before it starts a
    /// thread or opens a file.
    pub fn new(program: PathBuf, args: Vec<OsString>) -> Self {
        Self {
            tools: Launcher::new(program.clone(), vec![TOOL.into()]),
            jobs: Launcher::new(program, args),
        }
    }

    /// Children are this very program with the subcommands `decode` and `tool`.
    pub fn current_program() -> Self {
        Self {
            jobs: Launcher::current_program("decode"),
            tools: Launcher::current_program(TOOL),
        }
    }

    /// What children do on a kernel that cannot confine them.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self {
            jobs: self.jobs.with_mode(mode),
            tools: self.tools.with_mode(mode),
        }
    }

    /// Walks the whole container of `input`, a regular file, and says what it is.
    pub async fn probe_image(
        &self,
        input: File,
        limits: &ImageLimits,
        cancel: &CancellationToken,
    ) -> Result<ImageProbe, DecodeError> {
        let job = Job::ProbeImage(limits.clone());
        let root = Path::new("/");
        match self
            .jobs
            .run(&job, input, root, &limits.process, cancel)
            .await?
        {
            Answer::Probed(probe) => Ok(*probe),
            _ => Err(DecodeError::Protocol("not an answer to a probe")),
        }
    }

    /// Renders the outputs of `plan` that suit `input` into `out_dir`, a folder without files of
    /// those names. After an error the folder may hold empty or unfinished files. As AVIF, none is made of an animation.
    pub async fn render_image(
        &self,
        input: File,
        plan: &RenderPlan,
        out_dir: &Path,
        limits: &ImageLimits,
        cancel: &CancellationToken,
    ) -> Result<Rendered, DecodeError> {
        plan.validate().map_err(DecodeError::InvalidJob)?;
        let decoded = self.decode_hevc((&input, false), out_dir, limits, cancel);
        let streams = decoded.await?;
        if plan.encoding == Encoding::Avif {
            let sampling = Job::SampleImage(limits.clone(), plan.clone(), streams);
            let launchers = (&self.jobs, &self.tools);
            let made = avif::make(launchers, (sampling, input), plan, out_dir, limits, cancel);
            return match made.await? {
                Some(rendered) => accept(rendered, plan, out_dir).await,
                None => Ok(Rendered::default()),
            };
        }
        let job = Job::RenderImage(limits.clone(), plan.clone(), streams);
        match self
            .jobs
            .run(&job, input, out_dir, &limits.process, cancel)
            .await?
        {
            Answer::Rendered(rendered) => accept(rendered, plan, out_dir).await,
            _ => Err(DecodeError::Protocol("not an answer to a render")),
        }
    }

    /// Renders `input` with a gain map into the file [`HDR_FILE`] of `out_dir`, a folder without one. Nothing, and no
    /// file, of a picture that has no light beyond white, or of which it cannot be had. After an error the folder may
    /// hold an empty or unfinished file.
    pub async fn render_hdr(
        &self,
        input: File,
        plan: &HdrPlan,
        out_dir: &Path,
        limits: &ImageLimits,
        cancel: &CancellationToken,
    ) -> Result<Option<RenderedImage>, DecodeError> {
        if !(1..=100).contains(&plan.quality) {
            return Err(DecodeError::InvalidJob("quality is 1 to 100"));
        }
        let decoded = self.decode_hevc((&input, true), out_dir, limits, cancel);
        let streams = decoded.await?;
        let job = Job::RenderHdr(limits.clone(), plan.clone(), streams);
        let answer = self.jobs.run(&job, input, out_dir, &limits.process, cancel);
        let Answer::RenderedHdr(rendered) = answer.await? else {
            return Err(DecodeError::Protocol("not an answer to a render"));
        };
        let path = out_dir.join(HDR_FILE);
        match &rendered {
            Some(image) => check(&path, image).await?,
            None => remove(&path).await?,
        }
        Ok(rendered)
    }

    /// Decodes what HEVC there is, and says how many bitstreams that are.
    async fn decode_hevc(
        &self,
        (input, with_gain_map): (&File, bool),
        out_dir: &Path,
        limits: &ImageLimits,
        cancel: &CancellationToken,
    ) -> Result<usize, DecodeError> {
        if !image::may_hold_hevc(input).map_err(DecodeError::io("reading an input"))? {
            return Ok(0);
        }
        let copy = input.try_clone();
        let copy = copy.map_err(DecodeError::io("opening an input again"))?;
        let launchers = (&self.jobs, &self.tools);
        hevc::decode(launchers, (copy, with_gain_map), out_dir, limits, cancel).await
    }

    /// Reads the package of the office document `input`, a regular file, and says which it is.
    pub async fn examine_office(
        &self,
        input: File,
        limits: &DocumentLimits,
        cancel: &CancellationToken,
    ) -> Result<DocumentFormat, DecodeError> {
        let job = Job::ExamineOffice(limits.clone());
        let root = Path::new("/");
        let answer = self.jobs.run(&job, input, root, &limits.process, cancel);
        match answer.await? {
            Answer::Office(format) if format.is_office() => Ok(format),
            _ => Err(DecodeError::Protocol(
                "not an answer to a look at a package",
            )),
        }
    }

    /// Reads the structure of the document `input`, a regular file, and says what it is.
    pub async fn probe_document(
        &self,
        input: File,
        format: DocumentFormat,
        limits: &DocumentLimits,
        cancel: &CancellationToken,
    ) -> Result<DocumentProbe, DecodeError> {
        let job = Job::ProbeDocument(limits.clone(), format);
        let root = Path::new("/");
        let answer = self.jobs.run(&job, input, root, &limits.process, cancel);
        match answer.await? {
            Answer::ProbedDocument(probe) => Ok(probe),
            _ => Err(DecodeError::Protocol("not an answer to a probe")),
        }
    }

    /// Renders a page, counted from 1, of the document `input` at the widths of `plan` into `out_dir`, a folder
    /// without files of those names. After an error the folder may hold empty or unfinished files.
    pub async fn render_document(
        &self,
        input: File,
        (format, page): (DocumentFormat, u32),
        plan: &RenderPlan,
        out_dir: &Path,
        limits: &DocumentLimits,
        cancel: &CancellationToken,
    ) -> Result<Rendered, DecodeError> {
        plan.validate().map_err(DecodeError::InvalidJob)?;
        let job = Job::RenderDocument(limits.clone(), format, page, plan.clone());
        let answer = self.jobs.run(&job, input, out_dir, &limits.process, cancel);
        match answer.await? {
            Answer::Rendered(rendered) => accept(rendered, plan, out_dir).await,
            _ => Err(DecodeError::Protocol("not an answer to a render")),
        }
    }
}

/// Checks each picture against the plan and the file it should be in, and removes the files of
/// outputs that were left out.
async fn accept(
    rendered: Rendered,
    plan: &RenderPlan,
    out_dir: &Path,
) -> Result<Rendered, DecodeError> {
    let images = rendered.pictures;
    let mut accepted = Vec::with_capacity(images.len());
    for output in &plan.outputs {
        let path = out_dir.join(plan.file_name(&output.name));
        let Some(image) = images.iter().find(|image| image.name == output.name) else {
            remove(&path).await?;
            continue;
        };
        if output.max_width.is_some_and(|max| image.width > max) {
            return Err(UNTRUE);
        }
        check(&path, image).await?;
        accepted.push(image.clone());
    }
    if accepted.len() != images.len() || accepted.is_empty() {
        return Err(DecodeError::Protocol("outputs that were not asked for"));
    }
    let placeholder = rendered.placeholder.as_ref();
    if placeholder.is_some() != plan.placeholder || placeholder.is_some_and(|p| !p.is_plausible()) {
        return Err(DecodeError::Protocol("a placeholder that is none"));
    }
    Ok(Rendered {
        pictures: accepted,
        ..rendered
    })
}

const UNTRUE: DecodeError = DecodeError::Protocol("an output that is not as announced");

/// Whether a file is what was said of it.
async fn check(path: &Path, image: &RenderedImage) -> Result<(), DecodeError> {
    let file = tokio::fs::symlink_metadata(path)
        .await
        .map_err(DecodeError::io("looking at an output"))?;
    if image.width < 1 || !file.is_file() || file.len() != image.size_bytes || file.len() == 0 {
        return Err(UNTRUE);
    }
    Ok(())
}

/// Removes the file of an output that was left out, if it was begun.
async fn remove(path: &Path) -> Result<(), DecodeError> {
    match tokio::fs::remove_file(path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(DecodeError::io("removing an output")(error))
        }
        _ => Ok(()),
    }
}
