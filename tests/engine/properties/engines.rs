//! Who decides: the product, or the reference with a mistake.

use ::engine::decision::{self, Policies};
use ::engine::policy::{Format, Policy};

use crate::reference::{Job, Outcome, PlainPolicy, Source, evaluate};
use crate::{engine, written};

/// A question, as [`evaluate`] takes it.
pub type Engine<'a> = &'a dyn Fn(&PlainPolicy, Source, &Job, &str) -> Outcome;

/// The product, by the policy in YAML.
pub fn yaml(policy: &PlainPolicy, source: Source, job: &Job, permission: &str) -> Outcome {
    product(written::yaml(policy), Format::Yaml, source, job, permission)
}

/// The product, by the policy in JSON.
pub fn json(policy: &PlainPolicy, source: Source, job: &Job, permission: &str) -> Outcome {
    product(written::json(policy), Format::Json, source, job, permission)
}

fn product(
    (text, lines): written::Written,
    format: Format,
    source: Source,
    job: &Job,
    permission: &str,
) -> Outcome {
    let document = Policy::parse(&text, format).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let by = decision::Engine::new(document);
    let by = Policies::one(&by, engine::scope(source));
    let context = engine::context(job);
    let decision = engine::decision(by, &context, permission, job.year);
    engine::outcome(decision.as_ref(), |rule| {
        lines.iter().position(|line| *line == rule.line).unwrap()
    })
}

/// The reference, asked about another policy and another job: a mistake.
pub fn mistaken(
    change: impl Fn(&mut PlainPolicy, &mut Job),
) -> impl Fn(&PlainPolicy, Source, &Job, &str) -> Outcome {
    move |policy, source, job, permission| {
        let (mut policy, mut job) = (policy.clone(), job.clone());
        change(&mut policy, &mut job);
        evaluate(&policy, source, &job, permission)
    }
}
