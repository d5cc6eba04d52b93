//! Sends requests over a fixed number of connections, and counts the answers with their times.
//!
//! One thread does all of it, so that 32 connections cost 32 sockets and not 32 threads on the core beside the
//! server's.

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use super::pauses::Delays;

/// When requests are due.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As soon as a connection is free.
    Full,
    /// So many in a second, whether or not the answers keep up. A request that finds no free connection waits, and its
    /// time counts from when it was due: a slow answer cannot hide the ones that it delays ("coordinated omission").
    Rate(f64),
}

/// What is sent: whole requests, one after the other, again and again.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// `HOST:PORT`, or `unix:PATH`.
    pub(crate) address: String,
    /// The requests.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Number of connections.
    pub(crate) connections: usize,
    /// When they are due.
    pub(crate) pace: Pace,
}

/// What came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answers {
    /// Microseconds from when each request was due to its whole answer, in the order of the answers.
    pub(crate) times: Vec<u32>,
    /// When each of them was due.
    dues: Vec<Instant>,
    /// Number of answers by status and reason, such as `200 granted`.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// Number of requests without a whole answer.
    pub(crate) broken: u64,
    /// Time of the whole load.
    pub(crate) elapsed: Duration,
}

impl Answers {
    /// Returns the number of whole answers.
    pub(crate) fn count(&self) -> u64 {
        self.kinds.values().sum()
    }

    /// Returns the number of requests with another answer than these, or with none.
    pub(crate) fn other_than(&self, kinds: &[&str]) -> u64 {
        let others = self.kinds.iter();
        let others = others.filter(|(kind, _)| !kinds.contains(&kind.as_str()));
        self.broken + others.map(|(_, count)| count).sum::<u64>()
    }

    /// Returns the answers in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.count() as f64 / self.elapsed.as_secs_f64()
    }

    /// Returns the time in which a share of all requests was answered. A request without an answer never was.
    pub(crate) fn within(&self, share: f64) -> Duration {
        let mut times = self.times.clone();
        times.sort_unstable();
        let all = times.len() as f64 + self.broken as f64;
        let place = (all * share).ceil() as usize;
        let time = times.get(place.saturating_sub(1));
        time.map_or(Duration::MAX, |micros| {
            Duration::from_micros((*micros).into())
        })
    }

    /// Returns the times of the requests that no pause of the machine can have delayed.
    pub(crate) fn without(&self, delays: &Delays) -> Self {
        let all = self.dues.iter().zip(&self.times);
        let kept = all.filter(|(due, _)| !delays.include(**due));
        let (dues, times) = kept.map(|(due, time)| (*due, *time)).unzip();
        Self {
            times,
            dues,
            ..Self::default()
        }
    }

    /// Adds those of a later load.
    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.dues.extend(other.dues);
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.broken += other.broken;
        self.elapsed += other.elapsed;
    }
}

/// A stream of either kind.
trait Stream: Read + Write + AsFd {}

impl<S: Read + Write + AsFd> Stream for S {}

fn connect(address: &str) -> std::io::Result<Box<dyn Stream>> {
    if let Some(path) = address.strip_prefix("unix:") {
        return Ok(Box::new(UnixStream::connect(path)?));
    }
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}

struct Connection {
    stream: Box<dyn Stream>,
    /// When the request on its way was due.
    due: Option<Instant>,
    read: Vec<u8>,
}

impl Connection {
    fn open(address: &str) -> anyhow::Result<Self> {
        Ok(Self {
            stream: connect(address).with_context(|| format!("connect {address}"))?,
            due: None,
            read: Vec::new(),
        })
    }

    /// Reads what has arrived. Returns the kind of the answer once it is whole.
    fn receive(&mut self) -> anyhow::Result<Option<String>> {
        let mut buffer = [0; 4096];
        let count = self.stream.read(&mut buffer)?;
        anyhow::ensure!(count > 0, "the connection ended");
        self.read.extend(buffer.iter().take(count));
        let Some((kind, length)) = answer(&self.read)? else {
            return Ok(None);
        };
        if self.read.len() < length {
            return Ok(None);
        }
        self.read.clear();
        Ok(Some(kind))
    }
}

/// Returns the kind of an answer and its whole length, once its head is there.
fn answer(bytes: &[u8]) -> anyhow::Result<Option<(String, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = head.parse(bytes)? else {
        return Ok(None);
    };
    let status = head.code.context("an answer without a status")?;
    let value = |name: &str| {
        let mut headers = head.headers.iter();
        let found = headers.find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let body: usize = value("content-length").unwrap_or("0").parse()?;
    let kind = match value("x-repo-permissions-reason") {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    };
    Ok(Some((kind, length + body)))
}

impl Load {
    /// Sends until `is_over` for the time since the start, and waits for the last answers.
    pub(crate) fn run(&self, is_over: &dyn Fn(Duration) -> bool) -> anyhow::Result<Answers> {
        let connections = (0..self.connections).map(|_| Connection::open(&self.address));
        let mut running = Running {
            load: self,
            connections: connections.collect::<anyhow::Result<_>>()?,
            free: (0..self.connections).collect(),
            sent: 0,
            started: Instant::now(),
            answers: Answers::default(),
        };
        while !is_over(running.started.elapsed()) {
            running.send()?;
            running.receive(running.pause())?;
        }
        running.answers.elapsed = running.started.elapsed();
        let last = Instant::now() + Duration::from_secs(15);
        while running.free.len() < self.connections && Instant::now() < last {
            running.receive(Duration::from_millis(100))?;
        }
        running.answers.broken += (self.connections - running.free.len()) as u64;
        Ok(running.answers)
    }

    /// Sends for some time.
    pub(crate) fn run_for(&self, time: Duration) -> anyhow::Result<Answers> {
        self.run(&|elapsed| elapsed >= time)
    }
}

struct Running<'l> {
    load: &'l Load,
    connections: Vec<Connection>,
    /// Connections without a request on its way, the longest free first.
    free: VecDeque<usize>,
    sent: usize,
    started: Instant,
    answers: Answers,
}

impl Running<'_> {
    /// When the next request is due.
    fn due(&self) -> Instant {
        match self.load.pace {
            Pace::Full => Instant::now(),
            Pace::Rate(rate) => self.started + Duration::from_secs_f64(self.sent as f64 / rate),
        }
    }

    /// Time to sleep until the next request can leave. It does not sleep where one leaves each millisecond: to wake it
    /// would be work for the core of the server at full load, and takes 0.1 ms.
    fn pause(&self) -> Duration {
        let longest = Duration::from_millis(100);
        match (self.load.pace, self.free.is_empty()) {
            (Pace::Full, _) => Duration::ZERO,
            (Pace::Rate(rate), _) if rate >= 1000.0 => Duration::ZERO,
            (Pace::Rate(_), true) => longest,
            (Pace::Rate(_), false) => {
                longest.min(self.due().saturating_duration_since(Instant::now()))
            }
        }
    }

    /// Sends what is due, as far as connections are free.
    fn send(&mut self) -> anyhow::Result<()> {
        while self.due() <= Instant::now() {
            let Some(place) = self.free.pop_front() else {
                return Ok(());
            };
            let due = self.due();
            let requests = &self.load.requests;
            let request = requests
                .get(self.sent % requests.len())
                .context("no request")?;
            self.sent += 1;
            let connection = self.connections.get_mut(place).context("no connection")?;
            connection.due = Some(due);
            if connection.stream.write_all(request).is_err() {
                self.broke(place)?;
            }
        }
        Ok(())
    }

    /// Waits for answers, at most for `pause`.
    fn receive(&mut self, pause: Duration) -> anyhow::Result<()> {
        let streams = self
            .connections
            .iter()
            .map(|connection| PollFd::new(connection.stream.as_fd(), PollFlags::POLLIN));
        let mut polled: Vec<_> = streams.collect();
        match ppoll(&mut polled, Some(TimeSpec::from_duration(pause)), None) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let polled = polled.iter().enumerate();
        let ready = polled.filter(|(_, one)| one.any().unwrap_or_default());
        let ready: Vec<_> = ready.map(|(place, _)| place).collect();
        for place in ready {
            let connection = self.connections.get_mut(place).context("no connection")?;
            match (connection.receive(), connection.due) {
                (Ok(None), Some(_)) => {}
                (Ok(Some(kind)), Some(due)) => {
                    connection.due = None;
                    let micros = due.elapsed().as_micros();
                    let micros = u32::try_from(micros).unwrap_or(u32::MAX);
                    self.answers.times.push(micros);
                    self.answers.dues.push(due);
                    *self.answers.kinds.entry(kind).or_default() += 1;
                    self.free.push_back(place);
                }
                // Broken off, or bytes that nobody asked for.
                _ => self.broke(place)?,
            }
        }
        Ok(())
    }

    /// Replaces a connection, and counts its request as one without an answer.
    fn broke(&mut self, place: usize) -> anyhow::Result<()> {
        let connection = self.connections.get_mut(place).context("no connection")?;
        if connection.due.is_some() {
            self.answers.broken += 1;
            self.free.push_back(place);
        }
        *connection = Connection::open(&self.load.address)?;
        Ok(())
    }
}
