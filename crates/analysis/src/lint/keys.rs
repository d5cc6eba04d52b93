//! `unknown-permission`: any key is valid, so a typo is a valid key.

use super::catalogue::Level;
use super::catalogue::UNKNOWN_PERMISSION;
use super::findings::Findings;
use engine::policy::{KNOWN_KEYS, Rule, nearest_key};

pub(super) fn check(rule: &Rule, findings: &mut Findings<'_>) {
    let mut places = rule.permission_spans.iter();
    for key in &*rule.permissions {
        let place = places.next();
        let key = key.as_str();
        if KNOWN_KEYS.iter().any(|(known, _)| *known == key) {
            continue;
        }
        let message = format!("`{key}` is not a known permission key");
        let mut finding = match place {
            Some(place) => findings.value(&UNKNOWN_PERMISSION, place.position, key, message),
            None => findings.member(&UNKNOWN_PERMISSION, rule, "permission", key, message),
        };
        finding.help = Some(match nearest_key(key) {
            // A key similar to a known one is a typo, any other key is the author's own.
            Some(near) => {
                finding.level = Level::Warning;
                format!("did you mean `{near}`?")
            }
            None => "the rule grants exactly this key, so jobs must ask for it as written".into(),
        });
        findings.push(finding);
    }
}
