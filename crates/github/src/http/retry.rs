//! Repeating a request: only where that is safe, with back-off, inside the budget of the run.

use std::future::Future;
use std::time::Duration;

use http::StatusCode;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::{Instant, sleep, timeout_at};

use super::{HttpError, REQUEST_TIMEOUT, Response};

const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Whether a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing, or the same again changes nothing: repeated on transport errors, 429, 5xx.
    Safe,
    /// The same, but of the answers only on those that pass by themselves: 429, 502, 503 and 504.
    ///
    /// Source: the OTLP specification 1.x, "Retryable Response Codes".
    Transient,
    /// It creates something: repeated only when surely nothing was done (no connection, or refused
    /// by a rate limit).
    Unsafe,
    /// Whoever asks knows what to do about a failure.
    Never,
}

/// The time that is left.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    deadline: Instant,
}

impl Budget {
    /// A budget that ends at the instant.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline }
    }

    /// What is left of it.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Makes a request, again where `repeat` allows it.
    ///
    /// # Errors
    /// The last attempt's error. An answer with an error status is not an error here.
    pub async fn run<F, T>(
        &self,
        repeat: Repeat,
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
            let Some(asked) = repeat.after(&result) else {
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

/// Three to five quarters of a pause: jobs that failed together do not come back together.
fn jittered(pause: Duration) -> Duration {
    let mut random = [128];
    _ = SystemRandom::new().fill(&mut random);
    pause * (192 + u32::from(random[0]) / 2) / 256
}

impl Repeat {
    /// `None`: the result stands. Otherwise try again, after the pause that the server asked for.
    fn after(self, result: &Result<Response, HttpError>) -> Option<Option<Duration>> {
        match result {
            _ if self == Self::Never => None,
            Err(HttpError::Connect { .. }) => Some(None),
            Err(HttpError::Timeout { .. } | HttpError::Transport { .. }) => {
                (self != Self::Unsafe).then_some(None)
            }
            Err(_) => None,
            Ok(response) => {
                let asked = response
                    .header("retry-after")
                    .and_then(|seconds| seconds.trim().parse().ok())
                    .map(Duration::from_secs);
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
        let date = Some("Mon, 23 Nov 2026 00:00:00 GMT");
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
            (answer(503, date), own_pause, own_pause, None),
            (connect, own_pause, own_pause, own_pause),
            // It would not be another one the next time.
            (untrusted, None, None, None),
            (broken, own_pause, own_pause, None),
            (large, None, None, None),
        ] {
            assert_eq!(Repeat::Safe.after(&result), safe, "{result:?}");
            assert_eq!(Repeat::Transient.after(&result), transient, "{result:?}");
            assert_eq!(Repeat::Unsafe.after(&result), repeat_unsafe, "{result:?}");
            assert_eq!(Repeat::Never.after(&result), None, "{result:?}");
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
