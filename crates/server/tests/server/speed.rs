//! What the server does on one core, beside what ring alone does there: on request, with a release build.
//!
//! `SERVER_BINARY=… cargo test --package repo-permissions-server --test server speed:: -- --ignored --nocapture`

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{DEPLOY, Stage};

const TIME: Duration = Duration::from_secs(5);

/// A policy of 200 entries with three rules each; the job's own is the last.
fn policy() -> String {
    let mut text = "version: 1\nrepositories:\n".to_owned();
    for number in 0..200 {
        let name = match number {
            199 => "acme-org/infra".to_owned(),
            number => format!("acme-org/service-{number}"),
        };
        text += &format!("  - repository: {name}\n    permissions:\n");
        for branch in ["release", "'^feature/.*$'", "main"] {
            text += &format!(
                "      - permission: {DEPLOY}\n        workflow: deploy-production.yml\n        branch: {branch}\n"
            );
        }
    }
    text
}

/// Signatures that ring verifies in a second, on the core that the server has.
fn verifications(token: &str) -> f64 {
    let program = std::env::current_exe().unwrap();
    let output = Command::new("taskset")
        .args(["-c", "0"])
        .arg(program)
        .args(["--ignored", "--exact", "--nocapture", "speed::ring_alone"])
        .env("SPEED_TOKEN", token)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let number = text.split("verifications: ").nth(1).unwrap();
    number.split_whitespace().next().unwrap().parse().unwrap()
}

/// Base64url.
fn decoded(text: &str) -> Vec<u8> {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        let value = digits.iter().position(|other| *other == digit).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 255) as u8);
        }
    }
    bytes
}

#[test]
#[ignore = "a part of the measurement"]
fn ring_alone() {
    let Ok(token) = std::env::var("SPEED_TOKEN") else {
        return;
    };
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = decoded(signature);
    let der = simulator::github::TestKey::Signing1.public_der().unwrap();
    let algorithm = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
    let key = ring::signature::UnparsedPublicKey::new(algorithm, der);
    let (started, mut count) = (Instant::now(), 0_u32);
    while started.elapsed() < Duration::from_secs(2) {
        key.verify(signed.as_bytes(), &signature).unwrap();
        count += 1;
    }
    println!(
        "verifications: {}",
        f64::from(count) / started.elapsed().as_secs_f64()
    );
}

/// Processor time of a process so far, in ticks of 10 ms.
fn ticks(id: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    let fields: Vec<_> = fields.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
#[ignore = "measures, for a minute, with a release build"]
fn one_core() {
    assert!(
        std::env::var_os("SERVER_BINARY").is_some(),
        "SERVER_BINARY names the release build"
    );
    let stage = Stage::with(&policy(), "");
    let id = stage.server.id().to_string();
    let pinned = Command::new("taskset")
        .args(["-a", "-c", "-p", "0", &id])
        .output()
        .unwrap();
    assert!(pinned.status.success());
    let token = stage.token(&stage.deploy());
    for connections in ["1", "32", "256"] {
        let (before, answered) = (ticks(&id), stage.server.audit().len());
        let output = Command::new("taskset")
            .args([
                "-c",
                "1",
                "wrk",
                "-t1",
                "--latency",
                "-c",
                connections,
                "-d",
            ])
            .arg(format!("{}s", TIME.as_secs()))
            .args(["-H", &format!("Authorization: Bearer {token}")])
            .arg(format!(
                "http://{}/v1/forward-auth/{DEPLOY}",
                stage.server.address
            ))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| {
            ["50%", "99%", "Requests/sec", "Non-2xx"]
                .iter()
                .any(|start| line.starts_with(start))
        });
        println!(
            "{connections} connections: {}",
            lines.collect::<Vec<_>>().join(", ")
        );
        assert!(!text.contains("Non-2xx"), "{text}");
        let answered = stage.server.audit().len() - answered;
        let time =
            Duration::from_millis(10 * (ticks(&id) - before)) / u32::try_from(answered).unwrap();
        println!("  processor time of a request: {time:?}");
    }
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    println!("memory: {peak}");
    println!(
        "ring alone: {} verifications a second",
        verifications(&token)
    );
}
