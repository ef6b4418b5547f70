//! Values that panic, once each, at one place where the engine calls the code of its caller.

use std::{
    collections::HashSet,
    error::Error,
    fmt,
    sync::{LazyLock, Mutex, PoisonError},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

macro_rules! places {
    ($($place:ident: $what:literal,)*) => {
        /// Where the engine calls code of the caller.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Place { $(#[doc = $what] $place,)* }

        impl Place {
            pub const ALL: &[Self] = &[$(Self::$place,)*];
        }
    };
}

places! {
    InputDecodes: "Deserialize of a step's input",
    StepCalled: "the step itself, before there is a future",
    StepBegins: "the step's future, at its first poll",
    StepGoesOn: "the step's future, after an await",
    StepUnfinishedDrops: "Drop of the step's future, when it took too long",
    OutputEncodes: "Serialize of the step's output",
    OutputDrops: "Drop of the step's output",
    ErrorDisplays: "Display of the step's error",
    ErrorSource: "source of the step's error",
    ErrorDrops: "Drop of the step's error",
    WriteCalled: "a write, before there is a future",
    WriteBegins: "a write's future",
    WriteGoesOn: "a write's future, after a statement",
    WriteUnfinishedDrops: "Drop of the future of a write that does not come to an end",
    WriteErrorDisplays: "Display of a write's error",
    WriteErrorSource: "source of a write's error",
    WriteErrorDrops: "Drop of a write's error",
    WriteDrops: "Drop of what a write has captured",
    OwnWriteCalled: "the same for writes that share their transaction",
    OwnWriteBegins: "its future",
    OwnWriteGoesOn: "its future, after a statement",
    OwnWriteErrorDisplays: "how its error reads",
    OwnWriteErrorSource: "the source of its error",
    OwnWriteErrorDrops: "the end of its error",
    OwnWriteDrops: "the end of what it has captured",
    EndHookOfSuccessCalled: "the hook of an end, before there is a future",
    EndHookOfSuccess: "its future, when the run has succeeded",
    EndHookOfRejection: "its future, when the run was rejected",
    EndHookOfDeath: "its future, when the run is dead",
    EndHookErrorDisplays: "Display of the hook's error",
    EndHookErrorSource: "source of the hook's error",
    EndHookErrorDrops: "Drop of the hook's error",
    ScheduleInputEncodes: "Serialize of a schedule's input",
}

/// Those that have gone off.
static SPENT: LazyLock<Mutex<HashSet<Uuid>>> = LazyLock::new(Mutex::default);

/// Goes off once, at its place.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Bomb {
    pub id: Uuid,
    pub place: Place,
}

impl Bomb {
    pub fn at(place: Place) -> Self {
        Self {
            id: Uuid::now_v7(),
            place,
        }
    }

    /// The caller's code, at `place`.
    pub fn reaches(&self, place: Place) {
        let goes_off = self.place == place && spent().insert(self.id);
        assert!(!goes_off, "at {place:?}");
    }

    pub fn is_spent(&self) -> bool {
        spent().contains(&self.id)
    }

    /// Whether it is at one of these places, and has not gone off.
    pub fn waits_at(&self, places: &[Place]) -> bool {
        places.contains(&self.place) && !self.is_spent()
    }
}

fn spent() -> std::sync::MutexGuard<'static, HashSet<Uuid>> {
    SPENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A step's input, or that of a schedule.
#[derive(Debug)]
pub struct Input(pub Bomb);

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.reaches(Place::ScheduleInputEncodes);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bomb = Bomb::deserialize(deserializer)?;
        bomb.reaches(Place::InputDecodes);
        Ok(Self(bomb))
    }
}

/// A step's output.
pub struct Output(pub Bomb);

impl Serialize for Output {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.reaches(Place::OutputEncodes);
        self.0.serialize(serializer)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.0.reaches(Place::OutputDrops);
    }
}

/// What a future or a closure holds.
pub struct Captured(pub Bomb, pub Place);

impl Drop for Captured {
    fn drop(&mut self) {
        self.0.reaches(self.1);
    }
}

/// The places of one error.
pub struct Places {
    pub displays: Place,
    pub source: Place,
    pub drops: Place,
}

impl Places {
    pub fn all(&self) -> [Place; 3] {
        [self.displays, self.source, self.drops]
    }
}

/// An error of the caller's.
#[derive(Clone)]
pub struct Sore(pub Bomb, pub &'static Places);

impl fmt::Debug for Sore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sore")
    }
}

impl fmt::Display for Sore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reaches(self.1.displays);
        f.write_str("it hurts")
    }
}

impl Error for Sore {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.reaches(self.1.source);
        None
    }
}

impl Drop for Sore {
    fn drop(&mut self) {
        self.0.reaches(self.1.drops);
    }
}
