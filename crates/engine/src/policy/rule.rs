//! Rules of a policy and the patterns of their dimensions.

use std::sync::Arc;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::key::PermissionKey;
use super::matcher::{CaseSensitivity, Matcher};
use super::pattern::Pattern;
use super::position::{Position, Span};
use super::problem::Problem;

/// A rule: which jobs may use the permissions that it names.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Position of the rule in the file.
    pub position: Position,
    /// Number of the rule in its `permissions:` list, from 1.
    pub number: u32,
    /// Whether that list stands at the top of the policy.
    pub at_top: bool,
    /// `name:`, for readers.
    pub name: Option<Arc<str>>,
    /// `permission:`, at least one.
    pub permissions: Arc<[PermissionKey]>,
    /// Spans of the permissions, if they are a list.
    pub permission_spans: Box<[Span]>,
    /// `workflow:`; absent means `*`.
    pub workflow: Option<Patterns>,
    /// `branch:`; absent means `*`.
    pub branch: Option<Patterns>,
    /// `base:`, trusted bases of pull requests; absent means those that `branch` matches.
    pub base: Option<Patterns>,
    /// `environment:`; absent means `*`.
    pub environment: Option<Patterns>,
    /// `events:`; absent means every trusted event.
    pub events: Option<Box<[Arc<str>]>>,
    /// `claims:`, in file order.
    pub claims: Box<[(Arc<str>, Patterns)]>,
    /// `expires:`.
    pub expires: Option<Box<Expiry>>,
}

impl Rule {
    /// Keys of a rule.
    pub const KEYS: [&'static str; 9] = [
        "name",
        "permission",
        "workflow",
        "branch",
        "base",
        "environment",
        "events",
        "claims",
        "expires",
    ];
}

/// Patterns of one dimension, at least one; a value must match one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// Position of the patterns.
    pub position: Position,
    /// Patterns as in the policy.
    pub list: Box<[Pattern]>,
}

impl Patterns {
    /// Returns the problem of an empty list.
    pub fn empty(&self) -> Problem {
        Problem::new(self.position, "the list of patterns is empty")
            .help("write `\"*\"` for every value, or leave out the key")
    }

    /// Returns the names in the list, if it contains only valid names.
    pub fn names(&self) -> Option<impl Iterator<Item = &Arc<str>>> {
        let is_names = !self.list.is_empty() && self.list.iter().all(|one| one.name().is_some());
        is_names.then(|| self.list.iter().filter_map(Pattern::name))
    }

    /// Compiles all patterns of the list.
    ///
    /// # Errors
    /// The first invalid pattern, or the list is empty.
    pub fn compile(&self, case: CaseSensitivity) -> Result<Vec<Matcher<'_>>, Problem> {
        if self.list.is_empty() {
            return Err(self.empty());
        }
        self.list
            .iter()
            .map(|pattern| pattern.compile(case))
            .collect()
    }
}

/// Last moment at which a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Text as in the policy.
    pub text: Arc<str>,
    /// Last instant, inclusive. A date includes its whole day, in UTC.
    pub last: Timestamp,
}

impl Expiry {
    /// Parses an RFC 3339 date (`2027-01-31`) or instant (`2027-01-31T12:00:00Z`) to the last instant.
    pub(super) fn parse(text: &str) -> Option<Timestamp> {
        match shape(text).as_str() {
            "0000-00-00" => Some(last_of_day(text.parse().ok()?)),
            _ => parse_instant(text),
        }
    }

    /// Returns what to write instead of an invalid text.
    pub(super) fn help(text: &str) -> String {
        let shape = shape(text);
        let mut parts = text.split(['-', '.', '/']);
        let parts = [(); 3].map(|()| parts.next().unwrap_or_default());
        let date = |year: &str, month: &str, day: &str| {
            let date = format!("{year:0>4}-{month:0>2}-{day:0>2}");
            let is_date = Self::parse(&date).is_some();
            is_date.then_some(date)
        };
        let [first, second, third] = parts;
        let date = match &*shape {
            "0000" => date(text, "12", "31"),
            "0000-0-0" | "0000-00-0" | "0000-0-00" | "0000/00/00" => date(first, second, third),
            // With dots, the day comes first; with slashes, some countries write the month first.
            "0.0.0000" | "00.0.0000" | "0.00.0000" | "00.00.0000" => date(third, second, first),
            "0000-00-00T00:00:00" => Some(format!("{text}Z")),
            _ => None,
        };
        match date {
            Some(date) => format!("write `{date}` if this is the intended date"),
            None if shape == "0000-00-00" => "this day does not exist".to_owned(),
            None => "write `2027-01-31`, or `2027-01-31T12:00:00Z` with an offset".to_owned(),
        }
    }

    /// Whether `now` is after the last moment.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now > self.last
    }
}

/// Parses an RFC 3339 instant: `2027-01-31T12:00:00Z`, with its seconds and its offset.
///
/// A leap second counts as the second before it. An instant outside the range of `Timestamp` becomes the nearest
/// one inside.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    /// Length of `2027-01-31T12:00:00`.
    const CIVIL: usize = 19;
    let shape = shape(text).to_ascii_uppercase();
    let offset = shape.strip_prefix("0000-00-00T00:00:00")?;
    let offset = match offset.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches('0');
            (offset.len() < fraction.len()).then_some(offset)?
        }
        None => offset,
    };
    let (civil, offset) = text.split_at_checked(text.len() - offset.len())?;
    let (civil, fraction) = civil.split_at_checked(CIVIL)?;
    // Digits after the ninth are smaller than a nanosecond.
    let fraction = fraction.get(..10).unwrap_or(fraction);
    let is_leap = civil.ends_with(":60");
    let civil: DateTime = format!("{civil}{fraction}").parse().ok()?;
    let seconds = offset_seconds(offset)?;
    if is_leap && !can_be_leap(civil, seconds)? {
        return None;
    }
    let offset = Offset::from_seconds(seconds).ok()?;
    Some(offset.to_timestamp(civil).unwrap_or(match civil.year() {
        ..5000 => Timestamp::MIN,
        _ => Timestamp::MAX,
    }))
}

/// Parses the offset of an instant, `Z` or hours and minutes, to seconds.
fn offset_seconds(offset: &str) -> Option<i32> {
    if offset.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    if shape(offset).get(1..) != Some("00:00") {
        return None;
    }
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)?;
    match offset.chars().next()? {
        '+' => Some(seconds),
        '-' => Some(-seconds),
        _ => None,
    }
}

/// Whether the second after this one can be a leap second: these end June or December in UTC (RFC 3339,
/// appendix D).
fn can_be_leap(civil: DateTime, offset: i32) -> Option<bool> {
    let utc = civil
        .checked_sub(SignedDuration::from_secs(offset.into()))
        .ok()?;
    let is_last = utc.hour() == 23 && utc.minute() == 59;
    Some(is_last && matches!((utc.month(), utc.day()), (6, 30) | (12, 31)))
}

/// Returns the last moment of a day in UTC.
fn last_of_day(date: Date) -> Timestamp {
    let midnight = |date: Date| TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight()));
    let next = date.tomorrow().and_then(midnight);
    let last = next.and_then(|next| next.checked_sub(SignedDuration::from_nanos(1)));
    // Policies use the last days of the calendar for "never".
    last.unwrap_or(Timestamp::MAX)
}

/// Replaces all digits of a text with zeros.
fn shape(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A policy may have 200,000 rules. These are the sizes where a pointer has 64 bits; it is the largest.
    #[test]
    fn a_rule_is_small() {
        assert!(size_of::<Rule>() <= 200);
        assert!(size_of::<Patterns>() <= 24);
        assert!(size_of::<Pattern>() <= 32);
    }

    #[test]
    fn a_date_lasts_to_its_end_and_an_instant_to_itself() {
        for (expires, now, over) in [
            ("2027-01-31", "2027-01-31T23:59:59.999Z", false),
            ("2027-01-31", "2027-02-01T00:00:00Z", true),
            ("2027-01-31T12:00:00Z", "2027-01-31T12:00:00Z", false),
            (
                "2027-01-31T12:00:00Z",
                "2027-01-31T12:00:00.000000001Z",
                true,
            ),
            ("2027-01-31T12:00:00+02:00", "2027-01-31T10:00:01Z", true),
            (
                "2027-01-31T12:00:00.5-02:00",
                "2027-01-31T14:00:00.4Z",
                false,
            ),
            ("9999-12-30", "2500-01-01T00:00:00Z", false),
            ("9999-12-31", "2500-01-01T00:00:00Z", false),
            ("9999-12-31T23:59:59-12:00", "2500-01-01T00:00:00Z", false),
            ("0000-01-01", "0000-01-02T00:00:00Z", true),
            ("0000-01-01T00:00:00+23:59", "0000-01-01T00:00:00Z", true),
            ("2027-01-31t12:00:00z", "2027-01-31T12:00:00.1Z", true),
            (
                "2027-01-31T12:00:00.1234567891Z",
                "2027-01-31T12:00:00.12345679Z",
                true,
            ),
            // The examples of RFC 3339, section 5.8.
            ("1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.52Z", false),
            ("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57Z", false),
            ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z", true),
            ("1990-12-31T15:59:60-08:00", "1990-12-31T23:59:59Z", false),
            (
                "1937-01-01T12:00:27.87+00:20",
                "1937-01-01T11:40:27.88Z",
                true,
            ),
        ] {
            let text = expires.into();
            let last = Expiry::parse(expires).unwrap();
            let expiry = Expiry { text, last };
            assert_eq!(
                expiry.is_over(now.parse().unwrap()),
                over,
                "{expires} at {now}"
            );
        }
    }

    #[test]
    fn suggests_a_date() {
        for (text, date) in [
            ("2027", "2027-12-31"),
            ("2027-1-31", "2027-01-31"),
            ("2027/01/31", "2027-01-31"),
            ("1.2.2027", "2027-02-01"),
            ("31.01.2027", "2027-01-31"),
            ("2027-01-31T12:00:00", "2027-01-31T12:00:00Z"),
        ] {
            assert_eq!(
                Expiry::help(text),
                format!("write `{date}` if this is the intended date")
            );
            assert!(Expiry::parse(date).is_some());
        }
        assert_eq!(Expiry::help("2027-02-30"), "this day does not exist");
        // The day comes first in some countries, and the month in others.
        for text in ["01/02/2027", "31.13.2027", "soon", "", "1", "é"] {
            assert!(
                Expiry::help(text).starts_with("write `2027-01-31`, or "),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_neither_a_date_nor_an_instant() {
        for text in [
            "",
            "tomorrow",
            "2027",
            "2027-02-30",
            "20270131",
            "2027-01-31T12:00:00",
            "2027-01-31 12:00:00Z",
            "2027-01-31T12:00:00Z[UTC]",
            "31.01.2027",
            "2027-1-31",
            "2027-W05-7",
            "20270131T120000Z",
            "2027-01-31T12Z",
            "2027-01-31T12:00Z",
            "2027-01-31T12:00:00+02",
            "2027-01-31T12:00:00.Z",
            "2027-01-31T12:00:00,5Z",
            "2027-01-31T12:00:00+25:00",
            "2027-01-31T12:00:00+24:00",
            "2027-01-31T12:00:00+02:60",
            "2027-01-31T12:00:00+0200",
            "2027-01-31T12:00:00+02:00:00",
            "2027-01-31T12:00:00\u{2212}02:00",
            "2027-01-31T24:00:00Z",
            "2027-01-31T12:60:00Z",
            "2027-01-31T12:00:61Z",
            "2027-01-31T12:00:60Z",
            "2027-01-31T23:59:60Z",
            "2027-12-31T23:59:60+02:00",
            "2027-13-01T12:00:00Z",
            "2027-02-29T12:00:00Z",
            "2027-00-01",
            "2027-01-00",
            "2027-13-01",
            "-000001-01-31",
            "+002027-01-31",
            "02027-01-31",
            "-2027-01-31",
            " 2027-01-31",
            "2027-01-31 ",
            "\u{661}027-01-31",
        ] {
            assert_eq!(Expiry::parse(text), None, "{text}");
        }
    }
}
