//! What operators ask for and cannot have, put into our words.

use workflows::{StoreError, admin::AdminError};

use super::{Code, Problem};
use crate::contract::excerpt;
use crate::v1::files::delete::NotDeleted;
use crate::v1::files::retry::{NotRetried, in_our_words};

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound { .. } => Self::new(Code::NotFound, excerpt(&error.to_string())),
            AdminError::Conflict(why) => Self::new(Code::Conflict, why.to_string()),
            AdminError::NoReason => Self::field("/reason", "must say something"),
            // 22021, 22P05: Postgres stores every character in text and JSON but NUL.
            AdminError::Database(StoreError::Sql(sqlx::Error::Database(db)))
                if matches!(db.code().as_deref(), Some("22021" | "22P05")) =>
            {
                Self::new(Code::InvalidParameter, "no text may contain NUL")
            }
            AdminError::Hook(_) => match in_our_words(error) {
                NotRetried::Admin(AdminError::Hook(error)) => Self::internal(error),
                why => why.into(),
            },
            AdminError::Database(source) => source.into(),
        }
    }
}

impl From<NotRetried> for Problem {
    fn from(error: NotRetried) -> Self {
        match error {
            NotRetried::NoSuchFile(_) => Self::not_found("file"),
            NotRetried::Conflict(why) => Self::new(Code::Conflict, why),
            NotRetried::Admin(error) => error.into(),
        }
    }
}

impl From<NotDeleted> for Problem {
    fn from(error: NotDeleted) -> Self {
        match error {
            NotDeleted::NoSuchFile(_) => Self::not_found("file"),
            NotDeleted::Run(error) => error.into(),
            NotDeleted::Discard(error) => error.into(),
            NotDeleted::Move(error) => error.into(),
            NotDeleted::Database(error) => error.into(),
            NotDeleted::Engine(error) => error.into(),
        }
    }
}
