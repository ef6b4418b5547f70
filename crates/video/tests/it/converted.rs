//! A film with everything made of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sandbox::Limits;
use tempfile::TempDir;
use video::encode::{self, Desk, run};
use video::exec::limits_of_a_look;
use video::gate::{self, Folder, Report};
use video::hls::{self, Film};
use video::plan::{Plan, PlanSettings, Task};

use crate::fixtures;

pub struct Converted {
    pub plan: Plan,
    pub film: Film,
    folder: TempDir,
}

/// Segments of two seconds, and one of them a chunk: as many seams as there can be.
pub fn chopped() -> PlanSettings {
    PlanSettings {
        segment_seconds: 2,
        chunk_cpu_seconds: 0,
        ..PlanSettings::default()
    }
}

/// Enough for small films.
pub fn limits() -> Limits {
    Limits {
        memory_bytes: 3 << 30,
        wall: Duration::from_mins(3),
        ..limits_of_a_look()
    }
}

/// Makes what HLS takes of `film`.
pub async fn convert(film: &Path, settings: &PlanSettings) -> Converted {
    let plan = Plan::new(&fixtures::probe(film).await.unwrap(), settings);
    let folder = tempfile::tempdir().unwrap();
    let mut converted = Converted {
        plan,
        film: Film::default(),
        folder,
    };
    for task in converted.plan.tasks() {
        if !matches!(task, Task::Poster | Task::Preview | Task::Storyboard) {
            converted.carry_out(film, task).await;
        }
    }
    for (name, text) in hls::write(&converted.plan, &converted.film, &hls::beside) {
        std::fs::write(converted.path(&name), text).unwrap();
    }
    converted
}

impl Converted {
    /// Carries out one task, in a scratch folder of its own as another worker would, and brings home
    /// what it made.
    async fn carry_out(&mut self, film: &Path, task: Task) {
        let scratch = tempfile::tempdir().unwrap();
        let tools = fixtures::tools();
        let limits = encode::limits(&self.plan, task, 1);
        let desk = Desk {
            tools: &tools,
            file: film,
            folder: scratch.path(),
            limits: &limits,
            threads: 1,
        };
        let made = run(desk, &self.plan, task, |_| ()).await.unwrap();
        for entry in std::fs::read_dir(scratch.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                let home = self.path(entry.file_name().to_str().unwrap());
                std::fs::create_dir_all(&home).unwrap();
                for made in std::fs::read_dir(entry.path()).unwrap() {
                    let made = made.unwrap();
                    std::fs::copy(made.path(), home.join(made.file_name())).unwrap();
                }
            }
        }
        self.film.add(&self.plan, task, made);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn report(&self) -> Report {
        gate::check(&Folder::new(self.folder.path()), &self.plan)
    }

    /// A rendition as one file, as a player puts it together.
    pub fn whole(&self, name: &str) -> PathBuf {
        let mut bytes = std::fs::read(self.path(&format!("{name}/init.mp4"))).unwrap();
        let mut files: Vec<_> = std::fs::read_dir(self.path(name))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "m4s"))
            .collect();
        files.sort();
        for file in files {
            bytes.extend(std::fs::read(file).unwrap());
        }
        let path = self.path(&format!("{name}.whole.mp4"));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The largest rung as one file.
    pub fn top(&self) -> PathBuf {
        self.whole(&self.plan.rungs.last().unwrap().name)
    }
}
