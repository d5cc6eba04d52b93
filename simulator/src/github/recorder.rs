//! What came in, in order.

use std::time::{Duration, Instant};

use super::http::Request;
use super::route::Endpoint;

/// A request with its circumstances.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The request itself.
    pub request: Request,
    /// What it asks for.
    pub endpoint: Endpoint,
    /// The number of its TCP connection, from 1: equal numbers mean a reused connection.
    pub connection: u64,
    /// When the request had been read, by [`GitHub::clock`](super::GitHub::clock).
    pub at: Duration,
    /// The answer's status; `None` while, or when, there was none.
    pub status: Option<u16>,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    requests: Vec<RecordedRequest>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            requests: Vec::new(),
        }
    }

    /// Returns the index for [`Recorder::answered`].
    pub(crate) fn received(
        &mut self,
        request: &Request,
        endpoint: Endpoint,
        connection: u64,
    ) -> usize {
        self.requests.push(RecordedRequest {
            request: request.clone(),
            endpoint,
            connection,
            at: self.clock(),
            status: None,
        });
        self.requests.len() - 1
    }

    pub(crate) fn answered(&mut self, index: usize, status: u16) {
        if let Some(recorded) = self.requests.get_mut(index) {
            recorded.status = Some(status);
        }
    }

    pub(crate) fn clock(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn requests(&self) -> &[RecordedRequest] {
        &self.requests
    }

    /// Not for use while requests are being answered: their indices would point elsewhere.
    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }
}
