//! How the cost of ours grows: one thing becomes more, all else stays.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ::engine::context::Context;
use ::engine::decision::{Decision, Engine, Policies, Question, Scope, decide};
use ::engine::policy::{Format, PermissionKey, Policy, PolicyQuery};
use anyhow::{Result, ensure};
use jiff::Timestamp;

use crate::table::{median, time};

const COUNTS: [usize; 4] = [1, 10, 100, 1_000];
/// How long each measure is repeated.
const LONG_ENOUGH: Duration = Duration::from_millis(200);

/// What becomes more, and the policy with so many of it.
const GROWTHS: [(&str, fn(usize) -> String); 6] = [
    ("rules of other repositories, × 100", |count| {
        let mut text = "version: 1\nrepositories:\n".to_owned();
        for number in 0..count * 100 / 5 {
            entry(&mut text, &format!("acme/other-{number}"), 5);
        }
        entry(&mut text, "acme/infra", 1);
        text
    }),
    ("entries for repositories by a glob", |count| {
        let mut text = "version: 1\nrepositories:\n".to_owned();
        for number in 0..count {
            entry(
                &mut text,
                &format!("{{ glob: \"acme/team-{number}-*\" }}"),
                1,
            );
        }
        entry(&mut text, "acme/infra", 1);
        text
    }),
    ("rules of the permission (length of the trace)", |count| {
        let mut text = "version: 1\nrepositories:\n".to_owned();
        entry(&mut text, "acme/infra", count);
        text
    }),
    ("names in a list of branches", |count| {
        listed(count, |number| format!("branch-{number}"), "main")
    }),
    ("different regexes in a list of branches", |count| {
        listed(count, |number| format!("team-{number}/.*"), "main")
    }),
    ("permissions asked, up to 50", |count| {
        let mut text = "version: 1\npermissions:\n".to_owned();
        for number in 0..count.min(50) {
            _ = writeln!(text, "- permission: ws:p{number}:create\n  branch: main");
        }
        text
    }),
];

fn entry(text: &mut String, repository: &str, rules: usize) {
    _ = writeln!(text, "- repository: {repository}\n  permissions:");
    for _ in 0..rules {
        _ = writeln!(
            text,
            "  - permission: ws:p0:create\n    branch: main\n    environment: production"
        );
    }
}

/// A list of so many patterns, and one more that matches.
fn listed(count: usize, pattern: impl Fn(usize) -> String, last: &str) -> String {
    let patterns: Vec<_> = (0..count).map(pattern).chain([last.to_owned()]).collect();
    let patterns = patterns.join("\n  - ");
    format!("version: 1\npermissions:\n- permission: ws:p0:create\n  branch:\n  - {patterns}\n")
}

pub fn print() -> Result<()> {
    println!(
        "| | {} |",
        COUNTS.map(|count| format!("{count}")).join(" | ")
    );
    println!("|---|{}", "---|".repeat(COUNTS.len()));
    for (name, policy) in GROWTHS {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for count in COUNTS {
            let text = policy(count);
            let asked = if name.starts_with("permissions asked") {
                count.min(50)
            } else {
                1
            };
            let (first, again) = measure(&text, asked)?;
            cold.push(time(first));
            warm.push(time(again));
        }
        println!("| {name}: cold | {} |", cold.join(" | "));
        println!("| {name}: warm | {} |", warm.join(" | "));
    }
    Ok(())
}

fn measure(text: &str, asked: usize) -> Result<(f64, f64)> {
    let context = Context {
        repository: Some("acme/infra".to_owned()),
        branch: Some("main".to_owned()),
        environment: Some("production".to_owned()),
        event: Some("push".to_owned()),
        ..Context::default()
    };
    let keys = (0..asked).map(|number| PermissionKey::parse(format!("ws:p{number}:create").into()));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    let question = Question::new(&keys, &context, Timestamp::UNIX_EPOCH);
    let asked = PolicyQuery {
        repository: Some("acme/infra"),
        permissions: &keys,
    };
    let cold = repeated(|| {
        let document = Policy::parse_for(text, Format::Yaml, &asked)?;
        let engine = Engine::new(document);
        let decisions = decide(Policies::one(&engine, Scope::Given), question)?;
        ensure!(
            decisions
                .iter()
                .all(|one| one.decision == Decision::Allowed)
        );
        Ok(())
    })?;
    let engine = Engine::new(Policy::parse(text, Format::Yaml)?);
    let warm = repeated(|| {
        black_box(decide(Policies::one(&engine, Scope::Given), question)?);
        Ok(())
    })?;
    Ok((cold, warm))
}

/// The median of as many times as there is time for, at least seven, in seconds.
fn repeated(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let (started, mut times) = (Instant::now(), Vec::new());
    while times.len() < 7 || started.elapsed() < LONG_ENOUGH {
        let one = Instant::now();
        work()?;
        times.push(one.elapsed());
    }
    Ok(median(times.into_iter()).as_secs_f64())
}
