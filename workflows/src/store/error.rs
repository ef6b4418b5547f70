//! What can go wrong between the engine and its tables.

use std::{borrow::Cow, time::Duration};

use crate::{
    define::run::StartError,
    store::weather::{self, Weather},
};

/// A statement of the engine failed, or could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Postgres refused, or the connection to it was lost.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// Postgres took longer than this to answer. Whether it did what it was asked is not known.
    #[error("no answer from Postgres within {0:?}")]
    NoAnswer(Duration),
    /// The connection was dropped after an error, and not made again yet.
    #[error("there is no connection to Postgres")]
    NotConnected,
    /// Something between this process and Postgres, such as a pooler, has taken the session, and with
    /// it the lock.
    #[error("this session has lost the lock that shows that this process lives")]
    PresenceLost,
    /// A step has no lane, although each is registered at the start.
    #[error("the step {0} has no lane in this database")]
    NoLane(&'static str),
    /// More than 2,147,483,647.
    #[error("a fan-out has more children than can be counted")]
    TooManyChildren,
}

impl StoreError {
    /// The SQLSTATE, where Postgres gave one.
    pub(crate) fn code(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Sql(error) => weather::code(error),
            _ => None,
        }
    }

    /// Name of the constraint that was broken.
    pub(crate) fn constraint(&self) -> Option<&str> {
        match self {
            Self::Sql(error) => error.as_database_error()?.constraint(),
            _ => None,
        }
    }

    /// Postgres itself answered, with an error.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Database(_)))
    }

    /// Nobody answered: the connection broke, or fell silent.
    pub(crate) fn is_silence(&self) -> bool {
        matches!(self, Self::Sql(sqlx::Error::Io(_)) | Self::NoAnswer(_))
    }

    /// Whether the data is to blame: see [`weather::is_data`].
    pub(crate) fn is_data(&self) -> bool {
        match self {
            Self::Sql(error) => weather::is_data(error),
            Self::TooManyChildren => true,
            _ => false,
        }
    }

    /// Whether others were in the way: see [`weather::is_contention`].
    pub(crate) fn is_contention(&self) -> bool {
        match self {
            Self::Sql(error) => weather::is_contention(error),
            Self::NoAnswer(_) => true,
            _ => false,
        }
    }

    /// Whether the statement ran out of time: see [`weather::is_overslept`].
    pub(crate) fn is_overslept(&self) -> bool {
        match self {
            Self::Sql(error) => weather::is_overslept(error),
            Self::NoAnswer(_) => true,
            _ => false,
        }
    }

    /// Whether the server, or the way to it, is the reason, and not what was asked.
    pub(crate) fn is_the_server(&self) -> bool {
        self.weather().is_some() || !self.is_answer()
    }

    /// What trouble of the infrastructure this is: see [`weather::of`].
    pub(crate) fn weather(&self) -> Option<Weather> {
        match self {
            Self::Sql(error) => weather::of(error),
            Self::NoAnswer(_) => Some(Weather::Contention),
            Self::NotConnected | Self::PresenceLost => Some(Weather::Connection),
            Self::NoLane(_) | Self::TooManyChildren => None,
        }
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Database(error.into())
    }
}

/// Causes that are looked at: an error may be its own.
const CHAIN: usize = 12;

/// What the first error of a database among the causes of a caller's error says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Said {
    /// What trouble of the infrastructure this is: see [`weather::of`].
    pub weather: Option<Weather>,
    /// Whether the statement ran out of time: see [`weather::is_overslept`].
    pub overslept: bool,
    /// The server said so, and not something on the way to it.
    pub by_the_server: bool,
}

/// Looks for it. `None`: no database has to do with the error.
pub(crate) fn in_chain(error: &(dyn std::error::Error + 'static)) -> Option<Said> {
    let mut next = Some(error);
    for _ in 0..CHAIN {
        let error = next?;
        if let Some(error) = error.downcast_ref::<StoreError>() {
            return Some(Said {
                weather: error.weather(),
                overslept: error.is_overslept(),
                by_the_server: error.is_answer(),
            });
        }
        if let Some(error) = error.downcast_ref::<sqlx::Error>() {
            return Some(Said {
                weather: weather::of(error),
                overslept: weather::is_overslept(error),
                by_the_server: matches!(error, sqlx::Error::Database(_)),
            });
        }
        next = error.source();
    }
    None
}
