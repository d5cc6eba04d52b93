//! A pattern compiled and tried once, as in a check: by the engine, and by the crate `regex`, from the engine's
//! syntax tree and from the text. docs/architecture.md has the numbers.

use std::hint::black_box;
use std::time::Instant;

use ::engine::policy::{CaseSensitivity, Kind, Pattern, Position};
use anyhow::{Result, ensure};
use regex_syntax::hir::{Hir, Look};

/// Patterns as policies have them, each with a value that it matches.
const PATTERNS: [(&str, &str); 6] = [
    ("^(main|develop)$", "main"),
    (r".*\.yml$", "deploy.yml"),
    ("prod.*", "production"),
    (r"release/\d+\.\d+", "release/1.20"),
    (r"[\w.-]+@acme", "some.one@acme"),
    ("(team-a|team-b|team-c)-.*", "team-b-x"),
];

/// How often a pattern is compiled and tried in a round; the fastest round counts.
const TIMES: u32 = 300;
const ROUNDS: usize = 15;

type Try = fn(&str, &str) -> Result<bool>;

pub fn print() -> Result<()> {
    println!("| pattern | engine, µs | regex from the tree, µs | regex from the text, µs |");
    println!("|---|---|---|---|");
    for (text, value) in PATTERNS {
        let ways: [Try; 3] = [by_engine, by_tree, by_text];
        let mut fastest = [f64::MAX; 3];
        for _ in 0..ROUNDS {
            for (way, fastest) in ways.into_iter().zip(&mut fastest) {
                let started = Instant::now();
                for _ in 0..TIMES {
                    ensure!(way(black_box(text), black_box(value))?, "{text} {value}");
                }
                let microseconds = started.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES);
                *fastest = fastest.min(microseconds);
            }
        }
        let [ours, tree, plain] = fastest;
        let times = |theirs: f64| format!("{theirs:.0} ({:.1}×)", theirs / ours);
        let text = text.replace('|', r"\|");
        println!(
            "| `{text}` | {ours:.1} | {} | {} |",
            times(tree),
            times(plain)
        );
    }
    Ok(())
}

fn pattern(text: &str) -> Pattern {
    Pattern {
        text: text.into(),
        kind: Kind::Regex,
        position: Position::START,
    }
}

fn by_engine(text: &str, value: &str) -> Result<bool> {
    let pattern = pattern(text);
    let matcher = pattern.compile(CaseSensitivity::Sensitive);
    let matcher = matcher.map_err(|problem| anyhow::anyhow!("{problem}"))?;
    Ok(matcher.matches(Some(value)))
}

fn by_tree(text: &str, value: &str) -> Result<bool> {
    let tree = pattern(text).tree(CaseSensitivity::Sensitive);
    let tree = tree.map_err(|problem| anyhow::anyhow!("{problem}"))?;
    let whole = Hir::concat(vec![Hir::look(Look::Start), tree, Hir::look(Look::End)]);
    Ok(regex::Regex::new(&whole.to_string())?.is_match(value))
}

fn by_text(text: &str, value: &str) -> Result<bool> {
    Ok(regex::Regex::new(&format!(r"\A(?:{text})\z"))?.is_match(value))
}
