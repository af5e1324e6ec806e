//! The codes with which the server closes a WebSocket.

use crate::documented;

documented! {
    /// Why a WebSocket is closed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum CloseCode {
        /// The client did not read, or did not respond to pings for 30 seconds.
        ///
        /// Connect again.
        Gone,
        /// A message is unreadable or longer than the body of a request may be.
        ///
        /// Send less.
        Unreadable,
        /// The service is stopping or restarting.
        ///
        /// Connect again at once, perhaps to another replica. Subscriptions begin with a snapshot.
        ServiceRestart,
        /// The token cannot be checked at the moment.
        ///
        /// Connect again later.
        TryAgainLater,
        /// A message is not one of the protocol.
        ///
        /// Correct the client.
        InvalidMessage,
        /// An operation was sent without a successful `connection_init`, or there is no token.
        ///
        /// Send a token in `connection_init`.
        Unauthorized,
        /// The token is invalid, expired or revoked.
        ///
        /// Connect with another token.
        Forbidden,
        /// The subprotocol is not `graphql-transport-ws`.
        ///
        /// Correct the client.
        UnknownSubprotocol,
        /// There was no `connection_init` within 10 seconds.
        ///
        /// Connect again.
        InitTimeout,
        /// An operation with this id is running.
        ///
        /// Use each id once.
        DuplicateOperation,
        /// There was a second `connection_init`.
        ///
        /// Correct the client.
        RepeatedInit,
    }
}

impl CloseCode {
    /// The number on the wire. `graphql-transport-ws` defines those from 4400 on.
    pub const fn number(self) -> u16 {
        match self {
            Self::Gone => 1001,
            Self::Unreadable => 1009,
            Self::ServiceRestart => 1012,
            Self::TryAgainLater => 1013,
            Self::InvalidMessage => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden => 4403,
            Self::UnknownSubprotocol => 4406,
            Self::InitTimeout => 4408,
            Self::DuplicateOperation => 4409,
            Self::RepeatedInit => 4429,
        }
    }

    /// The reason on the wire, as the protocol words it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Gone => "Gone",
            Self::Unreadable => "Unreadable or too large",
            Self::ServiceRestart => "Service restart",
            Self::TryAgainLater => "Try again later",
            Self::InvalidMessage => "Invalid message",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::UnknownSubprotocol => "Subprotocol not acceptable",
            Self::InitTimeout => "Connection initialisation timeout",
            Self::DuplicateOperation => "Subscriber already exists",
            Self::RepeatedInit => "Too many initialisation requests",
        }
    }
}
