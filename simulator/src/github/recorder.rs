//! Records all requests in order.

use std::time::{Duration, Instant};

use super::http::{Answer, Request};
use super::route::Endpoint;

/// A request with its time, connection and result.
#[derive(Debug, Clone)]
pub struct RecordedRequest {
    /// The request itself.
    pub request: Request,
    /// Its endpoint.
    pub endpoint: Endpoint,
    /// Number of its TCP connection, from 1. Equal numbers mean a reused connection.
    pub connection: u64,
    /// Time when the request was read, by [`GitHub::clock`](super::GitHub::clock).
    pub at: Duration,
    /// Status of the response; `None` before, or without, a response.
    pub status: Option<u16>,
    /// The response, unless a fault replaced or cut it.
    pub answer: Option<Answer>,
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

    /// Records a request and returns the index for [`Recorder::answered`].
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
            answer: None,
        });
        self.requests.len() - 1
    }

    pub(crate) fn answered(&mut self, index: usize, status: u16) {
        if let Some(recorded) = self.requests.get_mut(index) {
            recorded.status = Some(status);
        }
    }

    /// Keeps the response of a request that has no fault.
    pub(crate) fn answered_by_model(&mut self, index: usize, answer: &Answer) {
        if let Some(recorded) = self.requests.get_mut(index) {
            recorded.answer = Some(answer.clone());
        }
    }

    pub(crate) fn clock(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn requests(&self) -> &[RecordedRequest] {
        &self.requests
    }

    /// Removes all requests. Do not call it while a request is pending, because its index would become invalid.
    pub(crate) fn clear(&mut self) {
        self.requests.clear();
    }
}
