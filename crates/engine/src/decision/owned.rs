//! Decisions that outlive their policy.

use std::borrow::Cow;

use super::trace::{
    Nearest, PermissionDecision, RuleRef, TracedDimension, TracedPattern, TracedRule,
};

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

impl PermissionDecision<'_> {
    /// The same with texts of its own.
    pub fn into_owned(self) -> PermissionDecision<'static> {
        let trace = self.trace.into_iter();
        PermissionDecision {
            rule: self.rule.map(RuleRef::into_owned),
            nearest: self.nearest.map(Nearest::into_owned),
            trace: trace.map(TracedRule::into_owned).collect(),
            permission: self.permission,
            decision: self.decision,
            reason: self.reason,
            delegated: self.delegated,
        }
    }
}

impl RuleRef<'_> {
    fn into_owned(self) -> RuleRef<'static> {
        RuleRef {
            name: self.name.map(own),
            line: self.line,
            column: self.column,
            number: self.number,
            at_top: self.at_top,
            own_policy: self.own_policy,
        }
    }
}

impl Nearest<'_> {
    fn into_owned(self) -> Nearest<'static> {
        Nearest {
            rule: self.rule.into_owned(),
            failed: self.failed.into_iter().map(own).collect(),
            sentence: self.sentence,
        }
    }
}

impl TracedRule<'_> {
    fn into_owned(self) -> TracedRule<'static> {
        let dimensions = self.dimensions.into_iter();
        TracedRule {
            rule: self.rule.into_owned(),
            matched: self.matched,
            dimensions: dimensions.map(TracedDimension::into_owned).collect(),
            repository: self.repository.map(own),
        }
    }
}

impl TracedDimension<'_> {
    fn into_owned(self) -> TracedDimension<'static> {
        let any_of = self.any_of.into_iter().map(|one| TracedPattern {
            pattern: own(one.pattern),
            kind: one.kind,
            matched: one.matched,
        });
        TracedDimension {
            dimension: own(self.dimension),
            pattern: own(self.pattern),
            kind: self.kind,
            value: self.value.map(own),
            matched: self.matched,
            any_of: any_of.collect(),
            line: self.line,
            gate: self.gate,
            of_branch: self.of_branch,
        }
    }
}
