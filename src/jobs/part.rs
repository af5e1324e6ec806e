//! A part of a list that one scan of an index finds.

use entity::JobState;
use uuid::Uuid;

use super::scope::Scope;

/// The jobs that one scan of an index finds.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub scope: Scope,
    pub states: Option<&'a [JobState]>,
    pub agents: &'a [Uuid],
    /// Only jobs created before the moment that the conditions imply, or only the few others that may
    /// match nevertheless.
    pub creation: Creation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Creation {
    Any,
    BeforeBound,
    Exceptions,
}
