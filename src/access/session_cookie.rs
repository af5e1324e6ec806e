//! Browser sessions. A browser that signs in with a token gets a cookie that holds its credential and
//! an expiry, signed with the service's key. The session is valid on every replica and ends with its
//! token, and the server stores nothing.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest time that a session lasts.
const MAX_AGE: Duration = Duration::from_hours(12);

/// What a browser signed in with.
#[derive(Debug, Serialize, Deserialize)]
pub enum Session {
    /// The API token with this id.
    Token(Uuid),
    /// A token of the issuer.
    Issued(String),
}

#[derive(Serialize, Deserialize)]
struct Signed {
    session: Session,
    /// In microseconds since 1970.
    until: i64,
}

/// A session cookie to set.
#[derive(Debug)]
pub struct SessionCookie {
    pub value: String,
    /// In seconds.
    pub max_age: i64,
}

/// Issues and verifies session cookies.
#[derive(Debug)]
pub struct SessionCookies(hmac::Key);

impl SessionCookies {
    pub fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// A cookie that is valid as long as the token, but at most for twelve hours.
    pub fn issue(
        &self,
        session: &Session,
        expires: Option<Timestamp>,
        now: Timestamp,
    ) -> SessionCookie {
        let most = i64::try_from(MAX_AGE.as_micros()).unwrap_or(i64::MAX);
        let until = now.micros().saturating_add(most);
        let until = expires.map_or(until, |expires| until.min(expires.micros()));
        let signed = serde_json::json!({ "session": session, "until": until }).to_string();
        let tag = hmac::sign(&self.0, signed.as_bytes());
        let value = format!("{}.{}", URL_SAFE_NO_PAD.encode(&signed), URL_SAFE_NO_PAD.encode(tag));
        SessionCookie { value, max_age: (until - now.micros()).max(0) / 1_000_000 }
    }

    /// The session in a cookie, if its signature is ours and it has not expired.
    pub fn read(&self, value: &str, now: Timestamp) -> Option<Session> {
        let (signed, tag) = value.split_once('.')?;
        let signed = URL_SAFE_NO_PAD.decode(signed).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, &signed, &tag).ok()?;
        let Signed { session, until } = serde_json::from_slice(&signed).ok()?;
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
    fn a_cookie_holds_its_session_until_it_expires() {
        let sessions = SessionCookies::new(hmac::Key::new(hmac::HMAC_SHA256, b"key"));
        let id = Uuid::from_u128(7);
        let cookie = sessions.issue(&Session::Token(id), None, moment(0));
        assert_eq!(cookie.max_age, 12 * 3600);
        let read = |text: &str, second| match sessions.read(text, moment(second)) {
            Some(Session::Token(id)) => Some(id),
            _ => None,
        };
        assert_eq!(read(&cookie.value, 43_199), Some(id));
        assert_eq!(read(&cookie.value, 43_200), None);
        let short = sessions.issue(&Session::Token(id), Some(moment(60)), moment(0));
        assert_eq!((short.max_age, read(&short.value, 60)), (60, None));

        for n in 0..cookie.value.len() {
            let mut forged = cookie.value.clone().into_bytes();
            forged[n] = if forged[n] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            // The last digits of base64 have bits that mean nothing.
            if forged != cookie.value && n + 1 < cookie.value.len() {
                assert_eq!(read(&forged, 0), None, "{n}");
            }
        }
        let others = SessionCookies::new(hmac::Key::new(hmac::HMAC_SHA256, b"other"));
        assert!(others.read(&cookie.value, moment(0)).is_none());
        assert!(sessions.read("", moment(0)).is_none());
        assert!(sessions.read(".", moment(0)).is_none());
    }
}
