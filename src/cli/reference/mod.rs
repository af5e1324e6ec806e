//! Prints the documents that are generated from definitions in the program.

mod configuration;
mod errors;

use std::io::{self, Write as _};

use clap::ValueEnum;

use super::{Failure, written};

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

pub fn run(options: &Options) -> Result<(), Failure> {
    let text = match options.document {
        Document::Configuration => configuration::document(),
        Document::Errors => errors::document(),
    };
    let mut output = io::stdout().lock();
    written(output.write_all(text.as_bytes()).and_then(|()| output.flush()))
}

/// A text that stays in its cell of a table, with stars as they are outside of code.
fn cell(text: &str) -> String {
    let mut cell = String::new();
    let mut is_code = false;
    for character in text.chars() {
        is_code ^= character == '`';
        if character == '|' || (!is_code && matches!(character, '*' | '<')) {
            cell.push('\\');
        }
        cell.push(character);
    }
    cell
}
