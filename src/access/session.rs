//! Browser sessions. A browser that signs in with a token gets a ticket, which it shows from then
//! on: what it signed in with and until when, sealed with the service's key. So every replica knows
//! it, it ends with its token, and it is of no use elsewhere.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long a session lasts.
const LENGTH: Duration = Duration::from_hours(12);

/// What a browser signed in with.
#[derive(Debug, Serialize, Deserialize)]
pub enum Session {
    /// The API token with this id.
    Token(Uuid),
    /// A token of the issuer.
    Issued(String),
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    session: Session,
    /// In microseconds since 1970.
    until: i64,
}

/// What a browser shows.
#[derive(Debug)]
pub struct Ticket {
    pub text: String,
    /// For how many seconds.
    pub seconds: i64,
}

/// Makes and reads tickets.
#[derive(Debug)]
pub struct Sessions(hmac::Key);

impl Sessions {
    pub fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// A ticket, for as long as the token lasts but no longer than twelve hours.
    pub fn issue(&self, session: &Session, expires: Option<Timestamp>, now: Timestamp) -> Ticket {
        let most = i64::try_from(LENGTH.as_micros()).unwrap_or(i64::MAX);
        let until = now.micros().saturating_add(most);
        let until = expires.map_or(until, |expires| until.min(expires.micros()));
        let sealed = serde_json::json!({ "session": session, "until": until }).to_string();
        let tag = hmac::sign(&self.0, sealed.as_bytes());
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(&sealed), URL_SAFE_NO_PAD.encode(tag));
        Ticket { text, seconds: (until - now.micros()).max(0) / 1_000_000 }
    }

    /// What is in a ticket, if it is one of ours and not over.
    pub fn read(&self, text: &str, now: Timestamp) -> Option<Session> {
        let (sealed, tag) = text.split_once('.')?;
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, &sealed, &tag).ok()?;
        let Sealed { session, until } = serde_json::from_slice(&sealed).ok()?;
        (now.micros() < until).then_some(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    #[test]
    fn a_ticket_is_what_was_issued_and_ends() {
        let sessions = Sessions::new(hmac::Key::new(hmac::HMAC_SHA256, b"key"));
        let id = Uuid::from_u128(7);
        let ticket = sessions.issue(&Session::Token(id), None, moment(0));
        assert_eq!(ticket.seconds, 12 * 3600);
        let read = |text: &str, second| match sessions.read(text, moment(second)) {
            Some(Session::Token(id)) => Some(id),
            _ => None,
        };
        assert_eq!(read(&ticket.text, 43_199), Some(id));
        assert_eq!(read(&ticket.text, 43_200), None);
        let short = sessions.issue(&Session::Token(id), Some(moment(60)), moment(0));
        assert_eq!((short.seconds, read(&short.text, 60)), (60, None));

        for n in 0..ticket.text.len() {
            let mut forged = ticket.text.clone().into_bytes();
            forged[n] = if forged[n] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last digits of base64 have bits that mean nothing.
            if forged != ticket.text && n + 1 < ticket.text.len() {
                assert_eq!(read(&forged, 0), None, "{n}");
            }
        }
        let others = Sessions::new(hmac::Key::new(hmac::HMAC_SHA256, b"other"));
        assert!(others.read(&ticket.text, moment(0)).is_none());
        assert!(sessions.read("", moment(0)).is_none());
        assert!(sessions.read(".", moment(0)).is_none());
    }
}
