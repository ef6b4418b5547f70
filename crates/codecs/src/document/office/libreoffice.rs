//! LibreOffice of this machine, which works in the sandbox and is not believed.
//!
//! Its program is started without the starter that people start, which would be one more process. A profile is made for each
//! document, so that nothing of one is left for the next.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use media::formats::DocumentFormat;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use sandbox::{Launcher, Limits, Manner, Mode, Resource, Tool, ToolError};

/// The subcommand by which a child becomes a tool.
const TOOL: &str = "tool";
/// What people start, and what that starts. Both are in the folder `program` of an installation.
const STARTER: &str = "soffice";
const PROGRAM: &str = "soffice.bin";

/// What it reads beside its own folder: settings and data where Debian has them, fonts, and the register of languages.
const SEES: [&str; 11] = [
    "/etc/libreoffice",
    "/usr/share/libreoffice",
    "/var/lib/libreoffice",
    "/var/spool/libreoffice",
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "/usr/share/fontconfig",
    "/etc/fonts",
    "/var/cache/fontconfig",
    "/usr/share/liblangtag",
    "/dev/urandom",
];

/// The settings of every profile: nothing of a document runs, and nothing that it leads to is fetched. The sandbox holds
/// that, too; so no time is spent on trying.
const SETTINGS: &str = include_str!("settings.xcu");

/// A text that it turns into a PDF before the document. When it says so, it works, and what follows is the document's
/// fault.
const FIRST: &str = "first.txt";
/// How it begins to say that a document is open.
const OPENED: &[u8] = b"convert ";

/// Folders in the scratch folder.
const PROFILE: &str = "profile";
const TEMPORARY: &str = "tmp";
const CACHE: &str = "cache";
const MADE: &str = "made";

/// A file that is written to see whether there is room on the disk.
const ROOM: &str = "room";
const ROOM_BYTES: usize = 1 << 20;

/// LibreOffice of this machine. Cheap to clone; holds nothing open.
#[derive(Clone, Debug)]
pub struct LibreOffice {
    launcher: Launcher,
    /// The folder with its programs.
    folder: PathBuf,
}

/// It is not where it was looked for.
#[derive(Debug, thiserror::Error)]
#[error("there is no LibreOffice in {}", .0.display())]
pub struct Missing(PathBuf);

/// A document of which no PDF was made.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// It did not get as far as the document: ours to mend.
    #[error("LibreOffice does not work")]
    DoesNotWork(#[source] ToolError),
    /// It failed at the document, or was ended; who is to blame is as with any tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl LibreOffice {
    /// What it may use. A common document takes a second of processor time and 250 MB of memory, of which address space is
    /// several times as much.
    pub fn limits() -> Limits {
        Limits {
            memory_bytes: 2 << 30,
            cpu_seconds: 60,
            file_bytes: 256 << 20,
            output_bytes: 1 << 20,
            wall: Duration::from_mins(8),
        }
    }

    /// The one that is installed as a program of this machine. Children are this very program.
    pub fn find() -> Option<Self> {
        Self::at(&Tool::find(STARTER)?).ok()
    }

    /// The one at `path`: what people start, or the folder that this is in.
    pub fn at(path: &Path) -> Result<Self, Missing> {
        let found = path.canonicalize().ok();
        let folder = found.and_then(|found| {
            let is_folder = found.is_dir();
            if is_folder {
                Some(found)
            } else {
                Some(found.parent()?.to_owned())
            }
        });
        let folder = folder.filter(|folder| folder.join(PROGRAM).is_file());
        Ok(Self {
            launcher: Launcher::current_program(TOOL),
            folder: folder.ok_or_else(|| Missing(path.to_owned()))?,
        })
    }

    /// Children are started by `launcher`, whose children must come to [`sandbox::child::become_tool`].
    #[must_use]
    pub fn with_launcher(self, launcher: Launcher) -> Self {
        Self { launcher, ..self }
    }

    /// What children do on a kernel that cannot confine them.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        let launcher = self.launcher.with_mode(mode);
        Self { launcher, ..self }
    }

    /// What it calls itself, with its version.
    pub fn name(&self) -> String {
        let name = self.said("bootstraprc", "ProductKey=");
        name.unwrap_or_else(|| "LibreOffice".to_owned())
    }

    /// What a file beside its programs says behind these words.
    fn said(&self, file: &str, words: &str) -> Option<String> {
        let said = std::fs::read_to_string(self.folder.join(file)).ok()?;
        let line = said.lines().find_map(|line| line.strip_prefix(words))?;
        Some(line.trim().to_owned())
    }

    /// Turns the document `input`, which is of `format`, into a PDF in `folder`, which is empty, and says where that is.
    /// To drop the future is to end it.
    pub async fn convert(
        &self,
        input: &Path,
        format: DocumentFormat,
        folder: &Path,
        limits: &Limits,
    ) -> Result<PathBuf, OfficeError> {
        let name = format!("document.{}", format.capabilities().extensions[0]);
        let prepared = self.prepare(input, folder, &name).await;
        prepared.map_err(ToolError::io("writing to the scratch folder"))?;
        let tool = self.tool(input, folder, &name, limits);
        let mut works = false;
        let ended = self.launcher.run_tool(&tool, None, |piece| {
            works |= piece.starts_with(OPENED);
            Ok(())
        });
        let pdf = folder.join(MADE).join("document.pdf");
        let error = match ended.await {
            Ok(()) if is_written(&pdf).await => return Ok(pdf),
            Ok(()) => ToolError::Failed {
                code: Some(0),
                signal: None,
                stderr: "no PDF was made".to_owned(),
            },
            Err(error) => error,
        };
        let error = explained(error, folder, limits).await;
        match error {
            ToolError::Failed { .. } if !works => Err(OfficeError::DoesNotWork(error)),
            error => Err(error.into()),
        }
    }

    fn tool(&self, input: &Path, folder: &Path, name: &str, limits: &Limits) -> Tool {
        let place = |name: &str| folder.join(name).display().to_string();
        let options =
            "--headless --norestore --nologo --nodefault --nolockcheck --convert-to pdf --outdir";
        let mut args = vec![format!(
            "-env:UserInstallation={}",
            url(&folder.join(PROFILE))
        )];
        args.extend(options.split(' ').map(str::to_owned));
        args.extend([MADE, FIRST, name].map(place));
        let own = self.folder.parent().map(Path::to_owned);
        Tool {
            program: self.folder.join(PROGRAM),
            manner: Manner::Suite,
            args,
            environment: vec![
                format!("HOME={}", folder.display()),
                format!("TMPDIR={}", place(TEMPORARY)),
                format!("XDG_CACHE_HOME={}", place(CACHE)),
                "SAL_USE_VCLPLUGIN=svp".to_owned(),
                "LC_ALL=C.UTF-8".to_owned(),
            ],
            sees: SEES.into_iter().map(PathBuf::from).chain(own).collect(),
            input: input.to_owned(),
            folder: folder.to_owned(),
            limits: limits.clone(),
        }
    }

    /// Folders, settings, and the document by a name that says what it is.
    async fn prepare(&self, input: &Path, folder: &Path, name: &str) -> io::Result<()> {
        let user = folder.join(PROFILE).join("user");
        let extensions = user.join("extensions");
        tokio::fs::create_dir_all(&extensions).await?;
        for name in [TEMPORARY, CACHE, MADE] {
            tokio::fs::create_dir(folder.join(name)).await?;
        }
        tokio::fs::write(user.join("registrymodifications.xcu"), SETTINGS).await?;
        tokio::fs::write(folder.join(FIRST), "works").await?;
        // In a profile that seems to be of another build it looks through its extensions, and begins again.
        let build = self.said("versionrc", "buildid=").unwrap_or_default();
        tokio::fs::write(extensions.join("buildid"), build).await?;
        tokio::fs::symlink(input, folder.join(name)).await
    }
}

/// A file that is one: what wrote it worked on hostile bytes.
async fn is_written(pdf: &Path) -> bool {
    let found = tokio::fs::symlink_metadata(pdf).await;
    found.is_ok_and(|found| found.is_file() && found.len() > 0)
}

/// Why it failed, where LibreOffice itself does not say: for want of memory, or of room on the disk.
async fn explained(error: ToolError, folder: &Path, limits: &Limits) -> ToolError {
    let ToolError::Failed { stderr, .. } = &error else {
        return error;
    };
    if stderr.contains("bad_alloc") {
        return ToolError::LimitHit {
            resource: Resource::Memory,
            allowed: format!("{} MiB", limits.memory_bytes >> 20),
        };
    }
    let room = tokio::fs::write(folder.join(ROOM), vec![0; ROOM_BYTES]).await;
    match room {
        Ok(()) => error,
        Err(full) => ToolError::io("writing to the scratch folder")(full),
    }
}

/// A path as LibreOffice takes addresses.
fn url(path: &Path) -> String {
    const PATH: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'/')
        .remove(b'.')
        .remove(b'-')
        .remove(b'_');
    let path = percent_encode(path.as_os_str().as_encoded_bytes(), PATH);
    format!("file://{path}")
}
