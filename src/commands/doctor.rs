//! `mediamill doctor`: whether everything that a worker needs is here and works, found out by using it.

use std::{
    fmt::Display,
    io::Write as _,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use ::settings::Reader;
use anyhow::{Context, ensure};
use codecs::{Decoders, DocumentLimits, ImageLimits, LibreOffice};
use media::{formats::DocumentFormat, recipes::Extras};
use sandbox::{Launcher, Mode};
use scanner::ClamdClient;
use storage::ObjectStore;
use tokio_util::sync::CancellationToken;
use video::{exec::Tools, trial};
use workers::{OfficeAt, WorkersConfig, tools::Scratch};

use super::proof;
use crate::{
    database,
    output::{self, OutputError, harmless, out},
    settings, wiring,
};

/// No check takes longer where things are well.
const PATIENCE: Duration = Duration::from_mins(1);

/// The smallest of letters.
const LETTER: &[u8] = br"{\rtf1 Dear doctor, }";

/// Crates that decode pictures, or have the library that does. Their versions are in the lock file of this build.
const DECODERS: [&str; 5] = ["mozjpeg-sys", "libwebp-sys", "png", "gif", "moxcms"];
const LOCK: &str = include_str!("../../Cargo.lock");

/// What was found so far.
#[derive(Default)]
struct Findings {
    failed: usize,
}

pub async fn run() -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    let settings = settings::worker();
    let told = match &settings {
        Ok(_) => Ok("complete".to_owned()),
        Err(error) => Err(anyhow::anyhow!("{error}")),
    };
    findings.tell("settings", told)?;
    if let Ok(settings) = &settings {
        let store = ObjectStore::new(&settings.storage);
        findings
            .check("database", Box::pin(database(settings, &store)))
            .await?;
        findings.check("buckets", Box::pin(buckets(&store))).await?;
        findings
            .check("scanner", Box::pin(scanner(&settings.workers)))
            .await?;
    }
    let folder = settings.as_ref().map_or_else(
        |_| std::env::temp_dir().join("mediamill-scratch"),
        |settings| settings.workers.scratch_dir.clone(),
    );
    let mode = settings.map_or_else(|_| Mode::default(), |settings| settings.workers.sandbox);
    let office = OfficeAt::from_env(&mut Reader::from_env());
    Box::pin(here(&mut findings, &folder, mode, &office)).await?;
    if findings.failed > 0 {
        out!("{} of these must be mended", findings.failed)?;
        return Ok(ExitCode::FAILURE);
    }
    out!("all is well")?;
    Ok(ExitCode::SUCCESS)
}

/// What this machine has, whatever the settings are.
async fn here(
    findings: &mut Findings,
    folder: &Path,
    mode: Mode,
    office: &OfficeAt,
) -> anyhow::Result<()> {
    let scratch = Scratch::open(folder, 0);
    let scratch = scratch.with_context(|| format!("cannot use {}", folder.display()));
    let scratch = match scratch {
        Ok(scratch) => scratch,
        Err(error) => return Ok(findings.tell("scratch", Err::<String, _>(error))?),
    };
    findings.tell("scratch", Ok(folder.display().to_string()))?;
    findings
        .check("pictures", Box::pin(picture(&scratch, mode)))
        .await?;
    findings
        .check("office", Box::pin(letter(&scratch, mode, office)))
        .await?;
    let tools = Tools::new(Launcher::current_program(wiring::TOOL).with_mode(mode));
    let tools = match tools.context("install ffmpeg (scripts/setup does)") {
        Ok(tools) => tools,
        Err(error) => return Ok(findings.tell("ffmpeg", Err::<String, _>(error))?),
    };
    findings
        .check("ffmpeg", async {
            let lines = tools.versions(scratch.folder()?.path()).await?;
            Ok(lines.join("; "))
        })
        .await?;
    findings
        .check(
            "films",
            Box::pin(async {
                let took = trial::one_second(&tools, scratch.folder()?.path()).await?;
                let seconds = took.as_secs_f64();
                Ok(format!(
                    "one second of film went all the way in the sandbox, in {seconds:.1} s"
                ))
            }),
        )
        .await?;
    findings
        .check("avif", Box::pin(avif(&scratch, mode)))
        .await?;
    for name in DECODERS {
        findings.tell("decoder", Ok(format!("{name} {}", locked(name))))?;
    }
    Ok(())
}

async fn database(settings: &settings::Worker, store: &ObjectStore) -> anyhow::Result<String> {
    let (url, connections) = (&settings.database.url, settings.database.connections);
    let pool = database::connect(url, connections).await?;
    proof::schema(&pool).await?;
    proof::recorded_buckets(&pool, store).await?;
    Ok(format!("schema {}", database::versions(&pool).await?))
}

async fn buckets(store: &ObjectStore) -> anyhow::Result<String> {
    proof::buckets(store).await?;
    Ok("can be read, written and deleted from".to_owned())
}

async fn scanner(workers: &WorkersConfig) -> anyhow::Result<String> {
    let clamd = ClamdClient::new(workers.clamd.clone());
    clamd.verify_coverage().await?;
    Ok(clamd.version().await?.to_string())
}

/// Has a picture looked at as a stranger's is.
async fn picture(scratch: &Scratch, mode: Mode) -> anyhow::Result<String> {
    let folder = scratch.folder()?;
    let path = folder.path().join("picture.gif");
    std::fs::File::create(&path)?.write_all(wiring::PICTURE)?;
    let decoders = Decoders::current_program().with_mode(mode);
    let (file, limits) = (std::fs::File::open(&path)?, ImageLimits::default());
    let cancel = CancellationToken::new();
    decoders.probe_image(file, &limits, &cancel).await?;
    Ok("a picture was looked at in the sandbox".to_owned())
}

/// Has a picture made as AVIF, if that is asked for.
async fn avif(scratch: &Scratch, mode: Mode) -> anyhow::Result<String> {
    if !Extras::from_env(&mut Reader::from_env()).image_avif {
        return Ok("is not asked for (MEDIAMILL_IMAGE_AVIF)".to_owned());
    }
    let decoders = Decoders::current_program().with_mode(mode);
    let (begun, folder) = (Instant::now(), scratch.folder()?);
    wiring::avif(&decoders, folder.path()).await?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(format!(
        "ffmpeg made an AVIF of a picture in the sandbox, in {seconds:.1} s"
    ))
}

/// Has a letter opened as a stranger's document is, if those are taken.
async fn letter(scratch: &Scratch, mode: Mode, at: &OfficeAt) -> anyhow::Result<String> {
    let Some(office) = wiring::office(at, mode)? else {
        let said = "no LibreOffice is used: Word, Excel, PowerPoint, OpenDocument and RTF are refused as `office_document`";
        return Ok(said.to_owned());
    };
    let (begun, folder, empty) = (Instant::now(), scratch.folder()?, scratch.folder()?);
    let path = folder.path().join("letter.rtf");
    std::fs::File::create(&path)?.write_all(LETTER)?;
    let format = DocumentFormat::Rtf;
    let limits = LibreOffice::limits();
    let pdf = office.convert(&path, format, empty.path(), &limits).await?;
    let decoders = Decoders::current_program().with_mode(mode);
    let (file, limits) = (std::fs::File::open(pdf)?, DocumentLimits::default());
    let cancel = CancellationToken::new();
    let format = DocumentFormat::Pdf;
    let found = decoders
        .probe_document(file, format, &limits, &cancel)
        .await?;
    ensure!(found.pages == 1, "a letter of one page has {}", found.pages);
    let (name, seconds) = (office.name(), begun.elapsed().as_secs_f64());
    Ok(format!(
        "{name} made a PDF of a letter in the sandbox, in {seconds:.1} s"
    ))
}

/// The version of a crate in this build.
fn locked(name: &str) -> &'static str {
    let mut packages = LOCK.split("[[package]]");
    let field = |package: &'static str, field: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(field))?;
        Some(line.trim_start_matches(" = ").trim_matches('"'))
    };
    let package = packages.find(|package| field(package, "name") == Some(name));
    package
        .and_then(|package| field(package, "version"))
        .unwrap_or("unknown")
}

impl Findings {
    async fn check(
        &mut self,
        what: &str,
        check: impl Future<Output = anyhow::Result<String>>,
    ) -> Result<(), OutputError> {
        let checked = tokio::time::timeout(PATIENCE, check).await;
        let checked = checked.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            Err(anyhow::anyhow!("nothing has come of it for {seconds} s"))
        });
        self.tell(what, checked)
    }

    fn tell(&mut self, what: &str, found: anyhow::Result<impl Display>) -> Result<(), OutputError> {
        match found {
            Ok(found) => out!("ok      {what:<9} {}", harmless(&found.to_string())),
            Err(error) => {
                self.failed += 1;
                out!(
                    "FAILED  {what:<9} {}",
                    output::lines(&output::sentence(&error))
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DECODERS, locked};

    #[test]
    fn every_decoder_is_in_this_build() {
        for name in DECODERS {
            assert_ne!(locked(name), "unknown", "{name}");
        }
        assert_eq!(locked("no-such-crate"), "unknown");
    }
}
