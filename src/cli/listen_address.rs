//! The addresses of `--listen` and `--metrics-listen`.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
use std::str::FromStr;

use crate::http::{self, Listener};

/// An address to listen on. A host name is resolved once, when it is parsed, so that what is checked
/// is what is listened on.
#[derive(Clone, Debug)]
pub struct ListenAddress {
    text: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// The addresses of a host, IPv4 first. Never empty.
    Network(Vec<SocketAddr>),
    /// The path of a Unix domain socket.
    Unix(PathBuf),
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let place = match text.strip_prefix("unix:") {
            Some("") => {
                return Err("expected a path after unix:, such as unix:/run/agent-jobs/http.sock"
                    .to_owned());
            }
            Some(path) => Place::Unix(path.into()),
            None => Place::Network(resolve(text)?),
        };
        Ok(Self { text: text.to_owned(), place })
    }
}

fn resolve(text: &str) -> Result<Vec<SocketAddr>, String> {
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    let host_and_port = text.rsplit_once(':').and_then(|(host, port)| {
        // A colon in the host is an IPv6 address without brackets.
        let is_host = !host.is_empty() && !host.contains([':', '/']);
        is_host.then_some((host, port.parse::<u16>().ok()?))
    });
    let Some((host, port)) = host_and_port else {
        return Err("expected a host and a port, such as 127.0.0.1:8080, localhost:8080 or \
                    [::1]:8080; 0.0.0.0:8080 listens on all IPv4 addresses of this machine, \
                    unix:/run/agent-jobs/http.sock on a Unix socket"
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
    Ok(addresses)
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ListenAddress {
    /// Whether only this machine can connect.
    pub fn is_loopback(&self) -> bool {
        match &self.place {
            Place::Network(addresses) => addresses.iter().all(|address| address.ip().is_loopback()),
            Place::Unix(_) => true,
        }
    }

    pub fn is_unix(&self) -> bool {
        matches!(self.place, Place::Unix(_))
    }

    /// Listens on the first of the addresses that can be listened on, or on the Unix domain socket,
    /// whose file gets the permissions `socket_mode`.
    ///
    /// # Errors
    /// Why it cannot; of several addresses, the last one's reason.
    pub fn listen(&self, socket_mode: u32) -> io::Result<Listener> {
        let addresses = match &self.place {
            Place::Network(addresses) => addresses,
            Place::Unix(path) => return http::listen_unix(path, socket_mode),
        };
        let mut result = Err(io::ErrorKind::AddrNotAvailable.into());
        for address in addresses {
            result = http::listen(*address);
            if result.is_ok() {
                break;
            }
        }
        result.map(Listener::Tcp)
    }
}

/// Reads permissions as `chmod` takes them in octal, such as 660.
pub fn socket_mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text.trim(), 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "expected permissions in octal, such as 660 or 600".to_owned())
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
        for text in
            ["", ":8080", "8080", "localhost", "::1:8080", "localhost:65536", "unix", "/run/x.sock"]
        {
            let error = text.parse::<ListenAddress>().unwrap_err();
            assert!(error.contains("127.0.0.1:8080"), "{text}: {error}");
        }
    }

    #[test]
    fn a_unix_socket_is_its_path() {
        for text in ["unix:/run/a b:1.sock", "unix:http.sock"] {
            let address: ListenAddress = text.parse().unwrap();
            assert!(address.is_loopback() && address.is_unix());
            assert_eq!(address.to_string(), text);
        }
        let error = "unix:".parse::<ListenAddress>().unwrap_err();
        assert!(error.contains("unix:/run/"), "{error}");
    }

    #[test]
    fn permissions_are_octal() {
        assert_eq!(socket_mode("660"), Ok(0o660));
        assert_eq!(socket_mode("0600"), Ok(0o600));
        for text in ["", "8", "rw", "1777", "-1"] {
            assert!(socket_mode(text).is_err(), "{text}");
        }
    }
}
