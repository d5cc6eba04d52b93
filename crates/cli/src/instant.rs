//! The clock, and times in options.

use anyhow::Context as _;
use jiff::Timestamp;

use engine::policy::parse_instant;

/// Returns the current time to the second.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

/// Parses the value of `--now`.
pub(super) fn instant(text: &str) -> anyhow::Result<Timestamp> {
    parse_instant(text).context("expected an instant such as `2027-01-31T12:00:00Z`")
}

/// Parses the value of `--since` and `--until`. A date means its start in UTC.
pub(super) fn date_or_instant(text: &str) -> anyhow::Result<Timestamp> {
    parse_instant(text)
        .or_else(|| parse_instant(&format!("{text}T00:00:00Z")))
        .context(
            "expected a date such as `2027-01-31`, or an instant such as `2027-01-31T12:00:00Z`",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_its_start_where_one_is_taken() {
        const START: Option<&str> = Some("2027-01-31T00:00:00Z");
        for (text, as_instant, as_date) in [
            ("2027-01-31T00:00:00Z", START, START),
            ("2027-01-31T02:00:00+02:00", START, START),
            ("2027-01-31", None, START),
            ("2027-01-32", None, None),
            ("2027-01-31T12:00Z", None, None),
            ("today", None, None),
            ("", None, None),
        ] {
            let parsed = |read: anyhow::Result<Timestamp>| read.ok().map(|time| time.to_string());
            assert_eq!(parsed(instant(text)).as_deref(), as_instant, "{text}");
            assert_eq!(parsed(date_or_instant(text)).as_deref(), as_date, "{text}");
        }
    }

    #[test]
    fn the_clock_has_no_fractions() {
        assert_eq!(now().subsec_nanosecond(), 0);
    }
}
