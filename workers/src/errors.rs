//! Whose an error is: the world's (unavailable, charged to nobody), the file's (reject) or ours
//! (fail). What may be chance is tried again, so many times (retry).

mod decoder;
mod rejection;
mod tool;

use std::{io, sync::LazyLock, time::Duration};

use storage::{ObjectKey, StorageError};
use workflows::StepError;

pub(crate) use self::decoder::{StepOrDecodeError, decoded};
pub(crate) use self::rejection::{recorded, reject};
pub(crate) use self::tool::{Blame, tried, unless};
use crate::tools::scratch::ScratchError;
use scanner::ClamdError;

/// The outside services that steps need, by the names under which operators see them.
pub(crate) const STORE: &str = "s3";
pub(crate) const SCANNER: &str = "clamd";
pub(crate) const DATABASE: &str = "postgres";

/// The disk and the processes of this machine. No other machine waits for them.
static MACHINE: LazyLock<String> = LazyLock::new(|| {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("machine {}", host.trim())
});

/// An object that should be there may have been put elsewhere by mistake. There is time to find out.
const ABSENT: Duration = Duration::from_mins(1);

/// The store is away or not set up for us (which is not the file's fault), or says something that
/// more tries will not change (fail). An object that is not there proves nothing: it is looked for
/// again, and then somebody has to decide.
pub(crate) fn storage(error: StorageError) -> StepError {
    match error {
        StorageError::LocalFile(error) => machine("cannot read what was made", error),
        StorageError::NotFound => StepError::Retry {
            source: Box::new(error),
            after: Some(ABSENT),
        },
        error => {
            let outage = error.is_outage();
            sort(error, outage, STORE)
        }
    }
}

/// What should be in the bucket is not. See [`storage`].
pub(crate) fn absent(what: &ObjectKey) -> StepError {
    StepError::Retry {
        source: Box::new(Absent(what.to_string())),
        after: Some(ABSENT),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not in its bucket")]
struct Absent(String);

/// The database is away, or has a data error of ours (SQLSTATE classes 22, 23, 54).
pub(crate) fn database(error: sqlx::Error) -> StepError {
    let ours = match &error {
        sqlx::Error::Database(db) => {
            let class = db.code();
            class.is_some_and(|code| ["22", "23", "54"].iter().any(|c| code.starts_with(c)))
        }
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::Encode(_) => true,
        _ => false,
    };
    sort(error, !ours, DATABASE)
}

/// This machine cannot: its disk is full, or it gives no process or no file. Other files would fare
/// no better.
pub(crate) fn machine(context: &'static str, source: io::Error) -> StepError {
    let error = MachineError { context, source };
    sort(error, true, MACHINE.as_str())
}

#[derive(Debug, thiserror::Error)]
#[error("{context}")]
struct MachineError {
    context: &'static str,
    #[source]
    source: io::Error,
}

/// The scanner is away (dead, frozen or loading its signatures), or is set up wrongly.
pub(crate) fn scanner(error: ClamdError) -> StepError {
    let transient = error.is_transient();
    sort(error, transient, SCANNER)
}

/// The scanner works, and fails at this file: the attempt pays for it, or one file could be tried for
/// ever and keep all others waiting.
pub(crate) fn scanner_at_this_file(error: ClamdError) -> StepError {
    StepError::Retry {
        source: Box::new(error),
        after: None,
    }
}

/// The local copy could not be made: the disk's or the store's trouble.
pub(crate) fn scratch(error: ScratchError) -> StepError {
    match error {
        ScratchError::Storage(error) => storage(error),
        ScratchError::Disk(error) => machine("cannot write to the scratch folder", error),
        error @ ScratchError::Corrupt => StepError::Retry {
            source: Box::new(error),
            after: None,
        },
    }
}

fn sort(
    error: impl std::error::Error + Send + Sync + 'static,
    transient: bool,
    dependency: &'static str,
) -> StepError {
    let source = Box::new(error);
    if transient {
        StepError::Unavailable {
            dependency,
            source,
            after: None,
        }
    } else {
        StepError::Fail { source }
    }
}

#[cfg(test)]
mod tests {
    use codecs::DecodeError;

    use super::*;

    #[test]
    fn what_others_are_to_blame_for_is_charged_to_nobody() {
        let refused = |code: &str| StorageError::Refused {
            operation: "GetObject",
            code: code.to_owned(),
            source: "no".into(),
        };
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for (error, whose) in [
            (storage(refused("NoSuchBucket")), STORE),
            (storage(refused("AccessDenied")), STORE),
            (storage(StorageError::LocalFile(full())), MACHINE.as_str()),
            (scratch(ScratchError::Disk(full())), MACHINE.as_str()),
            (database(sqlx::Error::PoolTimedOut), DATABASE),
        ] {
            let StepError::Unavailable { dependency, .. } = error else {
                panic!("{error:?}")
            };
            assert_eq!(dependency, whose);
        }
        let starting = DecodeError::Io {
            context: "starting a decoder",
            source: full(),
        };
        let starting = decoder::judge(starting);
        assert!(matches!(starting, Err(StepError::Unavailable { .. })));
        // A request that the store cannot make sense of stays so.
        let senseless = storage(refused("InvalidArgument"));
        assert!(matches!(senseless, StepError::Fail { .. }), "{senseless:?}");
    }

    #[test]
    fn an_absence_is_no_verdict() {
        let key = ObjectKey::new("uploads/1").unwrap();
        for error in [storage(StorageError::NotFound), absent(&key)] {
            assert!(matches!(error, StepError::Retry { .. }), "{error:?}");
        }
    }
}
