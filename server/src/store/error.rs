//! What can go wrong in the store, sorted by what the caller has to do about it.

use sqlx::error::ErrorKind;

/// A store function that did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The address of the database is wrong, or it cannot be opened.
    #[error("cannot open the database {what}: {why}")]
    Open {
        /// The address, without a password.
        what: String,
        /// The reason and, where known, the cure.
        why: String,
    },
    /// The disk (or the quota) is full. Nothing was written; the next try may succeed once there is room.
    #[error("no room left for the database ({0}); free some space, no restart is needed")]
    NoRoom(String),
    /// The database cannot be written or reached now. Nothing was written; a later try may succeed.
    #[error("the database is not available now ({0})")]
    Unavailable(String),
    /// More is waiting to be written than the queue holds.
    #[error("the queue of the store is full; try again in a second")]
    Busy,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// The write contradicts what is stored.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The write names something that does not exist.
    #[error("unknown: {0}")]
    Missing(String),
    /// The write is not allowed in the present state.
    #[error("refused: {0}")]
    Refused(String),
    /// Anything else: a fault of the program or a damaged database.
    #[error("the store failed: {0}")]
    Broken(String),
}

impl StoreError {
    /// Tells whether the same call may succeed later without anything being changed by the caller.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::NoRoom(_) | Self::Unavailable(_) | Self::Busy)
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(inner) => {
                let text = inner.message().to_owned();
                match inner.kind() {
                    ErrorKind::UniqueViolation => return Self::Conflict(text),
                    ErrorKind::ForeignKeyViolation => return Self::Missing(text),
                    ErrorKind::NotNullViolation | ErrorKind::CheckViolation => return Self::Broken(text),
                    _ => {}
                }
                let code = inner.code().map(std::borrow::Cow::into_owned).unwrap_or_default();
                of_code(&code, text)
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Protocol(_) => Self::Unavailable(error.to_string()),
            sqlx::Error::PoolClosed => Self::Closed,
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// Sorts an error by the engine's code: five characters are a SQLSTATE, a number is an extended result of SQLite.
fn of_code(code: &str, text: String) -> StoreError {
    if code.len() == 5 && !code.starts_with("1") {
        return match code {
            "53100" => StoreError::NoRoom(text),
            "25006" | "58030" | "40001" | "40P01" | "55P03" => StoreError::Unavailable(text),
            _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("57") => {
                StoreError::Unavailable(text)
            }
            _ => StoreError::Broken(text),
        };
    }
    // The lowest byte of an extended result is the primary one: https://www.sqlite.org/rescode.html
    match code.parse::<u32>().map(|number| number & 0xff) {
        Ok(13) => StoreError::NoRoom(text),
        // busy, locked, read-only, input/output, cannot open
        Ok(5 | 6 | 8 | 10 | 14) => StoreError::Unavailable(text),
        _ => StoreError::Broken(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_failing_one_are_told_apart_on_both_engines() {
        let kind = |code: &str| of_code(code, "t".into());
        assert_eq!(kind("13"), StoreError::NoRoom("t".into()));
        assert_eq!(kind("53100"), StoreError::NoRoom("t".into()));
        for temporary in ["778", "1034", "8", "5", "58030", "57P01", "08006"] {
            assert_eq!(kind(temporary), StoreError::Unavailable("t".into()), "{temporary}");
        }
        assert_eq!(kind("42P01"), StoreError::Broken("t".into()));
        assert_eq!(kind("1"), StoreError::Broken("t".into()));
    }
}
