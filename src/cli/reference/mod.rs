//! Prints the documents that are generated from definitions in the program.

mod configuration;
mod errors;
mod table;

use std::io::{self, Write as _};

use clap::ValueEnum;

use super::failure::{Failure, written};

#[derive(clap::Args)]
pub struct Options {
    /// The document to print.
    #[arg(value_enum, default_value = "configuration")]
    document: Document,
}

#[derive(Clone, Copy, ValueEnum)]
enum Document {
    Configuration,
    Errors,
}

/// Prints a document. `program` is the command line.
pub fn run(options: &Options, program: &clap::Command) -> Result<(), Failure> {
    let text = match options.document {
        Document::Configuration => configuration::document(program),
        Document::Errors => errors::document(),
    };
    let mut output = io::stdout().lock();
    written(output.write_all(text.as_bytes()).and_then(|()| output.flush()))
}
