//! Why commands fail, with their exit codes; writing to standard output, which can fail too.

use std::fmt;
use std::io;

use crate::db::ConnectError;
use crate::db::migrate::MigrateError;
use crate::output;

/// Why a command ends without having done its work: what it says, and its exit code.
#[derive(Debug)]
pub struct Failure {
    pub message: String,
    pub code: u8,
}

impl Failure {
    pub const CHECK: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const DATA: u8 = 65;
    pub const NO_INPUT: u8 = 66;
    pub const DATABASE: u8 = 69;
    pub const SERVER: u8 = 69;
    pub const DEFECT: u8 = 70;
    pub const OUTPUT: u8 = 74;
    pub const LISTEN: u8 = 71;

    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), code }
    }
}

/// The exit codes and their meanings.
pub const EXIT_CODES: [(u8, &str); 9] = [
    (0, "it worked"),
    (Failure::CHECK, "a check found something"),
    (Failure::USAGE, "the command line is wrong"),
    (Failure::DATA, "the data is wrong"),
    (Failure::NO_INPUT, "an input file cannot be read"),
    (Failure::DATABASE, "the database or server cannot be used"),
    (Failure::DEFECT, "a defect of the program"),
    (Failure::LISTEN, "the address cannot be listened on"),
    (Failure::OUTPUT, "output cannot be written"),
];

/// The exit codes as the help shows them.
pub fn exit_codes() -> String {
    let codes: Vec<_> = EXIT_CODES.iter().map(|(code, what)| format!("{code} {what}")).collect();
    format!("Exit codes: {}.", codes.join("; "))
}

/// Prints a line to standard output.
pub fn print(line: impl fmt::Display) -> Result<(), Failure> {
    written(output::print(line))
}

/// What became of writing to standard output. A reader that has closed it wants no more, which is
/// no failure of the command.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| {
            Failure::new(Failure::OUTPUT, format!("cannot write to standard output: {error}"))
        }),
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        let code = if matches!(error, ConnectError::Url(_)) { Self::USAGE } else { Self::DATABASE };
        Self::new(code, error.to_string())
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::new(Self::DATABASE, error.to_string())
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::new(Self::DATABASE, format!("the database failed: {error}"))
    }
}
