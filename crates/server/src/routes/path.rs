//! Paths that all programs read in the same way, and templates of them.

/// Returns the path of a request target, if nobody can read it in two ways: segments of unreserved characters
/// (RFC 3986, section 2.3) with single slashes between them, none of them `.` or `..`. The query does not count.
///
/// So no percent-encoding, no `;`, `\` or `#`, no empty segment.
pub(super) fn unambiguous(target: &str) -> Option<&str> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    let rest = path.strip_prefix('/')?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let is_root = rest.is_empty() && path.len() == 1;
    (is_root || rest.split('/').all(is_segment)).then_some(path)
}

fn is_segment(segment: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !segment.is_empty() && segment.bytes().all(is_unreserved) && !matches!(segment, "." | "..")
}

/// A path with placeholders: `/deployments/{id}`. A placeholder is exactly one segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Any,
}

impl Template {
    /// Parses a template, or returns `None`: its literals must be segments of an unambiguous path.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('/')?;
        let parts: Option<Vec<_>> = rest.split('/').map(part).collect();
        // Only the last part may be empty, for a path that ends in a slash.
        let (_, others) = parts.as_deref()?.split_last()?;
        let is_empty = |part: &Part| *part == Part::Literal(String::new());
        let is_valid = !others.iter().any(is_empty);
        is_valid.then_some(Self(parts?))
    }

    /// Returns whether the whole path matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else {
            return false;
        };
        let mut segments = rest.split('/');
        let all = self.0.iter().all(|part| match (part, segments.next()) {
            (Part::Literal(literal), Some(segment)) => literal == segment,
            (Part::Any, Some(segment)) => !segment.is_empty(),
            (_, None) => false,
        });
        all && segments.next().is_none()
    }

    /// Returns whether a path matches both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        self.0.len() == other.0.len()
            && pairs.into_iter().all(|pair| match pair {
                (Part::Literal(one), Part::Literal(other)) => one == other,
                (Part::Any, Part::Literal(literal)) | (Part::Literal(literal), Part::Any) => {
                    !literal.is_empty()
                }
                (Part::Any, Part::Any) => true,
            })
    }
}

fn part(text: &str) -> Option<Part> {
    if let Some(name) = text.strip_prefix('{') {
        let name = name.strip_suffix('}')?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        return (!name.is_empty() && name.bytes().all(is_name)).then_some(Part::Any);
    }
    (text.is_empty() || is_segment(text)).then(|| Part::Literal(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_paths_are_none() {
        for (target, path) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/a/b.c-d_e~f?x=%00;#", "/a/b.c-d_e~f"),
            ("/...", "/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/?", "/"),
        ] {
            assert_eq!(unambiguous(target), Some(path), "{target}");
        }
        for target in [
            "",
            "a",
            "*",
            "//",
            "//a",
            "/a//b",
            "/a//",
            "/.",
            "/..",
            "/a/.",
            "/a/..",
            "/a/../b",
            "/a/./b",
            "/%61",
            "/a%2fb",
            "/a%2Fb",
            "/%2e%2e/a",
            "/a%252fb",
            "/a%00",
            "/a;b",
            "/a/..;/b",
            "/a\\b",
            "/a\\..\\b",
            "/a#b",
            "/a#/../b",
            "/a b",
            "/a\tb",
            "/a+b",
            "/a,b",
            "/a:b",
            "/a@b",
            "/a&b",
            "/a=b",
            "/a!b",
            "/a$b",
            "/a'b",
            "/a(b)",
            "/a*b",
            "/a|b",
            "/a^b",
            "/a`b",
            "/a{b}",
            "/a\"b",
            "/a<b>",
            "/ä",
            "/\u{ff0e}\u{ff0e}/a",
            "http://host/a",
            "https:/a",
            "host/a",
            "/a/?/../b/..;/",
            "\\a",
            "?/a",
        ] {
            let expected = target.starts_with("/a/?").then_some("/a/");
            assert_eq!(unambiguous(target), expected, "{target}");
        }
    }

    /// A path as a lenient program reads it: decoded twice, without parameters, with `\\` as `/`, joined slashes and
    /// followed dots.
    fn leniently(target: &str) -> String {
        let path = target.split(['?', '#']).next().unwrap();
        let decoded = |text: &str| {
            let bytes = percent_encoding::percent_decode_str(text);
            bytes.decode_utf8_lossy().into_owned()
        };
        let path = decoded(&decoded(path)).replace('\\', "/");
        let mut segments = Vec::new();
        for segment in path.split('/') {
            match segment.split([';', '\0']).next().unwrap() {
                "" | "." => {}
                ".." => _ = segments.pop(),
                segment => segments.push(segment.to_owned()),
            }
        }
        segments.join("/")
    }

    proptest::proptest! {
        /// What is accepted means the same to a lenient program.
        #[test]
        fn accepted_paths_have_one_reading(target in "(/|//|[.]|[.][.]|%2e|%2f|%252f|;|\\\\|#|[?]|[a-z]|\\PC){0,12}") {
            if let Some(path) = unambiguous(&target) {
                let strict = path.trim_start_matches('/').trim_end_matches('/');
                proptest::prop_assert_eq!(leniently(&target), strict);
            }
        }
    }

    #[test]
    fn templates_match_whole_paths() {
        for (template, path, matches) in [
            ("/", "/", true),
            ("/", "/a", false),
            ("/a", "/a", true),
            ("/a", "/A", false),
            ("/a", "/a/", false),
            ("/a/", "/a/", true),
            ("/a/", "/a", false),
            ("/a/{id}", "/a/7", true),
            ("/a/{id}", "/a/", false),
            ("/a/{id}", "/a", false),
            ("/a/{id}", "/a/7/b", false),
            ("/a/{id}/b", "/a/7/b", true),
            ("/{a}/{b}", "/x/y", true),
            ("/{a}", "/x/y", false),
            ("/{a}/", "/x/", true),
        ] {
            let parsed = Template::parse(template).unwrap();
            assert_eq!(parsed.matches(path), matches, "{template} {path}");
        }
        for text in [
            "", "a", "//", "/a//b", "/{}", "/{a", "/a}", "/{a}b", "/x{a}", "/{a-b}", "/{*a}", "/*",
            "/..", "/a/./b", "/%61", "/a?b", "/a#b", "/a;b", "//a", "/a b",
        ] {
            assert_eq!(Template::parse(text), None, "{text}");
        }
    }

    #[test]
    fn templates_overlap_if_a_path_matches_both() {
        for (one, other, overlaps) in [
            ("/a", "/a", true),
            ("/a", "/b", false),
            ("/a", "/a/", false),
            ("/a/{x}", "/a/b", true),
            ("/a/{x}", "/{y}/b", true),
            ("/a/{x}", "/b/{x}", false),
            ("/a/{x}", "/a/", false),
            ("/{x}", "/", false),
            ("/{x}", "/{x}/{y}", false),
        ] {
            let [one, other] = [one, other].map(|text| Template::parse(text).unwrap());
            assert_eq!(one.overlaps(&other), overlaps, "{one:?} {other:?}");
            assert_eq!(other.overlaps(&one), overlaps, "{other:?} {one:?}");
        }
    }
}
