//! Tokens of an OpenID Connect issuer, which here is a small one of the test's own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_jobs::access::oidc;
use agent_jobs::clock;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{configuration, job};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Kind, TestDatabase, TestServer, configuration, id, job, on_both_databases};

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

    fn header(algorithm: Algorithm, name: &str) -> Header {
        Header { kid: Some(name.to_owned()), ..Header::new(algorithm) }
    }

    fn sign(&self, claims: &Value) -> String {
        encode(&self.header, claims, &self.key).expect("a token")
    }
}

#[derive(Default)]
struct Published {
    keys: Vec<Value>,
    is_away: bool,
    asked: usize,
}

/// Answers until it is dropped.
struct Issuer {
    url: String,
    published: Arc<Mutex<Published>>,
    task: JoinHandle<()>,
}

impl Issuer {
    async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let published = Arc::new(Mutex::new(Published::default()));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let shown = Arc::clone(&published);
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(discovery)))
            .route(
                "/keys",
                get(async move || {
                    let mut published = shown.lock().unwrap();
                    published.asked += 1;
                    if published.is_away {
                        return Err(axum::http::StatusCode::BAD_GATEWAY);
                    }
                    Ok(Json(json!({ "keys": published.keys })))
                }),
            );
        let task = tokio::spawn(async { axum::serve(listener, router).await.expect("serving") });
        let issuer = Self { url, published, task };
        issuer.publish(keys);
        issuer
    }

    fn publish(&self, keys: &[&Key]) {
        // One of a kind that nobody knows is among them.
        let unknown = json!({ "kty": "LATTICE", "kid": "new" });
        let keys = keys.iter().map(|key| key.jwk.clone());
        self.published.lock().unwrap().keys = [unknown].into_iter().chain(keys).collect();
    }

    fn options(&self) -> oidc::Options {
        oidc::Options {
            look_every: Duration::ZERO,
            configurations_claim: Some("configurations".to_owned()),
            ..oidc::Options::new(self.url.clone(), "agent-jobs".to_owned())
        }
    }

    /// The claims of a good token.
    fn claims(&self, role: &str) -> Value {
        let now = clock::now().micros() / 1_000_000;
        json!({ "iss": self.url, "aud": ["another", "agent-jobs"], "sub": "somebody", "exp": now + 600,
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

const WHO: &str = "query { viewer { name role configurationIds agentId } }";

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
            assert_eq!(answer["data"]["viewer"], json!({ "name": "somebody", "role": "OPERATOR",
                "configurationIds": null, "agentId": null }));
            assert_eq!(total(&token).await, 2);
        }
        let several = with(issuer.claims(""), "role", json!(["viewer", "admin", "other"]));
        let answer = server.answer_as(&edwards.sign(&several), WHO, json!({})).await;
        assert_eq!(answer["data"]["viewer"]["role"], "ADMIN");
        for (configurations, expected) in [
            (json!([id(1)]), 1), (json!(format!("{},{}", id(1), id(2))), 2), (json!([]), 0),
            (Value::Null, 0), (json!(["nonsense"]), 0),
        ] {
            let claims = with(issuer.claims("viewer"), "configurations", configurations);
            assert_eq!(total(&edwards.sign(&claims)).await, expected);
        }
        let agent = with(issuer.claims("agent"), "agent_id", json!(id(9)));
        let answer = server.answer_as(&edwards.sign(&agent), WHO, json!({})).await;
        assert_eq!(answer["data"]["viewer"]["agentId"], json!(id(9)));
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
    issuer.published.lock().unwrap().is_away = true;
    let server = TestServer::controlled(&database, Some(issuer.options())).await;
    let claims = |n: u32| with(issuer.claims("viewer"), "sub", json!(n.to_string()));
    // Nothing is known yet.
    assert_eq!(code(&server, &old.sign(&claims(0))).await, "ISSUER_UNAVAILABLE");
    issuer.published.lock().unwrap().is_away = false;
    assert_eq!(code(&server, &old.sign(&claims(1))).await, "let in");
    // The issuer takes another key; one is not asked for again while it is known.
    let asked = || issuer.published.lock().unwrap().asked;
    issuer.publish(&[&old, &new]);
    let before = asked();
    assert_eq!(code(&server, &new.sign(&claims(2))).await, "let in");
    assert_eq!(code(&server, &new.sign(&claims(3))).await, "let in");
    assert_eq!(asked(), before + 1);
    // It is away: what is known goes on, and what is not is refused.
    issuer.published.lock().unwrap().is_away = true;
    assert_eq!(code(&server, &old.sign(&claims(4))).await, "let in");
    assert_eq!(code(&server, &Key::edwards("other").sign(&claims(5))).await, "UNAUTHENTICATED");
    // A key that is withdrawn ends what it has signed, as soon as that is known.
    let known = old.sign(&claims(6));
    assert_eq!(code(&server, &known).await, "let in");
    issuer.published.lock().unwrap().is_away = false;
    issuer.publish(&[&new]);
    assert_eq!(code(&server, &Key::edwards("other").sign(&claims(7))).await, "UNAUTHENTICATED");
    assert_eq!(code(&server, &known).await, "UNAUTHENTICATED");
}

#[tokio::test]
async fn made_up_keys_do_not_make_it_ask_again_and_again() {
    let database = TestDatabase::create(Kind::Sqlite).await;
    let key = Key::edwards("a");
    let issuer = Issuer::start(&[&key]).await;
    let options = oidc::Options { look_every: Duration::from_hours(1), ..issuer.options() };
    let server = TestServer::controlled(&database, Some(options)).await;
    assert_eq!(code(&server, &key.sign(&issuer.claims("viewer"))).await, "let in");
    for n in 0..20 {
        let token = Key::edwards(&n.to_string()).sign(&issuer.claims("viewer"));
        assert_eq!(code(&server, &token).await, "UNAUTHENTICATED");
    }
    assert_eq!(issuer.published.lock().unwrap().asked, 1);
}
