//! Tokens of an OpenID Connect issuer, which here is a small one of the test's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_jobs::access::oidc;
use agent_jobs::clock;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{configuration, job};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::support::socket::connect;
use crate::support::{
    Kind, TestDatabase, TestServer, configuration, id, job, on_both_databases, soon,
};

/// A key of the issuer's.
struct Key {
    header: Header,
    key: EncodingKey,
    jwk: Value,
}

impl Key {
    fn edwards(name: &str) -> Self {
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key");
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        Self {
            header: Self::header(Algorithm::EdDSA, name),
            key: EncodingKey::from_ed_der(pkcs8.as_ref()),
            jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": name, "use": "sig" }),
        }
    }

    fn elliptic(name: &str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
                .expect("a key");
        let point = &pair.public_key().as_ref()[1..];
        let [x, y] = [&point[..32], &point[32..]].map(|part| URL_SAFE_NO_PAD.encode(part));
        Self {
            header: Self::header(Algorithm::ES256, name),
            key: EncodingKey::from_ec_der(pkcs8.as_ref()),
            jwk: json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": name, "alg": "ES256" }),
        }
    }

    /// An RSA key of this many bits, from a file: making one takes seconds.
    fn rsa(name: &str, bits: usize) -> Self {
        let pem: &[u8] = match bits {
            1_024 => include_bytes!("files/rsa-1024.pem"),
            2_048 => include_bytes!("files/rsa-2048.pem"),
            _ => panic!("there is no such key"),
        };
        let key = EncodingKey::from_rsa_pem(pem).expect("a key");
        let jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).expect("a key");
        let mut jwk = serde_json::to_value(jwk).expect("JSON");
        jwk["kid"] = json!(name);
        Self { header: Self::header(Algorithm::RS256, name), key, jwk }
    }

    fn header(algorithm: Algorithm, name: &str) -> Header {
        Header { kid: Some(name.to_owned()), ..Header::new(algorithm) }
    }

    /// Signs a header and claims that are encoded already.
    fn sign_parts(&self, header: &str, claims: &str) -> String {
        let message = format!("{header}.{claims}");
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.header.alg)
            .expect("a key");
        format!("{message}.{signature}")
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header, claims, &self.key).expect("a token")
    }
}

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    headers: Vec<(&'static str, String)>,
    is_away: bool,
}

/// Answers until it is dropped.
struct Issuer {
    url: String,
    published: Arc<Mutex<Published>>,
    /// How often it was asked for its keys.
    asked: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Issuer {
    async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let published = Arc::new(Mutex::new(Published::default()));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let shown = Arc::clone(&published);
        let (counter, asked) = watch::channel(0);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(discovery)))
            .route(
                "/keys",
                get(async move || {
                    counter.send_modify(|asked| *asked += 1);
                    let published = shown.lock().unwrap();
                    if published.is_away {
                        return Err(StatusCode::BAD_GATEWAY);
                    }
                    let headers = published.headers.iter().map(|(name, value)| {
                        (HeaderName::from_static(name), value.parse::<HeaderValue>().unwrap())
                    });
                    let headers: HeaderMap = headers.collect();
                    Ok((headers, Json(json!({ "keys": published.keys }))))
                }),
            );
        let task = tokio::spawn(async { axum::serve(listener, router).await.expect("serving") });
        let issuer = Self { url, published, asked, task };
        issuer.publish(keys);
        issuer
    }

    fn publish(&self, keys: &[&Key]) {
        // One of an unknown kind is among them.
        let unknown = json!({ "kty": "LATTICE", "kid": "new" });
        let keys = keys.iter().map(|key| key.jwk.clone());
        self.published.lock().unwrap().keys = [unknown].into_iter().chain(keys).collect();
    }

    fn is_away(&self, is_away: bool) {
        self.published.lock().unwrap().is_away = is_away;
    }

    fn asked(&self) -> usize {
        *self.asked.borrow()
    }

    /// Waits until an answer that begins after this has arrived: the one before has, since there is
    /// one fetch at a time.
    async fn next_fetch(&self) {
        let (mut asked, before) = (self.asked.clone(), self.asked());
        let fetched = asked.wait_for(|asked| *asked >= before + 2);
        soon(fetched).await.expect("it serves");
    }

    fn options(&self) -> oidc::Options {
        oidc::Options {
            refetch_after: Duration::ZERO,
            configurations_claim: Some("configurations".to_owned()),
            ..oidc::Options::new(self.url.clone(), "agent-jobs".to_owned())
        }
    }

    /// The claims of a good token.
    fn claims(&self, role: &str) -> Value {
        let now = clock::now().micros() / 1_000_000;
        json!({ "iss": self.url, "aud": ["another", "agent-jobs"], "sub": "user", "exp": now + 600,
                "nbf": now - 5, "role": role, "configurations": "*" })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

const MOMENT: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_hours(1);

const WHO: &str = "query { principal { name role configurationIds agentId } }";

async fn code(server: &TestServer, token: &str) -> String {
    let answer = server.answer_as(token, WHO, json!({})).await;
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("let in").to_owned()
}

on_both_databases! {
    async fn a_token_allows_what_its_claims_say(database: TestDatabase) {
        let (edwards, elliptic) = (Key::edwards("a"), Key::elliptic("b"));
        let issuer = Issuer::start(&[&edwards, &elliptic]).await;
        let server = TestServer::controlled(&database, Some(issuer.options())).await;
        server.insert::<configuration::Entity>(&[configuration(1, None), configuration(2, None)]).await;
        server.insert::<job::Entity>(&[
            job::Model { configuration_id: Some(id(1)), ..job(3) },
            job::Model { configuration_id: Some(id(2)), ..job(4) },
        ]).await;
        let total = async |token: &str| {
            let answer = server.answer_as(token, "query { jobs { totalCount } }", json!({})).await;
            answer["data"]["jobs"]["totalCount"].clone()
        };
        for key in [&edwards, &elliptic] {
            let token = key.sign(&issuer.claims("operator"));
            let answer = server.answer_as(&token, WHO, json!({})).await;
            assert_eq!(answer["data"]["principal"], json!({ "name": "user", "role": "OPERATOR",
                "configurationIds": null, "agentId": null }));
            assert_eq!(total(&token).await, 2);
        }
        let several = with(issuer.claims(""), "role", json!(["viewer", "admin", "other"]));
        let answer = server.answer_as(&edwards.sign(&several), WHO, json!({})).await;
        assert_eq!(answer["data"]["principal"]["role"], "ADMIN");
        for (configurations, expected) in [
            (json!([id(1)]), 1), (json!(format!("{},{}", id(1), id(2))), 2), (json!([]), 0),
            (Value::Null, 0), (json!(["nonsense"]), 0),
        ] {
            let claims = with(issuer.claims("viewer"), "configurations", configurations);
            assert_eq!(total(&edwards.sign(&claims)).await, expected);
        }
        let agent = with(issuer.claims("agent"), "agent_id", json!(id(9)));
        let answer = server.answer_as(&edwards.sign(&agent), WHO, json!({})).await;
        assert_eq!(answer["data"]["principal"]["agentId"], json!(id(9)));
        for claims in [issuer.claims("agent"), issuer.claims("emperor"), with(issuer.claims(""), "role", json!(7))] {
            assert_eq!(code(&server, &edwards.sign(&claims)).await, "FORBIDDEN");
        }
    }

    async fn a_token_that_is_not_in_order_is_refused(database: TestDatabase) {
        let (key, stranger) = (Key::edwards("a"), Key::edwards("a"));
        let issuer = Issuer::start(&[&key]).await;
        let server = TestServer::controlled(&database, Some(issuer.options())).await;
        let good = issuer.claims("admin");
        let now = clock::now().micros() / 1_000_000;
        assert_eq!(code(&server, &key.sign(&good)).await, "let in");
        // The clocks may differ a little.
        assert_eq!(code(&server, &key.sign(&with(good.clone(), "exp", json!(now - 5)))).await, "let in");
        let mut bad = vec![
            ("expired", key.sign(&with(good.clone(), "exp", json!(now - 60)))),
            ("not yet", key.sign(&with(good.clone(), "nbf", json!(now + 120)))),
            ("another audience", key.sign(&with(good.clone(), "aud", json!("another")))),
            ("no audience", key.sign(&with(good.clone(), "aud", Value::Null))),
            ("another issuer", key.sign(&with(good.clone(), "iss", json!("https://evil.example")))),
            ("no end", key.sign(&with(good.clone(), "exp", Value::Null))),
            ("a stranger's key", stranger.sign(&good)),
        ];
        let whole = key.sign(&good);
        let parts: Vec<_> = whole.split('.').collect();
        let claims = |claims: &Value| URL_SAFE_NO_PAD.encode(claims.to_string());
        // A header of the test's own is fine as such.
        let header = claims(&json!({ "alg": "EdDSA", "kid": "a", "other": 7 }));
        assert_eq!(code(&server, &key.sign_parts(&header, parts[1])).await, "let in");
        for algorithm in ["none", "None", "NONE", ""] {
            let header = claims(&json!({ "alg": algorithm, "typ": "JWT", "kid": "a" }));
            bad.push(("no algorithm", format!("{header}.{}.", parts[1])));
            bad.push(("no algorithm", format!("{header}.{}.{}", parts[1], parts[2])));
        }
        // The public key as a shared secret.
        for secret in [key.jwk["x"].as_str().unwrap().to_owned(), key.jwk.to_string()] {
            for algorithm in [Algorithm::HS256, Algorithm::HS512] {
                let key = EncodingKey::from_secret(secret.as_bytes());
                bad.push(("a shared secret", encode(&Key::header(algorithm, "a"), &good, &key).unwrap()));
            }
        }
        for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("exp"), json!([7])] {
            let header = claims(&json!({ "alg": "EdDSA", "kid": "a", "b64": true, "crit": crit }));
            bad.push(("a header with extensions", key.sign_parts(&header, parts[1])));
        }
        bad.push(("other claims", format!("{}.{}.{}", parts[0], claims(&with(good.clone(), "sub", json!("x"))), parts[2])));
        bad.push(("no signature", format!("{}.{}.", parts[0], parts[1])));
        bad.push(("half of it", format!("{}.{}", parts[0], parts[1])));
        bad.push(("a header alone", parts[0].to_owned()));
        for (fault, token) in bad {
            assert_eq!(code(&server, &token).await, "UNAUTHENTICATED", "{fault}");
        }
    }
}

#[tokio::test]
async fn keys_change_and_are_used_while_the_issuer_is_away() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let (old, new) = (Key::edwards("old"), Key::elliptic("new one"));
    let issuer = Issuer::start(&[&old]).await;
    issuer.is_away(true);
    let server = TestServer::controlled(&database, Some(issuer.options())).await;
    let claims = |n: u32| with(issuer.claims("viewer"), "sub", json!(n.to_string()));
    // Nothing is known yet.
    assert_eq!(code(&server, &old.sign(&claims(0))).await, "ISSUER_UNAVAILABLE");
    issuer.is_away(false);
    assert_eq!(code(&server, &old.sign(&claims(1))).await, "let in");
    // The issuer takes another key; one is not asked for again while it is known.
    issuer.publish(&[&old, &new]);
    let before = issuer.asked();
    assert_eq!(code(&server, &new.sign(&claims(2))).await, "let in");
    assert_eq!(code(&server, &new.sign(&claims(3))).await, "let in");
    assert_eq!(issuer.asked(), before + 1);
    // It is away: what is known goes on, and what is not is refused.
    issuer.is_away(true);
    assert_eq!(code(&server, &old.sign(&claims(4))).await, "let in");
    assert_eq!(code(&server, &Key::edwards("other").sign(&claims(5))).await, "UNAUTHENTICATED");
    // A key that is withdrawn ends what it has signed, as soon as that is known.
    let known = old.sign(&claims(6));
    assert_eq!(code(&server, &known).await, "let in");
    issuer.is_away(false);
    issuer.publish(&[&new]);
    assert_eq!(code(&server, &Key::edwards("other").sign(&claims(7))).await, "UNAUTHENTICATED");
    assert_eq!(code(&server, &known).await, "UNAUTHENTICATED");
}

#[tokio::test]
async fn made_up_keys_do_not_make_it_ask_again_and_again() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let key = Key::edwards("a");
    let issuer = Issuer::start(&[&key]).await;
    let options = oidc::Options { refetch_after: Duration::from_hours(1), ..issuer.options() };
    let server = TestServer::controlled(&database, Some(options)).await;
    assert_eq!(code(&server, &key.sign(&issuer.claims("viewer"))).await, "let in");
    for n in 0..20 {
        let token = Key::edwards(&n.to_string()).sign(&issuer.claims("viewer"));
        assert_eq!(code(&server, &token).await, "UNAUTHENTICATED");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn weak_keys_and_keys_for_other_purposes_are_not_used() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let changed = |mut key: Key, name: &str, value: Value| {
        key.jwk[name] = value;
        key
    };
    let good = [
        Key::rsa("a", 2_048),
        Key::elliptic("b"),
        Key::edwards("c"),
        changed(Key::edwards("d"), "key_ops", json!(["verify"])),
    ];
    let bad = [
        Key::rsa("e", 1_024),
        changed(Key::rsa("f", 2_048), "use", json!("enc")),
        changed(Key::rsa("g", 2_048), "alg", json!("RSA-OAEP")),
        changed(Key::rsa("h", 2_048), "alg", json!("PS256")),
        changed(Key::elliptic("i"), "alg", json!("ES384")),
        changed(Key::edwards("j"), "key_ops", json!(["deriveKey"])),
        changed(Key::edwards("k"), "use", json!("other")),
    ];
    let issuer = Issuer::start(&good.iter().chain(&bad).collect::<Vec<_>>()).await;
    let server = TestServer::controlled(&database, Some(issuer.options())).await;
    for key in good {
        let token = key.sign(&issuer.claims("viewer"));
        assert_eq!(code(&server, &token).await, "let in", "{}", key.jwk);
    }
    for key in bad {
        let token = key.sign(&issuer.claims("viewer"));
        assert_eq!(code(&server, &token).await, "UNAUTHENTICATED", "{}", key.jwk);
    }
}

#[tokio::test]
async fn a_withdrawn_key_ends_its_tokens_and_sockets_without_another_token() {
    let cases = [
        // The shortest time between two fetches, the longest, what the issuer says.
        (MOMENT, HOUR, Some("max-age=0")),
        (MOMENT, HOUR, Some("public, max-age=1")),
        (MOMENT, HOUR, Some("no-store")),
        (MOMENT, MOMENT, Some("max-age=86400")),
        (MOMENT, MOMENT, None),
    ];
    for (shortest, longest, cache_control) in cases {
        let database = TestDatabase::create(Kind::Sqlite).await;
        let (old, new) = (Key::edwards("old"), Key::edwards("new"));
        let issuer = Issuer::start(&[&old, &new]).await;
        let headers = cache_control.map(|value| ("cache-control", value.to_owned()));
        issuer.published.lock().unwrap().headers = headers.into_iter().collect();
        // Tokens do not make it ask.
        let options =
            oidc::Options { refetch_after: HOUR, refresh: shortest..=longest, ..issuer.options() };
        let server = TestServer::controlled(&database, Some(options)).await;
        let [withdrawn, kept] = [&old, &new].map(|key| key.sign(&issuer.claims("viewer")));
        assert_eq!(code(&server, &withdrawn).await, "let in", "{cache_control:?}");
        let open = async |token: &str| {
            let authorization = format!("Bearer {token}");
            let headers = [("authorization", authorization.as_str())];
            let mut socket = connect(&server, &headers).await.expect("it connects");
            socket.send(json!({ "type": "connection_init" })).await;
            assert_eq!(socket.next().await["type"], "connection_ack");
            socket
        };
        let (mut ends, mut goes_on) = (open(&withdrawn).await, open(&kept).await);
        issuer.publish(&[&new]);
        issuer.next_fetch().await;
        assert_eq!(code(&server, &withdrawn).await, "UNAUTHENTICATED", "{cache_control:?}");
        assert_eq!(code(&server, &kept).await, "let in", "{cache_control:?}");
        assert_eq!(ends.close_code().await, Some(4403), "{cache_control:?}");
        goes_on.send(json!({ "type": "ping" })).await;
        assert_eq!(goes_on.next().await["type"], "pong");
    }
}

#[tokio::test]
async fn keys_are_given_up_when_the_issuer_is_away_for_too_long() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let key = Key::edwards("a");
    let issuer = Issuer::start(&[&key]).await;
    let options = oidc::Options {
        refetch_after: HOUR,
        refresh: MOMENT..=MOMENT,
        keep: 10 * MOMENT,
        ..issuer.options()
    };
    let server = TestServer::controlled(&database, Some(options)).await;
    let token = key.sign(&issuer.claims("viewer"));
    assert_eq!(code(&server, &token).await, "let in");
    issuer.is_away(true);
    let wait_for = async |expected: &str, until_then: &str| {
        loop {
            let code = code(&server, &token).await;
            if code == expected {
                break;
            }
            assert_eq!(code, until_then);
            issuer.next_fetch().await;
        }
    };
    wait_for("ISSUER_UNAVAILABLE", "let in").await;
    issuer.is_away(false);
    wait_for("let in", "ISSUER_UNAVAILABLE").await;
}
