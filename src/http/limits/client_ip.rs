//! The identity of a client, by which it is limited: its IP address, as seen by the server or by a
//! trusted proxy.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use ipnet::IpNet;

/// The other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer {
    Address(SocketAddr),
    /// A process on this machine, connected through a Unix domain socket.
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

/// A proxy whose `X-Forwarded-For` header is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustedProxy {
    Network(IpNet),
    /// Any process that connects through a Unix domain socket.
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

/// A client: an IPv4 address or an IPv6 /64 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    pub(super) address: IpAddr,
    /// Clients on this machine are not limited: such a client is a proxy that is missing from
    /// `--trusted-proxies`, behind which all users share one address, or a program that could read
    /// the database as well.
    pub(super) is_limited: bool,
}

impl Client {
    /// The client behind a connection: its peer, or the address that trusted proxies report.
    pub fn new(peer: Option<Peer>, headers: &HeaderMap, proxies: &[TrustedProxy]) -> Self {
        let peer = match peer {
            Some(Peer::Address(peer)) => Some(peer.ip().to_canonical()),
            Some(Peer::Local) | None => None,
        };
        let is_trusted = |address: &IpAddr| {
            proxies.iter().any(|proxy| match proxy {
                TrustedProxy::Network(network) => network.contains(address),
                TrustedProxy::Unix => false,
            })
        };
        let is_peer_trusted = match &peer {
            Some(peer) => is_trusted(peer),
            None => proxies.contains(&TrustedProxy::Unix),
        };
        if is_peer_trusted {
            // Each proxy appends the address of its peer, so the first entries are whatever the
            // client sent. An entry that is no address ends the trusted part.
            let entries = headers.get_all("x-forwarded-for").iter();
            let entries: Vec<_> = entries
                .flat_map(|value| value.to_str().unwrap_or_default().split(','))
                .map(|entry| entry.trim().parse::<IpAddr>().map(|address| address.to_canonical()))
                .collect();
            let trusted = entries.iter().rev().map_while(|entry| entry.as_ref().ok());
            let mut last = None;
            for address in trusted {
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

/// The address, or the /64 network of an IPv6 address: the smallest that a provider assigns.
fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    /// A client with this peer and these `X-Forwarded-For` headers.
    pub fn client(peer: &str, forwarded: &[&str]) -> Client {
        let proxies = ["10.0.0.0/8", "127.0.0.1/32"].map(|text| text.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 1234);
        Client::new(Some(Peer::Address(peer)), &headers, &proxies)
    }

    #[test]
    fn unix_socket_peers_are_trusted_only_if_listed() {
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
            let proxies: Vec<_> = trusted.iter().map(|text| text.parse().unwrap()).collect();
            let found = Client::new(Some(Peer::Local), &headers, &proxies);
            let expected = Client { address: address.parse().unwrap(), is_limited };
            assert_eq!(found, expected, "{trusted:?}");
        }
    }

    #[test]
    fn the_client_is_the_last_untrusted_forwarded_address() {
        for (peer, forwarded, address, is_limited) in [
            ("1.2.3.4", &[][..], "1.2.3.4", true),
            ("127.0.0.1", &[], "127.0.0.1", false),
            ("::1", &[], "::", false),
            // The header of an untrusted peer is ignored.
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
}
