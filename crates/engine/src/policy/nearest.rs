//! Suggests the known name that a misspelt one probably means.

/// Maximum length of a compared name, in bytes: time and memory of the distance grow with the length.
const MAX_NAME: usize = 256;
/// Maximum number of edits between two similar names.
const MAX_EDITS: usize = 4;

/// Returns the known name that is most similar to `name`, if one is similar; the alphabetically first of several.
///
/// ```
/// # use engine::policy::nearest;
/// assert_eq!(nearest("brnach", ["base", "branch"]), Some("branch"));
/// assert_eq!(nearest("colour", ["base", "branch"]), None);
/// ```
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = known
        .into_iter()
        .filter_map(|known| Some((edits(name, known)?, known)));
    near.min().map(|(_, known)| known)
}

/// Returns the number of edits between two names, ignoring case, if they are similar: one edit for every
/// three characters, at least one and at most four.
pub fn edits(name: &str, known: &str) -> Option<usize> {
    let longer = name.len().max(known.len());
    let most = (longer / 3).clamp(1, MAX_EDITS);
    // Names whose lengths differ more are not similar.
    if longer > MAX_NAME || name.len().abs_diff(known.len()) > most * char::MAX.len_utf8() {
        return None;
    }
    let edits = strsim::damerau_levenshtein(&name.to_lowercase(), &known.to_lowercase());
    (edits <= most).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        for (name, known, expected) in [
            ("Branch", "branch", Some(0)),
            ("brnach", "branch", Some(1)),
            ("branches", "branch", Some(2)),
            ("enviroment", "environment", Some(1)),
            ("repository-id", "repository_id", Some(1)),
            ("deployments:create", "ws:deployments:create", Some(3)),
            ("ws:deploymts:creat", "ws:deployments:create", Some(3)),
            ("deploy.yaml", "deploy.yml", Some(1)),
            ("ws:something:else", "ws:locks:create", None),
            ("ws:deploy:create", "ws:deployments:create", None),
            ("pull", "push", None),
            ("on", "of", Some(1)),
            ("ab", "cd", None),
            ("", "a", Some(1)),
            ("größe", "große", Some(1)),
            (&"a".repeat(256), &"a".repeat(255), Some(1)),
            (&"a".repeat(257), &"a".repeat(257), None),
        ] {
            assert_eq!(edits(name, known), expected, "{name} {known}");
            assert_eq!(edits(known, name), expected, "{known} {name}");
        }
    }

    #[test]
    fn the_nearest_is_taken_and_of_several_the_first() {
        for (name, known, expected) in [
            ("lokcs", &["locks", "lock", "looks"][..], Some("locks")),
            ("lacks", &["locks", "licks"], Some("licks")),
            ("lacks", &["other"], None),
            ("lacks", &[], None),
        ] {
            assert_eq!(nearest(name, known.iter().copied()), expected, "{name}");
        }
    }
}
