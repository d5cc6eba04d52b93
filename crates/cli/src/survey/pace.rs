//! Pauses and retries.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use github::Limited;

/// Maximum pause. A longer rate limit stops the survey.
const MAX_PAUSE: SignedDuration = SignedDuration::from_mins(2);
/// Pause that GitHub's documentation asks for if the response names none.
const DEFAULT_PAUSE: Duration = Duration::from_secs(60);
/// Maximum number of retries.
const MAX_ATTEMPTS: u32 = 5;
/// First pause after a failure. Each further pause is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Returns the time when GitHub accepts requests again after a rate limit.
pub(super) fn retry_at(limited: Limited, attempt: u32, now: Timestamp) -> Timestamp {
    let longer = |pause: Duration| {
        let pause = pause.saturating_mul(1 << attempt.min(MAX_ATTEMPTS));
        now.saturating_add(pause).unwrap_or(Timestamp::MAX)
    };
    match limited {
        // The clocks can differ slightly.
        Limited::Until(resets) => resets.max(now) + SignedDuration::from_secs(1),
        Limited::For(Some(pause)) => now.saturating_add(pause).unwrap_or(Timestamp::MAX),
        Limited::For(None) => longer(DEFAULT_PAUSE),
    }
}

/// Returns whether the survey waits until then.
pub(super) fn is_short(until: Timestamp, now: Timestamp) -> bool {
    until.duration_since(now) <= MAX_PAUSE
}

/// Returns the pause after a failure, or `None` after the last retry.
pub(super) fn backoff(attempt: u32) -> Option<Duration> {
    (attempt < MAX_ATTEMPTS).then(|| FIRST_PAUSE.saturating_mul(1 << attempt))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn pauses_are_as_long_as_github_says_and_longer_each_time_where_it_says_nothing() {
        for (limited, attempt, until, short) in [
            (Limited::Until(at(90)), 0, 91, true),
            (Limited::Until(at(3_600)), 0, 3_601, false),
            (Limited::Until(at(-5)), 0, 1, true),
            (Limited::For(Some(Duration::from_secs(7))), 3, 7, true),
            (Limited::For(None), 0, 60, true),
            (Limited::For(None), 1, 120, true),
            (Limited::For(None), 2, 240, false),
        ] {
            let pause = retry_at(limited, attempt, at(0));
            assert_eq!(pause, at(until), "{limited:?}");
            assert_eq!(is_short(pause, at(0)), short, "{limited:?}");
        }
        let all: Vec<_> = (0..).map_while(backoff).collect();
        assert_eq!(all.len(), 5);
        assert_eq!(all.last(), Some(&Duration::from_secs(4)));
    }
}
