//! Which failures have the same cause: a pure function from a failure's message to a title, in which
//! what differs from one failure to the next (ids, numbers, times, paths, hosts, quoted values) is a
//! placeholder such as `<uuid>`, while HTTP status codes and error codes stay.
//!
//! Equal titles have equal ids, on every replica and database. The id does not depend on the function's
//! version: a group that a new version leaves alone keeps its id, its history and its acknowledgement.

mod codes;
mod line;
mod normalize;
mod patterns;

use ring::digest::{SHA256, digest};
use uuid::{Builder, Uuid};

pub use normalize::TITLE_LENGTH;

/// The version of the function. Raise it with every change of a title; services then group the failures
/// of older versions anew, in the background.
pub const VERSION: i32 = 1;

/// What failures of one cause have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    pub id: Uuid,
    pub title: String,
}

/// How far a run came that failed without a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No agent had started it.
    Queued,
    /// The agent had submitted nothing.
    Executing,
    /// The agent had submitted clues.
    Submitting,
}

impl Fingerprint {
    /// The fingerprint of a message; `None` if it has no text.
    pub fn of_message(message: &str) -> Option<Self> {
        title(message).map(Self::of_title)
    }

    /// The fingerprint of a failure without a message: its provider and phase are what is known.
    pub fn without_message(provider: Option<&str>, phase: Phase) -> Self {
        let phase = match phase {
            Phase::Queued => "before it started",
            Phase::Executing => "while executing",
            Phase::Submitting => "while submitting",
        };
        let provider = provider.map(str::trim).filter(|provider| !provider.is_empty());
        let title = format!("No message: {} failed {phase}", provider.unwrap_or("a run"));
        Self::of_title(normalize::shorten(title))
    }

    fn of_title(title: String) -> Self {
        let hash = digest(&SHA256, title.as_bytes());
        let bytes = hash.as_ref()[..16].try_into().expect("SHA-256 has 32 bytes");
        // Version 8: a UUID whose bytes are the application's own.
        Self { id: Builder::from_custom_bytes(bytes).into_uuid(), title }
    }
}

/// The title of a message: of its first line, or of the line of a stack trace that has the error.
fn title(message: &str) -> Option<String> {
    let mut title = line::telling(message)?;
    // A replacement may show the next pass more. The last pass changes nothing, so that the title of a
    // title is itself.
    for _ in 0..8 {
        let next = normalize::shorten(normalize::pass(&title));
        if next == title {
            break;
        }
        title = next;
    }
    Some(title).filter(|title| title.chars().any(char::is_alphanumeric))
}
