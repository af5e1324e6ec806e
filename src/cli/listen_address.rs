//! The addresses of `--listen` and `--metrics-listen`.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::str::FromStr;

use tokio::net::TcpListener;

use crate::http;

/// An address to listen on. A host name is resolved once, when it is parsed, so that what is checked
/// is what is listened on.
#[derive(Clone, Debug)]
pub struct ListenAddress {
    text: String,
    /// Those of the host, IPv4 first. Never empty.
    addresses: Vec<SocketAddr>,
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(address) = text.parse() {
            return Ok(Self { text: text.to_owned(), addresses: vec![address] });
        }
        let host_and_port = text.rsplit_once(':').and_then(|(host, port)| {
            // A colon in the host is an IPv6 address without brackets.
            let is_host = !host.is_empty() && !host.contains([':', '/']);
            is_host.then_some((host, port.parse::<u16>().ok()?))
        });
        let Some((host, port)) = host_and_port else {
            return Err("expected a host and a port, such as 127.0.0.1:8080, localhost:8080 or \
                        [::1]:8080; 0.0.0.0:8080 listens on all IPv4 addresses of this machine"
                .to_owned());
        };
        let resolved = (host, port)
            .to_socket_addrs()
            .map_err(|error| format!("cannot resolve the host {host}: {error}"))?;
        let mut addresses: Vec<_> = resolved.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        if addresses.is_empty() {
            return Err(format!("the host {host} has no address"));
        }
        Ok(Self { text: text.to_owned(), addresses })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ListenAddress {
    /// Whether only this machine can connect.
    pub fn is_loopback(&self) -> bool {
        self.addresses.iter().all(|address| address.ip().is_loopback())
    }

    /// Listens on the first of the addresses that can be listened on.
    ///
    /// # Errors
    /// The last address's, if there is none.
    pub fn listen(&self) -> io::Result<TcpListener> {
        let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
        for address in &self.addresses {
            result = http::listen(*address);
            if result.is_ok() {
                break;
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_resolved() {
        let address: ListenAddress = "localhost:8080".parse().unwrap();
        assert!(address.is_loopback());
        assert_eq!(address.to_string(), "localhost:8080");
        let address: ListenAddress = "[::1]:8080".parse().unwrap();
        assert!(address.is_loopback());
        let address: ListenAddress = "0.0.0.0:0".parse().unwrap();
        assert!(!address.is_loopback());
    }

    #[test]
    fn a_wrong_address_is_refused_with_an_example() {
        for text in ["", ":8080", "8080", "localhost", "::1:8080", "localhost:65536", "unix:/x:1"] {
            let error = text.parse::<ListenAddress>().unwrap_err();
            assert!(error.contains("127.0.0.1:8080"), "{text}: {error}");
        }
    }
}
