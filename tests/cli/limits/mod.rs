//! The limits: what is over one is refused with a text of its own, and what is below is decided on in
//! bounded memory. `docs/limits.md` has the figures.

mod cases;
mod texts;

use std::path::Path;

use self::cases::cases;
use crate::support::program::{BINARY, release_build};

/// The unoptimised program, for the cases that it can do in seconds.
#[test]
fn what_a_limit_refuses_and_what_it_costs() {
    let light = cases().into_iter().filter(|case| !case.is_heavy);
    let measured = light.map(|case| case.run(Path::new(BINARY)).1);
    let measured: Vec<_> = measured.collect();
    // The shortest may have ended before anybody looked.
    let seen = measured.iter().filter(|kilobytes| **kilobytes > 1024);
    assert!(seen.count() > measured.len() / 2, "{measured:?}");
}

/// All of them by the program as it is released, with a row of the table each.
#[test]
#[ignore = "needs the release build: `LIMITS_BINARY=… cargo test --test cli limits:: -- --ignored --nocapture`, and `.ci/run product`"]
fn what_every_limit_costs() {
    let binary = release_build("LIMITS_BINARY");
    println!("| case | outcome | time | peak memory |\n|---|---|---|---|");
    for case in cases() {
        let (time, kilobytes) = case.run(&binary);
        println!(
            "| `{}`: {} | `{}` | {:.2} s | {:.1} MB |",
            case.command(),
            case.name,
            case.says,
            time.as_secs_f64(),
            kilobytes as f64 / 1024.0
        );
    }
}
