//! `expired`: a rule that no longer matches.

use jiff::Timestamp;

use super::catalogue::EXPIRED;
use super::findings::Findings;
use engine::policy::{Rule, quoted};

pub(super) fn check(rule: &Rule, now: Option<Timestamp>, findings: &mut Findings<'_>) {
    let (Some(expires), Some(now)) = (&rule.expires, now) else {
        return;
    };
    if expires.is_over(now) {
        let message = format!("rule {} expired on {}", rule.number, quoted(&expires.text));
        let finding = findings.member(&EXPIRED, rule, "expires", &expires.text, message);
        findings.push(finding.help("remove the rule, or set a later date"));
    }
}
