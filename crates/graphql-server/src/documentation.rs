//! Enums of codes whose doc comments are also their documentation.

/// Defines an enum of codes. The doc comment of a variant has two paragraphs, what happened and what the
/// client should do, which a generated reference can show beside each other.
#[macro_export]
macro_rules! documented {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $( $(#[doc = $line:literal])+ $variant:ident, )+
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $name {
            $( $(#[doc = $line])+ $variant, )+
        }

        impl $name {
            pub const ALL: &[Self] = &[$( Self::$variant ),+];

            /// What happened and what to do.
            pub fn documentation(self) -> $crate::Documentation {
                let text = match self {
                    $( Self::$variant => concat!($( $line, "\n" ),+), )+
                };
                $crate::Documentation::of(text)
            }
        }
    };
}

/// The documentation of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documentation {
    /// What happened.
    pub meaning: String,
    /// What the client should do.
    pub remedy: String,
}

impl Documentation {
    /// Splits a doc comment into its two paragraphs.
    pub fn of(text: &str) -> Self {
        let join = |lines: &str| lines.split_whitespace().collect::<Vec<_>>().join(" ");
        let (meaning, remedy) = text.split_once("\n\n").unwrap_or((text, ""));
        Self { meaning: join(meaning), remedy: join(remedy) }
    }
}
