//! Who sends a request, and how much each client may have going on at a time, so that one cannot take
//! everything from the others.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::FutureExt as _;
use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use ipnet::IpNet;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::answer::{Outcome, Refusal};
use super::negotiate::Accept;
use super::options::HttpOptions;
use super::{Site, rest};
use crate::reports::Submitter;

/// How long whoever sends too fast waits for the refusal.
const HELD_BACK: Duration = Duration::from_millis(250);

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    Address(SocketAddr),
    /// A process of this machine, through a Unix domain socket.
    Local,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Local => f.write_str("unix:"),
        }
    }
}

/// What may say in `X-Forwarded-For` who the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    Network(IpNet),
    /// Whatever connects through a Unix domain socket.
    Unix,
}

impl FromStr for TrustedProxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "unix:" {
            return Ok(Self::Unix);
        }
        let network = text.parse::<IpAddr>().map(IpNet::from).or_else(|_| text.parse());
        network.map(Self::Network).map_err(|_| {
            format!("expected an address, a network such as 10.0.0.0/8, or unix:, not {text:?}")
        })
    }
}

/// Who sends a request: an address, or a part of a network that belongs to one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    address: IpAddr,
    /// Whoever is on the same machine may do as it likes: it is a proxy that nobody told us of,
    /// behind which all clients are one, or somebody who could as well read the database.
    is_limited: bool,
}

impl Client {
    /// The client behind a connection: its peer, or whoever the trusted proxies say.
    fn of(peer: Option<Peer>, headers: &HeaderMap, options: &HttpOptions) -> Self {
        let peer = match peer {
            Some(Peer::Address(peer)) => Some(peer.ip().to_canonical()),
            Some(Peer::Local) | None => None,
        };
        let is_trusted = |address: &IpAddr| {
            options.trusted_proxies.iter().any(|proxy| match proxy {
                TrustedProxy::Network(network) => network.contains(address),
                TrustedProxy::Unix => false,
            })
        };
        let is_peer_trusted = match &peer {
            Some(peer) => is_trusted(peer),
            None => options.trusted_proxies.contains(&TrustedProxy::Unix),
        };
        if is_peer_trusted {
            // Each proxy adds whom it heard from at the end, so the beginning is whatever the
            // client made up. An entry that is no address ends what can be believed.
            let entries = headers.get_all("x-forwarded-for").iter();
            let entries: Vec<_> = entries
                .flat_map(|value| value.to_str().unwrap_or_default().split(','))
                .map(|entry| entry.trim().parse::<IpAddr>().map(|address| address.to_canonical()))
                .collect();
            let believed = entries.iter().rev().map_while(|entry| entry.as_ref().ok());
            let mut last = None;
            for address in believed {
                last = Some(*address);
                if !is_trusted(address) {
                    break;
                }
            }
            if let Some(address) = last {
                return Self { address: network_of(address), is_limited: true };
            }
        }
        match peer {
            Some(peer) => Self { address: network_of(peer), is_limited: !peer.is_loopback() },
            None => Self { address: Ipv4Addr::UNSPECIFIED.into(), is_limited: false },
        }
    }
}

/// Who has IPv6 has 2^64 addresses at least.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// What a client has going on.
#[derive(Debug)]
struct Places {
    requests: usize,
    streams: usize,
    heavy: Arc<Heavy>,
}

/// What a client's heavy work waits for.
#[derive(Debug)]
struct Heavy {
    /// For values that it may have, whoever came first before the others.
    queue: Semaphore,
    /// For its turn.
    turn: Arc<Semaphore>,
    /// For its statements that take long, in mutations as well, which have no turn.
    statements: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            requests: 0,
            streams: 0,
            heavy: Arc::new(Heavy {
                queue: Semaphore::new(1),
                turn: Arc::new(Semaphore::new(1)),
                statements: Arc::new(Semaphore::new(1)),
            }),
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum PlaceKind {
    Request,
    Stream,
}

impl Places {
    fn of(&mut self, kind: PlaceKind) -> &mut usize {
        match kind {
            PlaceKind::Request => &mut self.requests,
            PlaceKind::Stream => &mut self.streams,
        }
    }
}

/// All clients, and what they have going on.
#[derive(Debug)]
pub struct Clients {
    most_requests: usize,
    most_streams: usize,
    rate: DefaultKeyedRateLimiter<IpAddr>,
    rate_per_second: u32,
    /// The values of heavy work.
    values: DefaultKeyedRateLimiter<IpAddr>,
    values_at_once: NonZeroU32,
    /// Clients without anything going on are not in it.
    taken: Mutex<HashMap<IpAddr, Places>>,
    since_tidied: AtomicU32,
}

impl Clients {
    pub fn new(options: &HttpOptions) -> Arc<Self> {
        let rate = NonZeroU32::new(options.max_client_rate).unwrap_or(NonZeroU32::MIN);
        let burst = rate.saturating_mul(NonZeroU32::MIN.saturating_add(4));
        let values = NonZeroU32::new(options.max_client_values).unwrap_or(NonZeroU32::MIN);
        Arc::new(Self {
            most_requests: options.max_client_requests,
            most_streams: options.max_client_streams,
            rate: RateLimiter::keyed(Quota::per_second(rate).allow_burst(burst)),
            rate_per_second: rate.get(),
            values: RateLimiter::keyed(Quota::per_second(values)),
            values_at_once: values,
            taken: Mutex::default(),
            since_tidied: AtomicU32::new(0),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, Places>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more request of the client.
    ///
    /// # Errors
    /// If it sends them too fast; that late that it costs little even from those who send the next
    /// request at once.
    pub async fn count(&self, client: &Client) -> Result<(), Refusal> {
        let counted = self.count_at_once(client);
        if counted.is_err() {
            sleep(HELD_BACK).await;
        }
        counted
    }

    fn count_at_once(&self, client: &Client) -> Result<(), Refusal> {
        if !client.is_limited {
            return Ok(());
        }
        // Those who have not been heard of for a while are forgotten.
        if self.since_tidied.fetch_add(1, Ordering::Relaxed) % 4096 == 4095 {
            for limiter in [&self.rate, &self.values] {
                limiter.retain_recent();
                limiter.shrink_to_fit();
            }
        }
        self.rate.check_key(&client.address).map_err(|_| {
            let most = self.rate_per_second;
            limited("RATE_LIMITED", format!("expected at most {most} requests a second"), most)
        })
    }

    /// A place for one more running request.
    ///
    /// # Errors
    /// If the client has all that it may have.
    pub fn request(self: &Arc<Self>, client: &Client) -> Result<Place, Refusal> {
        self.take(client, PlaceKind::Request)
    }

    /// A place for one more WebSocket or event stream.
    ///
    /// # Errors
    /// If the client has all that it may have.
    pub fn stream(self: &Arc<Self>, client: &Client) -> Result<Place, Refusal> {
        self.take(client, PlaceKind::Stream)
    }

    fn take(self: &Arc<Self>, client: &Client, kind: PlaceKind) -> Result<Place, Refusal> {
        let mut place = Place { clients: Arc::clone(self), client: *client, kind, is_held: false };
        if !client.is_limited {
            return Ok(place);
        }
        let most = match kind {
            PlaceKind::Request => self.most_requests,
            PlaceKind::Stream => self.most_streams,
        };
        let mut taken = self.taken();
        let of_client = taken.entry(client.address).or_default().of(kind);
        if *of_client >= most {
            let (code, what) = match kind {
                PlaceKind::Request => ("TOO_MANY_REQUESTS", "requests at a time"),
                PlaceKind::Stream => {
                    ("TOO_MANY_STREAMS", "sockets, streams and subscriptions at a time")
                }
            };
            return Err(limited(code, format!("expected at most {most} {what}"), most));
        }
        *of_client += 1;
        place.is_held = true;
        Ok(place)
    }

    /// Waits until the client may have so many values more. What is more than it may have at once
    /// counts as that.
    async fn values(&self, client: &Client, values: u64) {
        let values = u32::try_from(values).unwrap_or(u32::MAX);
        let Some(values) = NonZeroU32::new(values) else { return };
        let values = values.min(self.values_at_once);
        while let Ok(Err(early)) = self.values.check_key_n(&client.address, values) {
            sleep(early.wait_time_from(self.values.clock().now())).await;
        }
    }

    /// The turn at heavy work of a client that has a place.
    pub fn turn(self: &Arc<Self>, client: &Client) -> Turn {
        Turn { clients: Arc::clone(self), client: *client }
    }
}

fn limited(code: &'static str, message: String, limit: impl Into<async_graphql::Value>) -> Refusal {
    let mut refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, code, message);
    refusal.error.extensions.get_or_insert_default().set("limit", limit);
    refusal
}

/// Something that a client has going on. Dropping it ends that.
#[derive(Debug)]
pub struct Place {
    clients: Arc<Clients>,
    client: Client,
    kind: PlaceKind,
    is_held: bool,
}

impl Place {
    /// Counts one more request that comes by way of a socket.
    ///
    /// # Errors
    /// As [`Clients::count`].
    pub async fn count(&self) -> Result<(), Refusal> {
        self.clients.count(&self.client).await
    }

    /// A place among its client's streams for something that goes on within this.
    pub fn another(&self) -> Result<Self, Refusal> {
        self.clients.take(&self.client, PlaceKind::Stream)
    }

    /// The turn at heavy work of its client.
    pub fn turn(&self) -> Turn {
        self.clients.turn(&self.client)
    }
}

/// A turn at heavy work, of which each client does one piece at a time: whoever sends many waits for
/// its own, not others for them.
#[derive(Clone)]
pub struct Turn {
    clients: Arc<Clients>,
    client: Client,
}

impl Turn {
    /// Waits for it, and before until the client may have so many values. It lasts until what this
    /// gives is dropped.
    pub async fn wait(self, values: u64) -> Option<OwnedSemaphorePermit> {
        self.wait_for_values(values).await;
        let heavy = self.heavy()?;
        Arc::clone(&heavy.turn).acquire_owned().await.ok()
    }

    /// Waits until the client may have so many values.
    pub async fn wait_for_values(&self, values: u64) {
        if values == 0 {
            return;
        }
        if let Some(heavy) = self.heavy() {
            let _first = heavy.queue.acquire().await;
            self.clients.values(&self.client, values).await;
        }
    }

    /// Its client, as the one that ops are written for, if it is limited.
    pub fn submitter(&self) -> Option<Submitter> {
        let turn = self.clone();
        let charge = move |values| {
            let turn = turn.clone();
            async move { turn.wait_for_values(values).await }.boxed()
        };
        let address = self.client.address;
        self.client.is_limited.then(|| Submitter { address, charge: Arc::new(charge) })
    }

    /// The queue of its client's statements that take long. A client without limits has one for each
    /// request.
    pub fn statements(&self) -> Arc<Semaphore> {
        let heavy = self.heavy();
        heavy.map_or_else(|| Arc::new(Semaphore::new(1)), |heavy| Arc::clone(&heavy.statements))
    }

    /// What its client waits for, if that is anything.
    fn heavy(&self) -> Option<Arc<Heavy>> {
        if !self.client.is_limited {
            return None;
        }
        let taken = self.clients.taken();
        taken.get(&self.client.address).map(|places| Arc::clone(&places.heavy))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut taken = self.clients.taken();
        if let Some(places) = taken.get_mut(&self.client.address) {
            *places.of(self.kind) -= 1;
            if places.requests == 0 && places.streams == 0 {
                taken.remove(&self.client.address);
            }
        }
    }
}

/// Finds out who sends a request, for whoever answers it, and refuses what is too much.
pub async fn admit(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let client = Client::of(peer, request.headers(), &site.options);
    request.extensions_mut().insert(client);
    let is_rest = request.uri().path().starts_with("/api/");
    let counted = site.clients.count(&client).await;
    match counted.and_then(|()| site.clients.request(&client)) {
        // Streams have places of their own by the time that this one is given back.
        Ok(_place) => next.run(request).await,
        Err(refusal) => {
            let mut response = if is_rest {
                rest::Problem::from(refusal).into()
            } else {
                Outcome::from(refusal).respond(Accept::of(request.headers()))
            };
            let seconds = HeaderValue::from(Duration::from_secs(1).as_secs());
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn client(peer: &str, forwarded: &[&str]) -> Client {
        let options = HttpOptions {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "127.0.0.1/32".parse().unwrap()],
            ..HttpOptions::default()
        };
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1234);
        Client::of(Some(Peer::Address(peer)), &headers, &options)
    }

    #[test]
    fn a_process_that_connects_through_a_unix_socket_is_believed_only_if_it_is_listed() {
        let forwarded = "1.2.3.4, 10.0.0.1";
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static(forwarded),
        )]);
        for (trusted, address, is_limited) in [
            (&[][..], "0.0.0.0", false),
            (&["127.0.0.1", "10.0.0.0/8"], "0.0.0.0", false),
            (&["unix:"], "10.0.0.1", true),
            (&["unix:", "10.0.0.0/8"], "1.2.3.4", true),
        ] {
            let trusted_proxies = trusted.iter().map(|text| text.parse().unwrap()).collect();
            let options = HttpOptions { trusted_proxies, ..HttpOptions::default() };
            let found = Client::of(Some(Peer::Local), &headers, &options);
            let expected = Client { address: address.parse().unwrap(), is_limited };
            assert_eq!(found, expected, "{trusted:?}");
        }
    }

    #[test]
    fn a_client_is_who_the_trusted_proxies_say() {
        for (peer, forwarded, address, is_limited) in [
            ("1.2.3.4", &[][..], "1.2.3.4", true),
            ("127.0.0.1", &[], "127.0.0.1", false),
            ("::1", &[], "::", false),
            // Who is not trusted may say what it likes.
            ("1.2.3.4", &["5.6.7.8"], "1.2.3.4", true),
            ("127.0.0.1", &["5.6.7.8"], "5.6.7.8", true),
            ("10.1.1.1", &["5.6.7.8, 9.9.9.9"], "9.9.9.9", true),
            ("10.1.1.1", &["5.6.7.8", "9.9.9.9, 10.2.2.2"], "9.9.9.9", true),
            ("10.1.1.1", &["nonsense, 10.2.2.2"], "10.2.2.2", true),
            ("10.1.1.1", &["9.9.9.9, nonsense"], "10.1.1.1", true),
            ("::ffff:10.1.1.1", &["9.9.9.9"], "9.9.9.9", true),
            ("2001:db8:1:2:3:4:5:6", &[], "2001:db8:1:2::", true),
        ] {
            let found = client(peer, forwarded);
            let expected = Client { address: address.parse().unwrap(), is_limited };
            assert_eq!(found, expected, "{peer} {forwarded:?}");
        }
    }

    #[tokio::test]
    async fn each_takes_turns_with_itself_alone() {
        let clients = Clients::new(&HttpOptions::default());
        let (a, b) = (client("1.1.1.1", &[]), client("2.2.2.2", &[]));
        let _places = [clients.request(&a).unwrap(), clients.request(&b).unwrap()];
        let first = clients.turn(&a).wait(0).await;
        assert!(clients.turn(&a).wait(0).now_or_never().is_none());
        assert!(clients.turn(&b).wait(0).now_or_never().is_some());
        assert!(clients.turn(&client("127.0.0.1", &[])).wait(0).now_or_never().is_some());
        drop(first);
        assert!(clients.turn(&a).wait(0).now_or_never().is_some());
    }

    #[tokio::test]
    async fn each_waits_for_its_own_values() {
        let options = HttpOptions { max_client_values: 10, ..HttpOptions::default() };
        let clients = Clients::new(&options);
        let (a, b) = (client("1.1.1.1", &[]), client("2.2.2.2", &[]));
        let _places = [clients.request(&a).unwrap(), clients.request(&b).unwrap()];
        let has = |client, values| clients.turn(client).wait(values).now_or_never().is_some();
        // More than it may have at once counts as that.
        assert!(has(&a, 1_000));
        assert!(!has(&a, 1_000));
        // What has no values does not wait for them.
        let mut waiting = Box::pin(clients.turn(&a).wait(1_000));
        assert!((&mut waiting).now_or_never().is_none());
        assert!(has(&a, 0));
        drop(waiting);
        assert!(has(&b, 6));
        assert!(!has(&b, 6));
        assert!(has(&client("127.0.0.1", &[]), 1_000));
        // Bulk writes are charged to the same values.
        let charge =
            |client, values| clients.turn(client).submitter().map(|of| (of.charge)(values));
        assert!(charge(&a, 1).expect("a limited client").now_or_never().is_none());
        assert!(charge(&client("127.0.0.1", &[]), 1).is_none());
    }

    #[test]
    fn each_has_places_of_its_own() {
        let options = HttpOptions {
            max_client_requests: 2,
            max_client_streams: 1,
            max_client_rate: 10,
            ..HttpOptions::default()
        };
        let clients = Clients::new(&options);
        let (a, b) = (client("1.1.1.1", &[]), client("2.2.2.2", &[]));
        let held = [clients.request(&a).unwrap(), clients.request(&a).unwrap()];
        assert_eq!(clients.request(&a).unwrap_err().status, 429);
        let _stream = clients.stream(&a).unwrap();
        assert!(clients.stream(&a).is_err());
        assert!(clients.request(&b).is_ok());
        drop(held);
        assert!(clients.request(&a).is_ok());
        assert_eq!(clients.taken().len(), 1);
        // Five seconds' worth at once.
        assert_eq!((0..100).filter(|_| clients.count_at_once(&b).is_ok()).count(), 50);
        assert!((0..100).all(|_| clients.count_at_once(&client("127.0.0.1", &[])).is_ok()));
    }
}
