//! Classifies failures of the database by their codes: whether a retry helps, and when.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sea_orm::DbErr;

use super::driver_error;

/// The kind of a failure, which says what a retry can achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The statement exceeded its time limit. Requesting less may work.
    Timeout,
    /// Another transaction changed or locked the same rows. A retry works at once.
    Conflict,
    /// A row with this key exists.
    Duplicate,
    /// The database rejects writes: a standby, or a read-only file. Reads work.
    ReadOnly,
    /// The disk is full. Reads work.
    DiskFull,
    /// The database cannot be reached, has too few resources, or its disk fails. A later retry works.
    Unavailable,
    /// A defect, or a damaged database. A retry does not help.
    Defect,
}

impl Failure {
    /// Classifies an error of SeaORM.
    pub fn of(error: &DbErr) -> Self {
        match driver_error(error) {
            Some(error) => Self::of_driver(error),
            None if matches!(error, DbErr::ConnectionAcquire(_)) => Self::Unavailable,
            None => Self::Defect,
        }
    }

    /// Classifies an error of the driver.
    pub fn of_driver(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => {
                error.code().map_or(Self::Defect, |code| Self::of_code(&code))
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            // A proxy without a server closes connections, which the driver reports as a protocol error.
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            // The driver tracks a transaction that SQLite has rolled back; the pool drops the connection.
            | sqlx::Error::InvalidSavePointStatement
            | sqlx::Error::BeginFailed => Self::Unavailable,
            _ => Self::Defect,
        }
    }

    /// Classifies a code: PostgreSQL's SQLSTATE of five characters (its manual, appendix A), or SQLite's
    /// extended result code as a number (<https://sqlite.org/rescode.html>).
    fn of_code(code: &str) -> Self {
        if code.len() == 5 {
            return Self::of_sqlstate(code);
        }
        code.parse().map_or(Self::Defect, Self::of_sqlite)
    }

    fn of_sqlstate(code: &str) -> Self {
        match code {
            // query_canceled, by `statement_timeout`.
            "57014" => Self::Timeout,
            "25006" => Self::ReadOnly,
            "53100" => Self::DiskFull,
            "23505" => Self::Duplicate,
            // lock_not_available.
            "55P03" => Self::Conflict,
            _ => match &code[..2] {
                // transaction_rollback: serialization failures and deadlocks.
                "40" => Self::Conflict,
                // connection_exception, insufficient_resources and system_error.
                "08" | "53" | "58" => Self::Unavailable,
                // operator_intervention: the server stops, crashes or starts.
                "57" if code.starts_with("57P") => Self::Unavailable,
                _ => Self::Defect,
            },
        }
    }

    fn of_sqlite(code: u32) -> Self {
        match code {
            // SQLITE_BUSY_SNAPSHOT: another process wrote since this transaction first read.
            517 => return Self::Conflict,
            // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE and _ROWID.
            1555 | 2067 | 2579 => return Self::Duplicate,
            // SQLITE_IOERR_DATA and _CORRUPTFS: the data is damaged.
            8202 | 8458 => return Self::Defect,
            _ => {}
        }
        match code & 0xff {
            9 => Self::Timeout,
            8 => Self::ReadOnly,
            13 => Self::DiskFull,
            // SQLITE_BUSY, _LOCKED, _NOMEM, _IOERR, _CANTOPEN and _PROTOCOL.
            5 | 6 | 7 | 10 | 14 | 15 => Self::Unavailable,
            _ => Self::Defect,
        }
    }

    /// Whether the same request can succeed later.
    pub fn is_temporary(self) -> bool {
        matches!(self, Self::Conflict | Self::ReadOnly | Self::DiskFull | Self::Unavailable)
    }

    /// The reason in words, for the log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::ReadOnly => "it is read-only",
            Self::DiskFull => "its disk is full",
            Self::Conflict => "its rows are locked",
            Self::Unavailable => "it cannot be reached or lacks resources",
            Self::Timeout => "it exceeded its time limit",
            Self::Duplicate | Self::Defect => "it fails",
        }
    }

    /// The value of labels in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Duplicate => "duplicate",
            Self::ReadOnly => "read_only",
            Self::DiskFull => "disk_full",
            Self::Unavailable => "unavailable",
            Self::Defect => "defect",
        }
    }
}

/// The interval at which a kind of temporary failure is logged. Under load there are thousands a
/// second.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Logs a failure. Temporary failures are logged once in ten seconds for each kind, with the number of
/// suppressed lines.
pub fn log(what: &'static str, error: &DbErr) {
    static TEMPORARY: [(Failure, Throttle); 4] = [
        (Failure::Conflict, Throttle::new()),
        (Failure::ReadOnly, Throttle::new()),
        (Failure::DiskFull, Throttle::new()),
        (Failure::Unavailable, Throttle::new()),
    ];
    let failure = Failure::of(error);
    let Some((_, throttle)) = TEMPORARY.iter().find(|(each, _)| *each == failure) else {
        tracing::error!(%error, "{what}");
        return;
    };
    if let Some(suppressed) = throttle.pass(Instant::now()) {
        let (reason, code) = (failure.reason(), super::error_code(error));
        let code = code.as_deref().unwrap_or_default();
        tracing::warn!(%error, code, suppressed, "{what}: the database is unavailable, {reason}");
    }
}

/// Passes one line per [`LOG_EVERY`].
struct Throttle(Mutex<Option<(Instant, u64)>>);

impl Throttle {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// How many lines were suppressed since the last one that passed, if this one passes.
    fn pass(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((last, suppressed)) = &mut *state
            && now.saturating_duration_since(*last) < LOG_EVERY
        {
            *suppressed += 1;
            return None;
        }
        Some(state.replace((now, 0)).map_or(0, |(_, suppressed)| suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_meaning() {
        use Failure::{Conflict, Defect, DiskFull, Duplicate, ReadOnly, Timeout, Unavailable};
        for (failure, codes) in [
            (Timeout, &["57014", "9"][..]),
            (Conflict, &["40001", "40P01", "40003", "55P03", "517"]),
            (Duplicate, &["23505", "1555", "2067"]),
            // SQLITE_READONLY, _RECOVERY, _CANTLOCK, _ROLLBACK, _DBMOVED, _CANTINIT, _DIRECTORY.
            (ReadOnly, &["25006", "8", "264", "520", "776", "1032", "1288", "1544"]),
            (DiskFull, &["53100", "13"]),
            (Unavailable, &["08000", "08001", "08003", "08006", "08P01"]),
            (Unavailable, &["53000", "53200", "53300", "53400"]),
            (Unavailable, &["57P01", "57P02", "57P03", "57P05", "58000", "58030"]),
            // SQLITE_BUSY, _BUSY_RECOVERY, _BUSY_TIMEOUT, _LOCKED, _NOMEM.
            (Unavailable, &["5", "261", "773", "6", "7"]),
            // SQLITE_IOERR, _READ, _WRITE, _FSYNC, _SHMSIZE; SQLITE_CANTOPEN, _ISDIR; SQLITE_PROTOCOL.
            (Unavailable, &["10", "266", "778", "1034", "4874", "14", "526", "15"]),
            // index_corrupted, internal_error, undefined_table, foreign_key_violation, query_canceled's
            // class, invalid_transaction_state.
            (Defect, &["XX001", "XX002", "XX000", "42P01", "23503", "57000", "25P02"]),
            // SQLITE_ERROR, _CORRUPT, _CORRUPT_INDEX, _CONSTRAINT_FOREIGNKEY, _NOTADB, _IOERR_DATA,
            // _IOERR_CORRUPTFS.
            (Defect, &["1", "11", "779", "787", "26", "8202", "8458", "", "abc"]),
        ] {
            for code in codes {
                assert_eq!(Failure::of_code(code), failure, "{code}");
            }
        }
        assert_eq!(Failure::of_driver(&sqlx::Error::PoolTimedOut), Unavailable);
        assert_eq!(Failure::of_driver(&sqlx::Error::RowNotFound), Defect);
    }

    #[test]
    fn one_in_ten_seconds_is_logged() {
        let (throttle, start) = (Throttle::new(), Instant::now());
        assert_eq!(throttle.pass(start), Some(0));
        assert_eq!(throttle.pass(start + Duration::from_secs(1)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(9)), None);
        assert_eq!(throttle.pass(start + Duration::from_secs(10)), Some(2));
        assert_eq!(throttle.pass(start + Duration::from_secs(25)), Some(0));
    }
}
