//! Many who watch over WebSocket, for next to nothing: one thread that counts frames.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::Failure;
use super::frames::{Frames, PONG, Piece, text};

/// One in so many reads what it gets, to tell how old it is.
const READERS: usize = 50;

/// When each report was accepted, by its number, which is what it tells as a count.
#[derive(Default)]
pub struct Accepted(Mutex<Vec<Option<Instant>>>);

impl Accepted {
    pub fn put(&self, number: usize, at: Instant) {
        let mut times = self.0.lock().expect("not poisoned");
        if times.len() <= number {
            times.resize(number + 1, None);
        }
        times[number] = Some(at);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }

    /// How old a report is. What is seen before the answer has come is new.
    fn age(&self, number: usize, now: Instant) -> Duration {
        let times = self.0.lock().expect("not poisoned");
        let accepted = times.get(number).copied().flatten();
        accepted.map_or(Duration::ZERO, |at| now.saturating_duration_since(at))
    }
}

/// What has arrived.
#[derive(Default)]
struct Counters {
    watching: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    /// Opening braces in all frames: each job has two, and each frame four of its own.
    braces: AtomicU64,
    lost: AtomicU64,
}

/// What has arrived until now.
#[derive(Clone, Copy)]
pub struct Arrived {
    pub frames: f64,
    pub bytes: f64,
    pub jobs: f64,
}

impl Arrived {
    pub fn since(self, before: Self) -> Self {
        Self {
            frames: self.frames - before.frames,
            bytes: self.bytes - before.bytes,
            jobs: self.jobs - before.jobs,
        }
    }
}

/// All who watch. Dropping it ends that.
pub struct Crowd {
    counters: Arc<Counters>,
    ages: Arc<Mutex<Vec<Duration>>>,
    is_done: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), Failure>>>,
}

impl Crowd {
    /// Connects one for each document; without one it just listens. Returns when all have their
    /// first frame.
    pub fn gather(
        address: SocketAddr,
        documents: Vec<Option<String>>,
        accepted: &Arc<Accepted>,
    ) -> Result<Self, Failure> {
        let size = documents.len();
        let mut crowd = Self {
            counters: Arc::default(),
            ages: Arc::default(),
            is_done: Arc::default(),
            thread: None,
        };
        let (counters, ages) = (Arc::clone(&crowd.counters), Arc::clone(&crowd.ages));
        let (is_done, accepted) = (Arc::clone(&crowd.is_done), Arc::clone(accepted));
        crowd.thread = Some(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let buffer = Rc::new(RefCell::new(vec![0; 256 << 10]));
            LocalSet::new().block_on(&runtime, async {
                for (nth, document) in documents.into_iter().enumerate() {
                    let stream = connect(address, document.as_deref()).await?;
                    let mut member = Member {
                        stream,
                        frames: Frames::default(),
                        counters: Arc::clone(&counters),
                        buffer: Rc::clone(&buffer),
                        reading: (nth % READERS == 0).then(Vec::new),
                        accepted: Arc::clone(&accepted),
                        ages: Arc::clone(&ages),
                        has_any: false,
                    };
                    tokio::task::spawn_local(async move {
                        if member.listen().await.is_err() {
                            member.counters.lost.fetch_add(1, Ordering::Relaxed);
                        }
                    });
                }
                while !is_done.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Ok(())
            })
        }));
        let started = Instant::now();
        while crowd.counters.watching.load(Ordering::Relaxed) < size as u64 {
            if crowd.thread.as_ref().is_some_and(JoinHandle::is_finished)
                || crowd.counters.lost.load(Ordering::Relaxed) > 0
                || started.elapsed() > Duration::from_mins(2)
            {
                return Err("not all could watch".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(crowd)
    }

    #[expect(clippy::cast_precision_loss, reason = "they are less than 2^53")]
    pub fn arrived(&self) -> Arrived {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let frames = count(&self.counters.frames);
        let jobs = (count(&self.counters.braces) - 4.0 * frames) / 2.0;
        Arrived { frames, bytes: count(&self.counters.bytes), jobs }
    }

    /// How old reports were when they arrived, since this was asked last.
    pub fn ages(&self) -> Vec<Duration> {
        std::mem::take(&mut self.ages.lock().expect("not poisoned"))
    }

    /// That no subscriber has lost its connection.
    pub fn check(&self) -> Result<(), Failure> {
        match self.counters.lost.load(Ordering::Relaxed) {
            0 => Ok(()),
            lost => Err(format!("{lost} lost their connection").into()),
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::Relaxed);
        if let Some(Err(_) | Ok(Err(_))) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the subscribers have ended early");
        }
    }
}

/// One of them.
struct Member {
    stream: TcpStream,
    frames: Frames,
    counters: Arc<Counters>,
    buffer: Rc<RefCell<Vec<u8>>>,
    /// The present text, of one who reads what it gets.
    reading: Option<Vec<u8>>,
    accepted: Arc<Accepted>,
    ages: Arc<Mutex<Vec<Duration>>>,
    has_any: bool,
}

impl Member {
    async fn listen(&mut self) -> Result<(), Failure> {
        loop {
            self.stream.readable().await?;
            let shared = Rc::clone(&self.buffer);
            let mut buffer = shared.borrow_mut();
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Err("the server closed the connection".into()),
                Ok(n) => self.take(&buffer[..n])?,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let (mut frames, mut length, mut braces) = (0, 0, 0);
        let (mut is_asked, mut is_closed) = (false, false);
        let (reading, accepted, ages) = (&mut self.reading, &self.accepted, &self.ages);
        self.frames.read(bytes, |piece| match piece {
            Piece::Text(piece, is_whole) => {
                length += piece.len() as u64;
                braces += piece.iter().filter(|byte| **byte == b'{').count() as u64;
                frames += u64::from(is_whole);
                if let Some(text) = reading {
                    text.extend_from_slice(piece);
                    if is_whole {
                        ages.lock().expect("not poisoned").extend(ages_of(text, accepted));
                        text.clear();
                    }
                }
            }
            Piece::Ping => is_asked = true,
            Piece::Close => is_closed = true,
        });
        self.counters.frames.fetch_add(frames, Ordering::Relaxed);
        self.counters.bytes.fetch_add(length, Ordering::Relaxed);
        self.counters.braces.fetch_add(braces, Ordering::Relaxed);
        if frames > 0 && !self.has_any {
            self.has_any = true;
            self.counters.watching.fetch_add(1, Ordering::Relaxed);
        }
        if is_asked {
            self.stream.try_write(&PONG)?;
        }
        if is_closed { Err("the server says goodbye".into()) } else { Ok(()) }
    }
}

/// How old the reports in a frame of changes are.
fn ages_of(frame: &[u8], accepted: &Accepted) -> Vec<Duration> {
    let now = Instant::now();
    let frame: Value = serde_json::from_slice(frame).unwrap_or_default();
    let update = &frame["payload"]["data"]["executingJobs"];
    if update["isSnapshot"] != Value::Bool(false) {
        return Vec::new();
    }
    let jobs = update["jobs"].as_array();
    let numbers = jobs.into_iter().flatten().filter_map(|job| {
        job["currentRun"]["agentTasksCount"]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
    });
    numbers.map(|number| accepted.age(number, now)).collect()
}

async fn connect(address: SocketAddr, document: Option<&str>) -> Result<TcpStream, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let protocol = document.map_or("", |_| "Sec-WebSocket-Protocol: graphql-transport-ws\r\n");
    let mut hello = format!(
        "GET /graphql HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{protocol}\r\n"
    )
    .into_bytes();
    stream.write_all(&hello).await?;
    // What comes after the head may come with it, but only once it was asked for.
    hello.clear();
    while !hello.ends_with(b"\r\n\r\n") {
        hello.push(stream.read_u8().await?);
    }
    if !hello.starts_with(b"HTTP/1.1 101") {
        return Err(String::from_utf8_lossy(&hello).into());
    }
    if let Some(document) = document {
        stream.write_all(&text(r#"{"type":"connection_init"}"#)).await?;
        let mut ack = [0; 256];
        let n = stream.read(&mut ack).await?;
        if !ack[..n].windows(14).any(|window| window == b"connection_ack") {
            return Err(String::from_utf8_lossy(&ack[..n]).into());
        }
        let subscribe = json!({ "type": "subscribe", "id": "1", "payload": { "query": document } });
        stream.write_all(&text(&subscribe.to_string())).await?;
    }
    Ok(stream)
}
