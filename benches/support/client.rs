//! A client that costs next to nothing, so that what is measured is the server: requests are
//! ready-made bytes, and an answer is read no further than to find its end.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Failure;

/// A request's bytes.
pub type Request = Vec<u8>;

pub fn get(path: &str) -> Request {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()
}

pub fn graphql(query: &str, variables: &Value) -> Request {
    post_json("/graphql", &json!({ "query": query, "variables": variables }).to_string())
}

pub fn post_json(path: &str, body: &str) -> Request {
    format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A request with this token.
pub fn with_token(request: &Request, token: &str) -> Request {
    with_header(request, "Authorization", &format!("Bearer {token}"))
}

/// The request with one more header.
pub fn with_header(request: &Request, name: &str, value: &str) -> Request {
    let text = String::from_utf8_lossy(request);
    text.replacen("\r\n", &format!("\r\n{name}: {value}\r\n"), 1).into_bytes()
}

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1 << 16) })
    }

    /// The body of the answer to a request, which is a success.
    pub fn ask(&mut self, request: &[u8]) -> Result<&[u8], Failure> {
        let body = self.exchange(request)?;
        if !self.buffer.starts_with(b"HTTP/1.1 200") {
            return Err(String::from_utf8_lossy(&self.buffer).into());
        }
        Ok(&self.buffer[body..])
    }

    /// The status of the answer to a request.
    pub fn status(&mut self, request: &[u8]) -> Result<u16, Failure> {
        self.exchange(request)?;
        let status = self.buffer.get(9..12).unwrap_or_default();
        Ok(std::str::from_utf8(status)?.parse()?)
    }

    /// Takes an answer into the buffer, and tells where its body begins.
    fn exchange(&mut self, request: &[u8]) -> Result<usize, Failure> {
        self.stream.write_all(request)?;
        self.buffer.clear();
        loop {
            let filled = self.buffer.len();
            self.buffer.resize(filled + (1 << 14), 0);
            let n = self.stream.read(&mut self.buffer[filled..])?;
            self.buffer.truncate(filled + n);
            if n == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some(body) = body_start(&self.buffer)? {
                return Ok(body);
            }
        }
    }

    /// The same, as JSON without errors.
    pub fn ask_json(&mut self, request: &[u8]) -> Result<Value, Failure> {
        let answer: Value = serde_json::from_slice(self.ask(request)?)?;
        if answer.get("errors").is_some() {
            return Err(format!("{answer:#}").into());
        }
        Ok(answer)
    }

    /// How long the server takes to answer.
    pub fn time(&mut self, request: &[u8]) -> Result<Duration, Failure> {
        let started = Instant::now();
        self.ask(request)?;
        Ok(started.elapsed())
    }
}

/// Where the body of a whole answer begins; `None` if there is more to come.
fn body_start(answer: &[u8]) -> Result<Option<usize>, Failure> {
    const LENGTH: &str = "\r\ncontent-length: ";
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?;
    let Some(length) = head.find(LENGTH) else {
        // It comes in chunks, the last one empty.
        let is_whole = answer.ends_with(b"\r\n0\r\n\r\n");
        return Ok(is_whole.then_some(end + 4));
    };
    let digits = head[length + LENGTH.len()..].split('\r').next().unwrap_or_default();
    let body = end + 4;
    Ok((answer.len() == body + digits.parse::<usize>()?).then_some(body))
}

/// How many requests a second a server answers when several connections ask without pause.
pub fn requests_per_second(
    address: SocketAddr,
    requests: &[Request],
    connections: usize,
    time: Duration,
) -> Result<f64, Failure> {
    let started = Instant::now();
    let ask = |nth: usize| -> Result<u32, Failure> {
        let mut connection = Connection::open(address)?;
        let mut answered = 0;
        // Each begins elsewhere, so that they do not ask for the same at the same time.
        for request in requests.iter().cycle().skip(nth * requests.len() / connections) {
            if started.elapsed() >= time {
                break;
            }
            connection.ask(request)?;
            answered += 1;
        }
        Ok(answered)
    };
    let answered = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..connections).map(|nth| scope.spawn(move || ask(nth))).collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client does not panic"))
            .sum::<Result<u32, Failure>>()
    })?;
    Ok(f64::from(answered) / started.elapsed().as_secs_f64())
}
