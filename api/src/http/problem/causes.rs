//! An error with its causes as one text. Logs in JSON write only the first of an error that is a value.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes, without what a cause only repeats.
#[derive(Debug, Clone, Copy)]
pub struct Causes<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Errors of libraries nest a few deep; one that is its own cause would never end.
        const MOST: usize = 32;
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let causes = std::iter::successors(self.0.source(), |cause| (*cause).source());
        for cause in causes.take(MOST) {
            let cause = cause.to_string();
            if !said.ends_with(&cause) {
                write!(f, ": {cause}")?;
                said = cause;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use storage::StorageError;

    use super::*;

    #[test]
    fn every_cause_is_told_once() {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "refused");
        let error = sqlx::Error::Io(refused);
        let told = Causes(&error).to_string();
        assert_eq!(told.matches("refused").count(), 1, "{told}");
        let lone = StorageError::NoSuchUpload;
        assert_eq!(Causes(&lone).to_string(), lone.to_string());
    }
}
