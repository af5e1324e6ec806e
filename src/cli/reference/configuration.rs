//! `docs/configuration.md`, from the definitions of the commands and their options.

use clap::{Arg, ArgAction, Command};

use super::table::cell;
use crate::cli::failure::EXIT_CODES;

const INTRODUCTION: &str = "\
# Configuration

Generated from the program's own definitions: `make generated` rewrites this file.

A value is looked up on the command line, then in the environment, then in the TOML file that
`--config` names, where an option is written by its name without the dashes (`listen =
\"0.0.0.0:8080\"`). The file takes the options of every command and those of `serve`. All values are
checked at the start; a wrong one ends the program with its name and exit code 2. `agent-jobs config`
prints the options in force and where each comes from, without passwords.

Times are written as `500ms`, `90s`, `10m`, `1h 30m` or `90d`. `AGENT_JOBS_LOG` sets what is logged to
standard error, such as `warn` or `agent_jobs=debug`; the default is `info`. Options without a variable
in the table are set on the command line only. PostgreSQL is needed in version 13 or newer.
";

/// The document in Markdown.
pub(super) fn document(program: &Command) -> String {
    let mut text = INTRODUCTION.to_owned();
    text.push_str("\n## Options of every command\n\n");
    text.push_str(&option_table(&options(program)));
    let serve = program.find_subcommand("serve").expect("there is `serve`");
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        describe(&mut text, command, serve, "agent-jobs", "##");
    }
    text.push_str("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n");
    for (code, meaning) in EXIT_CODES {
        text.push_str(&format!("| {code} | {} |\n", cell(meaning)));
    }
    text.push_str(
        "\nA reader that closes standard output early, such as `head`, is not a failure, and a standard \
         error\nthat cannot be written does not change the exit code.\n",
    );
    text
}

/// A section for a command, and one below it for each of its subcommands.
fn describe(text: &mut String, command: &Command, serve: &Command, parent: &str, heading: &str) {
    let name = format!("{parent} {}", command.get_name());
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let about = about.trim_end().trim_end_matches('.');
    text.push_str(&format!("\n{heading} `{name}`\n\n{about}.\n"));
    let usage = command.get_positionals().map(positional).collect::<Vec<_>>();
    if !usage.is_empty() {
        text.push_str("\n| argument | meaning |\n| --- | --- |\n");
        for (name, meaning) in usage {
            text.push_str(&format!("| {name} | {meaning} |\n"));
        }
    }
    let (shared, own): (Vec<_>, Vec<_>) = options(command)
        .into_iter()
        .partition(|option| command.get_name() != "serve" && is_option_of(option, serve));
    if !own.is_empty() {
        text.push('\n');
        text.push_str(&option_table(&own));
    }
    if !shared.is_empty() {
        let names: Vec<_> = shared.iter().copied().filter_map(long).collect();
        let of_serve = "[`agent-jobs serve`](#agent-jobs-serve)";
        let has = |option: &&Arg| shared.iter().any(|other| other.get_id() == option.get_id());
        let others: Vec<_> =
            options(serve).into_iter().filter(|option| !has(option)).filter_map(long).collect();
        let sentence = if others.is_empty() {
            format!("The options are those of {of_serve}.")
        } else if others.len() < names.len() {
            format!("It also has the options of {of_serve}, without {}.", others.join(", "))
        } else {
            format!("As for {of_serve}: {}.", names.join(", "))
        };
        text.push_str(&format!("\n{sentence}\n"));
    }
    for command in command.get_subcommands() {
        describe(text, command, serve, &name, &format!("{heading}#"));
    }
}

/// The options of a command in the order of their definitions.
fn options(command: &Command) -> Vec<&Arg> {
    let is_shown = |option: &&Arg| {
        !option.is_positional()
            && !option.is_hide_set()
            && !matches!(option.get_id().as_str(), "help" | "version")
    };
    command.get_arguments().filter(is_shown).collect()
}

/// Whether a command has the same option with the same meaning.
fn is_option_of(option: &Arg, command: &Command) -> bool {
    options(command)
        .iter()
        .any(|other| other.get_id() == option.get_id() && meaning(other) == meaning(option))
}

fn long(option: &Arg) -> Option<String> {
    option.get_long().map(|name| format!("`--{name}`"))
}

fn option_table(options: &[&Arg]) -> String {
    let mut text =
        "| option | environment | default | meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for option in options {
        let variable = option.get_env().map(|name| format!("`{}`", name.to_string_lossy()));
        let defaults: Vec<_> =
            option.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let default = if defaults.is_empty() || !takes_value(option) {
            String::new()
        } else {
            format!("`{}`", defaults.join(","))
        };
        text.push_str(&format!(
            "| {} | {} | {default} | {} |\n",
            spelling(option),
            variable.unwrap_or_default(),
            meaning(option)
        ));
    }
    text
}

/// The option as it is written, with its value.
fn spelling(option: &Arg) -> String {
    let mut text = option.get_long().map(|name| format!("--{name}")).unwrap_or_default();
    if let Some(short) = option.get_short() {
        text = format!("-{short}, {text}");
    }
    if takes_value(option) {
        text = format!("{text} {}", value_name(option));
    }
    format!("`{text}`")
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

fn value_name(option: &Arg) -> String {
    match option.get_value_names() {
        Some(names) => names.iter().map(clap::builder::Str::as_str).collect::<Vec<_>>().join(" "),
        None => option.get_id().as_str().to_uppercase(),
    }
}

fn positional(argument: &Arg) -> (String, String) {
    let name = format!("`{}`", value_name(argument));
    (name, meaning(argument))
}

/// What the help says of an option, and the values that it takes if they are few.
fn meaning(option: &Arg) -> String {
    let help = option.get_long_help().or_else(|| option.get_help());
    let mut text = help.map(ToString::to_string).unwrap_or_default().replace('\n', " ");
    let values: Vec<_> = option
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() && takes_value(option) {
        if !text.ends_with('.') {
            text.push('.');
        }
        text = format!("{text} One of {}.", values.join(", "));
    } else if !text.is_empty() && !text.ends_with('.') {
        text.push('.');
    }
    cell(&text)
}
