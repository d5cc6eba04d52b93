//! Random policies and jobs: the server decides as the plain reference does, for proxies and by AuthZEN's API.
//!
//! `SERVER_PAIRS` says how many, `SERVER_SEED` which, `SERVER_BINARY` by which build of the program.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::policy::Format;
use serde_json::json;
use simulator::GitHub;

use crate::pairs::{File, PAIRS_OF_A_POLICY, Pair, groups};
use crate::random::written;
use crate::reference::run::{Event, Head, Run};
use crate::reference::{Outcome, PlainPolicy, Source, evaluate, key};
use crate::support::{AUDIENCE, Directory, OWNER, Server, configuration, wait_for};

const PAIRS: usize = 200;

fn setting<T: std::str::FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

#[test]
fn the_server_decides_as_the_reference() {
    let pairs = setting("SERVER_PAIRS").unwrap_or(PAIRS);
    let today = jiff::Timestamp::now().to_string();
    let year = today.split('-').next().unwrap().parse().unwrap();
    let seed = setting("SERVER_SEED").unwrap_or(1);
    let groups = groups(pairs.div_ceil(PAIRS_OF_A_POLICY), seed, year);
    let (next, counts) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let github = GitHub::start().unwrap();
                while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for reason in compare(&github, central(&group.file), &group.pairs, year) {
                        *counts.lock().unwrap().entry(reason).or_insert(0) += 1;
                    }
                    github.clear_records();
                }
            });
        }
    });
    let counts = counts.into_inner().unwrap();
    println!("{pairs} pairs: {counts:?}");
    for reason in [
        "granted",
        "repository_not_found",
        "no_rule_matches",
        "policy_invalid",
    ] {
        assert!(counts.contains_key(reason), "no pair has `{reason}`");
    }
}

/// The same policy without rules at its top, which a server refuses.
fn central(file: &File) -> File {
    let policy = PlainPolicy {
        permissions: None,
        ..file.policy.clone()
    };
    let (mut text, lines) = match file.format {
        Format::Json => written::json(&policy),
        Format::Yaml => written::yaml(&policy),
    };
    if !file.is_valid {
        text = text.replacen("version", "versoin", 1);
    }
    File {
        policy,
        text,
        lines,
        ..*file
    }
}

/// The run as a server knows it: by the token alone.
fn by_token(run: &Run) -> Run {
    let mut run = Run {
        default_branch: None,
        ..run.clone()
    };
    if let Event::Pull(pull) = &mut run.event {
        pull.head = Head::Unsaid;
    }
    run
}

fn asked(permission: &str, token: &str) -> serde_json::Value {
    json!({
        "subject": {"type": "github_actions_job", "id": token},
        "action": {"name": permission},
        "resource": {"type": "stack", "id": "#1"},
    })
}

/// Asks a server with this policy for each pair, and returns the reasons.
fn compare(github: &GitHub, file: File, pairs: &[Pair], year: u32) -> Vec<&'static str> {
    let directory = Directory::new();
    directory.write(file.name(), &file.text);
    let policy = format!("policy: {{ file: {} }}\ndetail: full\n", file.name());
    // Whose tokens count: those of all accounts but, perhaps, the first job's.
    let owners: Vec<_> = pairs[1..].iter().map(|pair| pair.run.owner_id).collect();
    let text = configuration(github, &policy);
    let text = text.replace(&format!("[{OWNER}]"), &format!("{owners:?}"));
    directory.write("server.yml", text);
    let server = Server::start(&directory.path("server.yml"));
    wait_for("the keys", || {
        let ready = server.admin("/readyz").json();
        (ready["keys"] == "current").then_some(())
    });
    let mut reasons = Vec::new();
    let mut recorded = 0;
    for pair in pairs {
        let claims = pair.claims().as_object().unwrap().clone();
        let token = github.mint_token(claims, AUDIENCE).unwrap();
        let permission = key(&pair.permission);
        let answer = server.ask(permission, &token);
        let job = by_token(&pair.run).job(year);
        let expected = match file.is_valid {
            true => evaluate(&file.policy, Source::Given, &job, permission),
            false => Outcome::invalid(),
        };
        let is_stranger = !owners.contains(&pair.run.owner_id);
        let (status, reason) = match expected.decision {
            _ if is_stranger => (403, "repository_not_found"),
            "allowed" => (200, expected.reason),
            "denied" => (403, expected.reason),
            _ => (503, expected.reason),
        };
        let context = || format!("{expected:#?}\n{pair:#?}\n{}", file.text);
        assert_eq!(
            (answer.status, answer.reason()),
            (status, reason),
            "{}",
            context()
        );
        reasons.push(reason);
        let evaluated = server.post(
            "/access/v1/evaluation",
            &asked(permission, &token).to_string(),
            &[],
        );
        assert_eq!(
            evaluated.status == 503,
            status == 503,
            "{evaluated:?}\n{}",
            context()
        );
        let evaluated = match evaluated.status {
            503 => json!({"decision": false, "context": {"reason": evaluated.reason()}}),
            _ => evaluated.json(),
        };
        assert_eq!(
            (&evaluated["decision"], &evaluated["context"]["reason"]),
            (&json!(status == 200), &json!(reason)),
            "{}",
            context()
        );
        if is_stranger {
            continue;
        }
        let line = |rule: usize| file.lines[rule];
        let granting = expected
            .granting
            .map(|rule| format!("{}:{}", file.name(), line(rule)));
        let shown = answer.header("x-repo-permissions-rule").unwrap_or_default();
        assert!(
            shown.ends_with(&granting.unwrap_or_default()),
            "{shown}\n{}",
            context()
        );
        recorded += 2;
        let mut records = server.records(recorded);
        let mut by_evaluation = records.pop().unwrap()["data"].take();
        let data = records.pop().unwrap()["data"].take();
        assert_eq!(data["reason"], reason, "{}", context());
        assert_eq!(
            data["context"]["branch"].as_str(),
            job.branch.as_deref(),
            "{}",
            context()
        );
        let nearest = expected
            .nearest
            .as_ref()
            .map(|(rule, _)| u64::from(line(*rule)));
        assert_eq!(data["nearest"]["line"].as_u64(), nearest, "{}", context());
        let explained = &evaluated["context"];
        let line = explained["nearest"]["line"].as_u64();
        assert_eq!(line, nearest.filter(|_| status != 503), "{}", context());
        // But for the resource, both records say the same.
        assert_eq!(by_evaluation["resource"]["id"], "#1");
        by_evaluation.as_object_mut().unwrap().remove("resource");
        by_evaluation["duration_ms"] = data["duration_ms"].clone();
        assert_eq!(by_evaluation, data, "{}", context());
    }
    assert_eq!(server.audit().len(), recorded);
    reasons
}
