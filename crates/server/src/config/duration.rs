//! Durations such as `30s`, `10m` and `1h`.

use std::time::Duration;

/// Parses a whole number of seconds, minutes or hours, at least one second and at most a day.
pub(super) fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    let is_decimal = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let number: u64 = number.parse().ok().filter(|_| is_decimal)?;
    let seconds = number.checked_mul(seconds)?;
    (1..=86_400)
        .contains(&seconds)
        .then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_duration_is() {
        for (text, seconds) in [("1s", 1), ("30s", 30), ("15m", 900), ("24h", 86_400)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "0s",
            "01s",
            "+1s",
            "-1s",
            "1",
            "1 s",
            "1d",
            "1S",
            "1.5m",
            "25h",
            "1ms",
            "1µ",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
