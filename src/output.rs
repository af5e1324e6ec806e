//! Writing to standard output and standard error. `println!` and `eprintln!` panic when a pipe is
//! closed or a disk is full; what is here does not, and clippy refuses the macros.

use std::fmt;
use std::io::{self, Write as _};

/// Prints a line to standard output at once.
///
/// # Errors
/// If it cannot be written: the reader has closed the pipe, the disk is full.
pub fn print(line: impl fmt::Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// Prints a line to standard error. A line that cannot be written is lost: notes never change the
/// outcome of a command.
pub fn note(line: impl fmt::Display) {
    // In one piece, so that lines of several threads do not mix.
    _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
