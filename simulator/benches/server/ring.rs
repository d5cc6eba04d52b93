//! Signatures that ring alone verifies on the server's core: what no server that verifies each token can exceed.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use nix::sys::resource::{UsageWho, getrusage};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use simulator::github::TestKey;

use super::Cost;
use super::process::on_core;

/// First argument that makes this program the one that verifies.
pub(crate) const RING: &str = "--ring";

/// Verifies the signature of a token for some time, on the server's core.
pub(crate) fn measure(token: &str, time: Duration) -> anyhow::Result<Cost> {
    let output = on_core(std::env::current_exe()?)
        .args([RING, token, &time.as_millis().to_string()])
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let mut numbers = text.split_whitespace().map(str::parse::<f64>);
    let mut next = || {
        numbers
            .next()
            .with_context(|| format!("numbers of ring: {text}"))
    };
    Ok(Cost {
        rate: next()??,
        micros: next()??,
    })
}

/// Prints the verifications in a second, and the microseconds of processor time of one.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let token = arguments.next().context("no token")?;
    let time = Duration::from_millis(arguments.next().context("no time")?.parse()?);
    let (signed, signature) = token.rsplit_once('.').context("a token")?;
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, TestKey::Signing1.public_der()?);
    let (started, before) = (Instant::now(), used()?);
    let mut count = 0_u32;
    while started.elapsed() < time {
        let verified = key.verify(signed.as_bytes(), &signature);
        verified.ok().context("the signature does not verify")?;
        count += 1;
    }
    let count = f64::from(count);
    println!(
        "{} {}",
        count / started.elapsed().as_secs_f64(),
        (used()? - before).as_secs_f64() * 1e6 / count
    );
    Ok(())
}

/// Processor time of this process so far.
fn used() -> anyhow::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let micros = micros(usage.user_time()) + micros(usage.system_time());
    Ok(Duration::from_micros(micros.try_into()?))
}
