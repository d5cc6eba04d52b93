//! How long to pause, and when to give up.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use github::Limited;

/// The longest pause. A limit that lasts longer stops the survey.
const SHORT: SignedDuration = SignedDuration::from_mins(2);
/// What GitHub's documentation asks for where the answer names no time.
const UNSAID: Duration = Duration::from_secs(60);
/// How often the same is tried again before it is given up.
const ATTEMPTS: u32 = 5;
/// The first pause after a failure; each one is twice the last.
const FIRST: Duration = Duration::from_millis(250);

/// When GitHub accepts requests again after it refused one.
pub(super) fn refused(limited: Limited, attempt: u32, now: Timestamp) -> Timestamp {
    let longer = |pause: Duration| {
        let pause = pause.saturating_mul(1 << attempt.min(ATTEMPTS));
        now.saturating_add(pause).unwrap_or(Timestamp::MAX)
    };
    match limited {
        // The clocks differ by a little.
        Limited::Until(resets) => resets.max(now) + SignedDuration::from_secs(1),
        Limited::For(Some(pause)) => now.saturating_add(pause).unwrap_or(Timestamp::MAX),
        Limited::For(None) => longer(UNSAID),
    }
}

/// Whether the survey waits until then.
pub(super) fn is_short(until: Timestamp, now: Timestamp) -> bool {
    until.duration_since(now) <= SHORT
}

/// The pause after a failure; `None` when it was tried often enough.
pub(super) fn failed(attempt: u32) -> Option<Duration> {
    (attempt < ATTEMPTS).then(|| FIRST.saturating_mul(1 << attempt))
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
            let pause = refused(limited, attempt, at(0));
            assert_eq!(pause, at(until), "{limited:?}");
            assert_eq!(is_short(pause, at(0)), short, "{limited:?}");
        }
        let all: Vec<_> = (0..).map_while(failed).collect();
        assert_eq!(all.len(), 5);
        assert_eq!(all.last(), Some(&Duration::from_secs(4)));
    }
}
