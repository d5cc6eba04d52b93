//! The checked parts of a policy: rules and the patterns of their dimensions.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::key::PermissionKey;
use super::pattern::{Case, Matcher, Pattern};
use super::position::{Place, Position};
use super::problem::Problem;

/// One rule: who may use the permissions it names.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// Where it starts in the file.
    pub position: Position,
    /// Its place in its `permissions:` list, from 1.
    pub number: usize,
    /// Whether that list is the one at the top of the file.
    pub at_top: bool,
    /// `name:`, for people.
    pub name: Option<Cow<'a, str>>,
    /// `permission:`, at least one.
    pub permissions: Vec<PermissionKey<'a>>,
    /// Where each of them stands, if they are a list.
    pub permission_places: Vec<Place>,
    /// `workflow:`; absent means `*`.
    pub workflow: Option<Patterns<'a>>,
    /// `branch:`; absent means `*`.
    pub branch: Option<Patterns<'a>>,
    /// `base:`, the bases of pull requests that are trusted; absent means those that `branch` matches.
    pub base: Option<Patterns<'a>>,
    /// `environment:`; absent means `*`.
    pub environment: Option<Patterns<'a>>,
    /// `events:`; absent means every event but the untrusted ones.
    pub events: Option<Vec<Cow<'a, str>>>,
    /// `claims:` in file order.
    pub claims: Vec<(Cow<'a, str>, Patterns<'a>)>,
    /// `expires:`.
    pub expires: Option<Expiry<'a>>,
}

impl Rule<'_> {
    /// The keys of a rule.
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

/// The patterns of one dimension: at least one, and a value matches when any of them does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns<'a> {
    /// Where the value stands.
    pub position: Position,
    /// As they are written.
    pub list: Vec<Pattern<'a>>,
}

impl<'a> Patterns<'a> {
    /// What is wrong with a list without a pattern.
    pub(crate) fn empty(&self) -> Problem {
        Problem::new(self.position, "the list of patterns is empty")
            .help("write `\"*\"` for every value, or leave the key out")
    }

    /// The names that it is made of, if it is made of names only and none of them is wrong.
    pub(crate) fn names(&self) -> Option<impl Iterator<Item = &str>> {
        let is_names = !self.list.is_empty() && self.list.iter().all(|one| one.name().is_some());
        is_names.then(|| self.list.iter().filter_map(Pattern::name))
    }

    /// Compiles every pattern of the list.
    ///
    /// # Errors
    /// The first that is wrong, or the list is empty.
    pub fn compile(&self, case: Case) -> Result<Vec<Matcher<'_>>, Problem> {
        if self.list.is_empty() {
            return Err(self.empty());
        }
        self.list
            .iter()
            .map(|pattern| pattern.compile(case))
            .collect()
    }
}

/// The last moment at which a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry<'a> {
    /// As it is written.
    pub text: Cow<'a, str>,
    /// The last instant, inclusive. A date lasts to the end of its day, in UTC.
    pub last: Timestamp,
}

impl<'a> Expiry<'a> {
    /// Reads a date (`2027-01-31`) or an RFC 3339 instant (`2027-01-31T12:00:00Z`).
    pub(super) fn parse(text: Cow<'a, str>) -> Option<Self> {
        let last = if text.contains(['T', 't']) {
            parse_instant(&text)?
        } else {
            let date: Date = text.parse().ok()?;
            // jiff reads more of ISO 8601 than a plain date.
            if date.to_string() != *text {
                return None;
            }
            match date.tomorrow() {
                Ok(next) => {
                    let next = TimeZone::UTC.to_timestamp(next.to_datetime(Time::midnight()));
                    next.ok()?.checked_sub(SignedDuration::from_nanos(1)).ok()?
                }
                // The last day of the calendar, which people write for "never".
                Err(_) => Timestamp::MAX,
            }
        };
        Some(Self { text, last })
    }

    /// What to write instead of a text that is neither.
    pub(super) fn help(text: &str) -> String {
        let shape: String = text
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        let mut parts = text.split(['-', '.', '/']);
        let parts = [(); 3].map(|()| parts.next().unwrap_or_default());
        let date = |year: &str, month: &str, day: &str| {
            let date = format!("{year:0>4}-{month:0>2}-{day:0>2}");
            let is_date = Self::parse(date.clone().into()).is_some();
            is_date.then_some(date)
        };
        let [first, second, third] = parts;
        let meant = match &*shape {
            "0000" => date(text, "12", "31"),
            "0000-0-0" | "0000-00-0" | "0000-0-00" | "0000/00/00" => date(first, second, third),
            // With dots the day comes first; with slashes it is the month in some countries.
            "0.0.0000" | "00.0.0000" | "0.00.0000" | "00.00.0000" => date(third, second, first),
            "0000-00-00T00:00:00" => Some(format!("{text}Z")),
            _ => None,
        };
        match meant {
            Some(meant) => format!("write `{meant}`, if that is meant"),
            None if shape == "0000-00-00" => "there is no such day".to_owned(),
            None => "write `2027-01-31`, or `2027-01-31T12:00:00Z` with its offset".to_owned(),
        }
    }

    /// Whether `now` is later.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now > self.last
    }
}

/// An RFC 3339 instant: `2027-01-31T12:00:00Z`, with its seconds and its offset.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    // jiff reads more: ISO 8601 without separators, and time zones in brackets (RFC 9557).
    let shape: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_digit() {
                '0'
            } else {
                c.to_ascii_uppercase()
            }
        })
        .collect();
    let rest = shape.strip_prefix("0000-00-00T00:00:00")?;
    let offset = match rest.strip_prefix('.') {
        Some(fraction) => {
            let offset = fraction.trim_start_matches('0');
            (offset.len() < fraction.len()).then_some(offset)?
        }
        None => rest,
    };
    matches!(offset, "Z" | "+00:00" | "-00:00")
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("9999-12-31", "2500-01-01T00:00:00Z", false),
        ] {
            let expiry = Expiry::parse(expires.into()).unwrap();
            assert_eq!(
                expiry.is_over(now.parse().unwrap()),
                over,
                "{expires} at {now}"
            );
        }
    }

    #[test]
    fn the_date_that_was_probably_meant() {
        for (text, meant) in [
            ("2027", "2027-12-31"),
            ("2027-1-31", "2027-01-31"),
            ("2027/01/31", "2027-01-31"),
            ("1.2.2027", "2027-02-01"),
            ("31.01.2027", "2027-01-31"),
            ("2027-01-31T12:00:00", "2027-01-31T12:00:00Z"),
        ] {
            assert_eq!(
                Expiry::help(text),
                format!("write `{meant}`, if that is meant")
            );
            assert!(Expiry::parse(meant.into()).is_some());
        }
        assert_eq!(Expiry::help("2027-02-30"), "there is no such day");
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
        ] {
            assert_eq!(Expiry::parse(text.into()), None, "{text}");
        }
    }
}
