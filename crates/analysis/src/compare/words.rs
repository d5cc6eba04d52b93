//! Describes changes of access.

use super::{AccessChange, Check, Example, Section, Times};
use crate::report::Phrase;
use engine::decision::RuleRef;
use engine::policy::source::DEFAULT_PATH;
use engine::policy::{Pattern, Rule};

fn texts<'a>(patterns: &[&'a Pattern]) -> Vec<&'a str> {
    patterns.iter().map(|pattern| &*pattern.text).collect()
}

impl<'a> AccessChange<'a> {
    /// Returns the change as a sentence: `` `deploy.yml` on `main` may now use `ws:deployments:create` ``, or *may no
    /// longer use* for removed access.
    pub fn sentence(&self, is_added: bool) -> Phrase<'a> {
        let Some(rule) = self.rule else {
            let mut phrase = Phrase::default();
            phrase.words(if is_added {
                "the repository's own policy may now grant "
            } else {
                "the repository's own policy may no longer grant "
            });
            phrase.list(self.permissions.iter().copied(), " and ");
            return phrase;
        };
        let mut phrase = self.subject(rule);
        phrase.words(if is_added {
            " may now use "
        } else {
            " may no longer use "
        });
        phrase.list(self.permissions.iter().copied(), " and ");
        phrase
    }

    /// Describes the affected jobs.
    fn subject(&self, rule: &'a Rule) -> Phrase<'a> {
        let mut phrase = Phrase::default();
        match &self.workflow {
            Some(list) => phrase.list(texts(list), " or "),
            None => phrase.words("any workflow"),
        }
        match &self.branch {
            Some(list) => {
                phrase.words(" on ");
                phrase.list(texts(list), " or ");
            }
            None => phrase.words(" on any branch"),
        }
        match (&self.base, self.only_pull_requests) {
            (Some(list), true) => {
                phrase.words(" in pull requests into ");
                phrase.list(texts(list), " or ");
            }
            (Some(list), false) => {
                phrase.words(" (pull requests into ");
                phrase.list(texts(list), " or ");
                phrase.words(")");
            }
            (None, true) => phrase.words(" in pull requests"),
            (None, false) => {}
        }
        match &self.environment {
            Some(list) => {
                phrase.words(" in environment ");
                phrase.list(texts(list), " or ");
            }
            // Name the absence of a limit explicitly.
            None if self.workflow.is_none() && self.branch.is_none() => {
                phrase.words(", with or without an environment,");
            }
            None => {}
        }
        if let Some(events) = &self.events {
            phrase.words(" in ");
            phrase.list(events.iter().copied(), " or ");
            phrase.words(" events");
        }
        for (name, patterns) in &rule.claims {
            phrase.words(" with ");
            phrase.quoted(&**name);
            phrase.words(" ");
            phrase.list(patterns.list.iter().map(|one| &*one.text), " or ");
        }
        if let Some(expires) = &rule.expires {
            phrase.words(" until ");
            phrase.quoted(&*expires.text);
        }
        phrase
    }

    /// Describes the rule: `` rule 3 (`production deploys`, line 14) ``, or the delegating entry.
    pub fn rule_label(&self) -> String {
        match self.rule {
            Some(rule) => RuleRef::of(rule).label(),
            None => format!("the entry at line {}", self.position().line),
        }
    }

    /// Returns remarks: whether the access stays in part, and an example job.
    pub fn remark(&self, is_added: bool) -> Phrase<'a> {
        let mut phrase = Phrase::default();
        let Some(example) = &self.example else {
            phrase.words(if is_added {
                "perhaps as before: the policies are too large to compare exactly"
            } else {
                "perhaps still granted: the policies are too large to compare exactly"
            });
            return phrase;
        };
        if self.rule.is_none() {
            phrase.words("by ");
            phrase.quoted(DEFAULT_PATH);
            phrase.words(" at its default branch, to any job");
            return phrase;
        }
        match (self.in_part, is_added) {
            (true, true) => phrase.words("in part as before; new for example: "),
            (true, false) => phrase.words("in part still granted; no longer for example: "),
            (false, _) => phrase.words("for example: "),
        }
        example.write_to(&mut phrase);
        phrase
    }
}

impl Example {
    fn write_to(&self, phrase: &mut Phrase<'_>) {
        let values = [
            ("repository ", &self.repository),
            ("repository id ", &self.repository_id),
            ("owner id ", &self.owner_id),
            ("workflow ", &self.workflow),
            ("branch ", &self.branch),
            ("base ", &self.base),
            ("environment ", &self.environment),
            ("event ", &self.event),
            ("time ", &self.time),
        ];
        let mut is_first = true;
        let mut next = |phrase: &mut Phrase<'_>| {
            if !std::mem::take(&mut is_first) {
                phrase.words(", ");
            }
        };
        for (name, value) in values {
            if let Some(value) = value {
                next(phrase);
                phrase.words(name);
                phrase.quoted(value.clone());
            }
            if let ("base ", Some(_)) = (name, &self.default_branch) {
                phrase.words(" (the default branch)");
            }
        }
        for (name, value) in &self.claims {
            next(phrase);
            phrase.words("claim ");
            phrase.quoted(format!("{name}={value}"));
        }
        for name in &self.without {
            next(phrase);
            match (name.as_str(), name.strip_prefix("claims.")) {
                ("repository_id", _) => phrase.words("another repository id"),
                ("owner_id", _) => phrase.words("another owner id"),
                (_, Some(claim)) => {
                    phrase.words("no claim ");
                    phrase.quoted(claim.to_owned());
                }
                ("workflow", _) => phrase.words("no workflow file"),
                ("branch", _) => phrase.words("no branch"),
                ("base", _) => phrase.words("a base that its token does not name"),
                _ => phrase.words("no environment"),
            }
        }
    }
}

impl<'a> Section<'a> {
    /// Describes its repository: the name or pattern with the pins.
    pub fn phrase(self) -> Phrase<'a> {
        let mut phrase = Phrase::default();
        match self.repository() {
            None => phrase.words("the policy's own repository"),
            Some(patterns) => phrase.list(patterns.list.iter().map(|one| &*one.text), " or "),
        }
        let [repository_id, owner_id] = self.pins();
        for (words, pin) in [(" with id ", repository_id), (" of owner id ", owner_id)] {
            if let Some(pin) = pin {
                phrase.words(words);
                phrase.quoted(pin.to_string());
            }
        }
        phrase
    }
}

impl Check {
    /// Describes the check with the number and time of its repetitions.
    pub fn phrase(&self, times: Times) -> Phrase<'_> {
        let mut phrase = Phrase::default();
        phrase.quoted(&*self.permission);
        let values = [
            (" for ", &self.repository),
            (", workflow ", &self.workflow),
            (", branch ", &self.branch),
            (", base ", &self.base),
            (", environment ", &self.environment),
            (", event ", &self.event),
        ];
        for (words, value) in values {
            if let Some(value) = value {
                phrase.words(words);
                phrase.quoted(&**value);
            }
        }
        phrase.words(match times.count {
            1 => format!(", once, at {}", times.last),
            count => format!(", {count} times, last at {}", times.last),
        });
        phrase
    }
}
