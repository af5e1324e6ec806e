//! The rules for documents of clients.

use super::persisted::Persisted;
use crate::limits::Limits;

/// The rules for documents of clients.
#[derive(Default)]
pub struct Rules {
    pub limits: Limits,
    /// Disables introspection, and suggestions of names in error messages.
    pub no_introspection: bool,
    pub persisted: Persisted,
}
