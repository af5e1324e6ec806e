//! Options from a file, and printing those in force. A value is looked for on the command line, then
//! in the environment, then in the file; what each of them may be is checked in the same way.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::failure::{Failure, print, written};

const FILE: &str = "AGENT_JOBS_CONFIG";

/// What a command line means, with the file that it names.
pub struct Parsed<C> {
    pub cli: C,
    matches: ArgMatches,
    from_file: BTreeSet<String>,
}

/// Reads the program's command line, and ends the program where that is wrong. `None` if it asks for
/// help or the version, which is printed then.
pub fn parse<C: CommandFactory + FromArgMatches>() -> Result<Option<Parsed<C>>, Failure> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut command = C::command();
    let mut from_file = BTreeSet::new();
    if let Some(path) = file(&arguments) {
        (command, from_file) = with_file(command, &path)?;
    }
    let parsed = matches(command, arguments)
        .and_then(|matches| Ok((C::from_arg_matches(&matches)?, matches)));
    match parsed {
        Ok((cli, matches)) => Ok(Some(Parsed { cli, matches, from_file })),
        // Ends the program, whether or not standard error can be written.
        Err(error) if error.use_stderr() => error.exit(),
        Err(help) => {
            written(help.print().and_then(|()| io::stdout().flush()))?;
            Ok(None)
        }
    }
}

fn matches(mut command: Command, arguments: Vec<OsString>) -> Result<ArgMatches, clap::Error> {
    let matches = command.try_get_matches_from_mut(&arguments)?;
    if matches.subcommand().is_some() {
        return Ok(matches);
    }
    // As if `serve` had been written out, environment and all.
    command.try_get_matches_from(arguments.into_iter().chain([OsString::from("serve")]))
}

/// The file that the command line or the environment names.
fn file(arguments: &[OsString]) -> Option<PathBuf> {
    let mut arguments = arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        let text = argument.to_string_lossy();
        if text == "--" {
            break;
        }
        if text == "--config" {
            return arguments.next().map(PathBuf::from);
        }
        if let Some(path) = text.strip_prefix("--config=") {
            return Some(path.into());
        }
    }
    std::env::var_os(FILE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The options that the file may have: those of the program and of `serve`. Other commands take
/// those that they have, too.
fn with_file(
    mut command: Command,
    path: &std::path::Path,
) -> Result<(Command, BTreeSet<String>), Failure> {
    let name = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Failure::NO_INPUT, format!("cannot read {name}: {error}")))?;
    let wrong = |message: String| Failure::new(Failure::USAGE, format!("{name}: {message}"));
    let table: toml::Table =
        text.parse().map_err(|error: toml::de::Error| wrong(error.to_string()))?;
    let mut from_file = BTreeSet::new();
    for (key, value) in table {
        let id = key.replace('-', "_");
        let serve = command.find_subcommand("serve").into_iter();
        let is_known = std::iter::once(&command).chain(serve).any(|command| {
            command.get_arguments().any(|argument| argument.get_id() == id.as_str())
        });
        if !is_known || id == "config" || id == "help" || id == "version" {
            return Err(wrong(format!("there is no option `{key}`")));
        }
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(value) => value.to_string(),
            _ => return Err(wrong(format!("`{key}`: expected a text, a number or a boolean"))),
        };
        command = with_default(command, &id, &text);
        from_file.insert(id);
    }
    Ok((command, from_file))
}

fn with_default(command: Command, id: &str, text: &str) -> Command {
    let has = |command: &Command| command.get_arguments().any(|each| each.get_id() == id);
    let set = |argument: Arg| argument.default_value(text.to_owned());
    let names: Vec<_> = command
        .get_subcommands()
        .filter(|each| has(each))
        .map(|each| each.get_name().to_owned())
        .collect();
    let command = if has(&command) { command.mut_arg(id, set) } else { command };
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |each| each.mut_arg(id, set)))
}

impl<C> Parsed<C> {
    /// Prints the options in force and where each is from, in the form of the file and without
    /// secrets.
    pub fn print(&self) -> Result<(), Failure> {
        let Some(("config", matches)) = self.matches.subcommand() else { return Ok(()) };
        let mut ids: Vec<_> = matches.ids().map(|id| id.as_str().to_owned()).collect();
        ids.sort();
        for id in ids {
            // Groups of options have ids, too.
            let Ok(Some(values)) = matches.try_get_raw(&id) else { continue };
            let values: Vec<_> = values.map(|value| value.to_string_lossy().into_owned()).collect();
            let is_group = id.chars().any(char::is_uppercase);
            if is_group || values.is_empty() || id == "config" {
                continue;
            }
            let source = match matches.value_source(&id) {
                Some(ValueSource::CommandLine) => "the command line",
                Some(ValueSource::EnvVariable) => "the environment",
                _ if self.from_file.contains(&id) => "the file",
                _ => "default",
            };
            let value = toml::Value::String(without_secrets(&values.join(",")));
            print(format_args!("{} = {value}  # {source}", id.replace('_', "-")))?;
        }
        Ok(())
    }
}

/// A URL without its password; anything else as it is.
fn without_secrets(text: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(text) else { return text.to_owned() };
    if !url.has_host() {
        return text.to_owned();
    }
    if url.password().is_some() {
        _ = url.set_password(Some("***"));
    }
    let is_secret = |name: &str| name.to_ascii_lowercase().contains("password");
    if url.query_pairs().any(|(name, _)| is_secret(&name)) {
        let pairs: Vec<_> = url
            .query_pairs()
            .map(|(name, value)| {
                let value = if is_secret(&name) { "***".into() } else { value };
                (name.into_owned(), value.into_owned())
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
        return url.to_string();
    }
    // As it was written, where nothing is hidden.
    if url.password().is_some() { url.to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_printed() {
        for (url, expected) in [
            ("sqlite://agent-jobs.db", "sqlite://agent-jobs.db"),
            ("postgres://user@host/db", "postgres://user@host/db"),
            ("postgres://user:secret@host:5432/db", "postgres://user:***@host:5432/db"),
            ("postgres://host/db?user=a&password=secret", "postgres://host/db?user=a&password=***"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(without_secrets(url), expected);
        }
    }
}
