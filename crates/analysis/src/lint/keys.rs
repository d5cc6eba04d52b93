//! `unknown-permission`: keys are open-ended, so a slip of the pen is a valid key.

use super::catalogue::UNKNOWN_PERMISSION;
use super::{Findings, Level};
use engine::policy::{KNOWN_KEYS, Rule, nearest_key};

pub(super) fn check(rule: &Rule<'_>, findings: &mut Findings<'_>) {
    let mut places = rule.permission_places.iter();
    for key in &rule.permissions {
        let place = places.next();
        let key = key.as_str();
        if KNOWN_KEYS.iter().any(|(known, _)| *known == key) {
            continue;
        }
        let message = format!("`{key}` is not one of the known permission keys");
        let mut finding = match place {
            Some(place) => findings.value(&UNKNOWN_PERMISSION, place.position, key, message),
            None => findings.member(&UNKNOWN_PERMISSION, rule, "permission", key, message),
        };
        finding.help = Some(match nearest_key(key) {
            // What is nearly a known key is a slip, anything else a key of one's own.
            Some(near) => {
                finding.level = Level::Warning;
                format!("did you mean `{near}`?")
            }
            None => "it is granted as it is written; jobs have to ask for exactly this key".into(),
        });
        findings.push(finding);
    }
}
