//! Retries a request where that is safe, with back-off, within the budget of the run.

use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{Instant, sleep, timeout_at};

use super::{HttpError, REQUEST_TIMEOUT, Response};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// When to retry a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The request is idempotent: retry on transport errors, 429 and 5xx.
    Safe,
    /// The request is idempotent: retry on transport errors, and on transient statuses only: 429, 502, 503, 504.
    ///
    /// Source: the OTLP specification 1.x, "Retryable Response Codes".
    Transient,
    /// The request creates something: retry only if the server cannot have processed it (no connection, or
    /// rejected by a rate limit).
    Unsafe,
    /// The caller handles failures.
    Never,
}

/// The remaining time.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    deadline: Instant,
}

impl Budget {
    /// Creates a budget that ends at an instant.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// Returns the remaining time.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Makes a request and retries as `retry` allows.
    ///
    /// # Errors
    /// The last attempt's error. A response with an error status is not an error here.
    pub async fn run<F, T>(
        &self,
        retry: Retry,
        host: &str,
        mut attempt: F,
    ) -> Result<Response, HttpError>
    where
        F: FnMut() -> T,
        T: Future<Output = Result<Response, HttpError>>,
    {
        let mut pause = FIRST_PAUSE;
        for number in 1.. {
            if self.left().is_zero() {
                return Err(HttpError::OutOfTime);
            }
            let started = Instant::now();
            let until = self.deadline.min(started + REQUEST_TIMEOUT);
            let result = timeout_at(until, attempt()).await.unwrap_or_else(|_| {
                Err(HttpError::Timeout {
                    host: host.to_owned(),
                    after: started.elapsed(),
                })
            });
            let Some(asked) = retry.after(&result) else {
                return result;
            };
            let wait = asked.unwrap_or_else(|| jittered(pause));
            if number >= ATTEMPTS || wait >= self.left() {
                return result;
            }
            sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(HttpError::OutOfTime)
    }
}

/// Returns three to five quarters of a pause, so that jobs that failed together do not retry together.
fn jittered(pause: Duration) -> Duration {
    let mut random = [128];
    _ = SystemRandom::new().fill(&mut random);
    pause * (192 + u32::from(random[0]) / 2) / 256
}

impl Retry {
    /// Returns `None` if the result is final, otherwise the pause that the server asked for, if any.
    fn after(self, result: &Result<Response, HttpError>) -> Option<Option<Duration>> {
        match result {
            _ if self == Self::Never => None,
            Err(HttpError::Connect { .. }) => Some(None),
            Err(HttpError::Timeout { .. } | HttpError::Transport { .. }) => {
                (self != Self::Unsafe).then_some(None)
            }
            Err(_) => None,
            Ok(response) => {
                let asked = response.retry_after();
                match response.status {
                    StatusCode::TOO_MANY_REQUESTS => Some(asked),
                    // GitHub's secondary rate limit.
                    StatusCode::FORBIDDEN if asked.is_some() && self != Self::Transient => {
                        Some(asked)
                    }
                    status if status.is_server_error() => {
                        let again = match self {
                            Self::Safe => true,
                            Self::Transient => (502..=504).contains(&status.as_u16()),
                            Self::Unsafe | Self::Never => false,
                        };
                        again.then_some(asked)
                    }
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Result<Response, HttpError> {
        let mut headers = http::HeaderMap::new();
        let now = "Mon, 23 Nov 2026 00:00:00 GMT";
        headers.insert("date", now.parse().unwrap());
        if let Some(value) = retry_after {
            headers.insert("retry-after", value.parse().unwrap());
        }
        Ok(Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Vec::new(),
        })
    }

    #[test]
    fn what_is_repeated() {
        let host = || "h".to_owned();
        let connect = Err(HttpError::Connect {
            host: host(),
            why: String::new(),
        });
        let untrusted = Err(HttpError::Untrusted {
            host: host(),
            why: String::new(),
        });
        let broken = Err(HttpError::Transport {
            host: host(),
            why: String::new(),
        });
        let large = Err(HttpError::TooLarge {
            host: host(),
            limit: 1,
        });
        let seconds = |n| Some(Some(Duration::from_secs(n)));
        let own_pause = Some(None);
        let in_three_seconds = Some("Mon, 23 Nov 2026 00:00:03 GMT");
        let past = Some("Sun, 22 Nov 2026 23:59:59 GMT");
        for (result, safe, transient, repeat_unsafe) in [
            (answer(200, None), None, None, None),
            (answer(404, None), None, None, None),
            (answer(403, None), None, None, None),
            (answer(403, Some("2")), seconds(2), None, seconds(2)),
            (answer(429, None), own_pause, own_pause, own_pause),
            (answer(429, Some("1")), seconds(1), seconds(1), seconds(1)),
            (answer(500, None), own_pause, None, None),
            (answer(501, None), own_pause, None, None),
            (answer(502, None), own_pause, own_pause, None),
            (answer(503, Some("3")), seconds(3), seconds(3), None),
            (answer(503, in_three_seconds), seconds(3), seconds(3), None),
            (answer(403, in_three_seconds), seconds(3), None, seconds(3)),
            (answer(503, past), own_pause, own_pause, None),
            (answer(503, Some("soon")), own_pause, own_pause, None),
            (connect, own_pause, own_pause, own_pause),
            // It would not be another one the next time.
            (untrusted, None, None, None),
            (broken, own_pause, own_pause, None),
            (large, None, None, None),
        ] {
            assert_eq!(Retry::Safe.after(&result), safe, "{result:?}");
            assert_eq!(Retry::Transient.after(&result), transient, "{result:?}");
            assert_eq!(Retry::Unsafe.after(&result), repeat_unsafe, "{result:?}");
            assert_eq!(Retry::Never.after(&result), None, "{result:?}");
        }
    }

    #[test]
    fn pauses_differ_a_little() {
        let pauses: Vec<_> = (0..100).map(|_| jittered(LONGEST_PAUSE)).collect();
        assert!(pauses.iter().any(|pause| *pause != pauses[0]));
        for pause in pauses {
            assert!(pause >= LONGEST_PAUSE * 3 / 4 && pause <= LONGEST_PAUSE * 5 / 4);
        }
    }
}
