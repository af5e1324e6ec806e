//! The states of jobs and of processing.

use std::str::FromStr;

use async_graphql::Enum;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, QueryResult, TryGetError, TryGetable};

/// What other platforms call states, and the names here.
const SYNONYMS: [(&str, &str); 9] = [
    ("Canceled", "Cancelled"),
    ("Canceling", "Cancelling"),
    ("Running", "Executing"),
    ("InProgress", "Executing"),
    ("Succeeded", "Completed"),
    ("Success", "Completed"),
    ("Pending", "Queued"),
    ("Error", "Failed"),
    ("Failure", "Failed"),
];

/// Defines a state enum that is stored by its variants' names and read leniently: a name that
/// this version does not know is `Unknown`, so that a newer writer never breaks an older reader.
macro_rules! states {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $number:literal, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Enum)]
        #[repr(u8)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant = $number, )*
        }

        impl $name {
            /// Every state, in the order of their numbers.
            pub const ALL: &[Self] = &[$( Self::$variant, )*];

            /// The names of all states.
            pub const NAMES: &[&'static str] = &[$( stringify!($variant), )*];

            /// The name it is stored and exported by.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant), )* }
            }

            /// The number that platforms use for it.
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// The state with this name, or `Unknown`.
            pub fn from_name(name: &str) -> Self {
                Self::ALL.iter().copied().find(|state| state.name() == name).unwrap_or_default()
            }

            /// The state with this name in any case.
            pub fn by_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.name().eq_ignore_ascii_case(name))
            }

            /// The state that a person or another program means by `text`: its name in any case,
            /// with or without separators, a name that other platforms use for it, or its number.
            /// `None` if there is no such state.
            pub fn parse(text: &str) -> Option<Self> {
                let text = text.trim();
                if let Ok(number) = text.parse::<u8>() {
                    return Self::ALL.iter().copied().find(|state| state.number() == number);
                }
                let is_separator = |letter: char| matches!(letter, '_' | '-' | ' ');
                let word: String = text.chars().filter(|letter| !is_separator(*letter)).collect();
                let synonym = SYNONYMS.iter().find(|(other, _)| other.eq_ignore_ascii_case(&word));
                let name = synonym.map_or(word.as_str(), |(_, name)| *name);
                Self::by_name(name)
            }
        }

        /// As [`Self::parse`] reads it, for the command line.
        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                Self::parse(text)
                    .ok_or_else(|| format!("expected one of {}", Self::NAMES.join(", ")))
            }
        }

        impl From<$name> for Value {
            fn from(state: $name) -> Self {
                state.name().into()
            }
        }

        impl TryGetable for $name {
            fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
                String::try_get_by(row, index).map(|name| Self::from_name(&name))
            }
        }

        impl ValueType for $name {
            fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
                <String as ValueType>::try_from(value).map(|name| Self::from_name(&name))
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> ArrayType {
                ArrayType::String
            }

            fn column_type() -> ColumnType {
                ColumnType::custom(stringify!($name))
            }
        }

        impl Nullable for $name {
            fn null() -> Value {
                Value::String(None)
            }
        }
    };
}

states! {
    /// Where a job, or the agent phase of one of its runs, stands.
    pub enum JobState {
        /// A state that this version of the service does not know.
        #[default]
        Unknown = 0,
        /// Waiting for an agent; perhaps scheduled for later.
        Queued = 10,
        /// An agent works on it.
        Executing = 20,
        /// The agent has done its work; not everything it found is submitted yet.
        ExecutionCompleted = 30,
        /// Cancellation was asked for; the agent has not confirmed it yet.
        Cancelling = 40,
        /// The last results are being submitted.
        Submitting = 50,
        /// Over, and it went well.
        Completed = 60,
        /// Over, because someone cancelled it.
        Cancelled = 70,
        /// Over, because it failed.
        Failed = 80,
    }
}

impl JobState {
    /// An agent is at it: no longer queued and not over.
    pub const fn is_active(self) -> bool {
        matches!(
            self,
            Self::Executing | Self::ExecutionCompleted | Self::Cancelling | Self::Submitting
        )
    }

    /// It has finished and does not change.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

states! {
    /// Where the processing phase of a run stands: the pipeline that turns what the agent
    /// submitted into records.
    pub enum ProcessingState {
        /// A state that this version of the service does not know.
        #[default]
        Unknown = 0,
        /// Something was submitted and waits to be processed.
        Queued = 1,
        /// What was submitted is being processed.
        Executing = 2,
        /// Everything that was submitted is processed.
        Completed = 3,
        /// Processing gave up.
        Failed = 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_names_in_any_spelling_and_numbers() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.name()), Some(*state));
            assert_eq!(JobState::parse(&state.number().to_string()), Some(*state));
            assert_eq!(JobState::from_name(state.name()), *state);
        }
        assert_eq!(JobState::parse("EXECUTION_COMPLETED"), Some(JobState::ExecutionCompleted));
        assert_eq!(JobState::parse(" failed "), Some(JobState::Failed));
        assert_eq!(JobState::parse("Execution Completed"), Some(JobState::ExecutionCompleted));
        assert_eq!(JobState::parse("canceled"), Some(JobState::Cancelled));
        assert_eq!(JobState::parse("Running"), Some(JobState::Executing));
        assert_eq!(ProcessingState::parse("in_progress"), Some(ProcessingState::Executing));
        assert_eq!(ProcessingState::parse("Canceled"), None);
        for wrong in ["", "Paused", "15", "-1", "Failed!", "FailedFailed"] {
            assert_eq!(JobState::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(JobState::from_name("Paused"), JobState::Unknown);
    }
}
