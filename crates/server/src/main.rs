//! Entry point of the server.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;
use platform::{Interruption, Variables};
use server::Config;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A permission gate for the APIs behind a proxy.
///
/// A proxy asks it about each request. It answers 200 if the policy grants the permission to the GitHub Actions job
/// whose OIDC token the request carries, and 401, 403 or 503 otherwise.
#[derive(Debug, Parser)]
#[command(name = "repo-permissions-server", version)]
struct Arguments {
    /// Configuration, in YAML or JSON. Paths in it start at its directory
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Check the configuration and the policy, and end
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let result = start(&Arguments::parse());
    if let Err(error) = &result {
        server::log::plain(&format!("error: {error:#}"));
    }
    server::log::flush();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(2),
    }
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let config = Config::read(&arguments.config)?;
    let variables = Variables::new(std::env::vars_os());
    if arguments.check {
        let unusable = server::check(&config, &variables);
        let unusable: Vec<_> = unusable.iter().map(|why| format!("{why:#}")).collect();
        anyhow::ensure!(unusable.is_empty(), unusable.join("\n"));
        let file = arguments.config.display();
        let verdict = match config.policy.is_file() {
            true => "and its policy are valid",
            false => "is valid; its policy is at GitHub, and was not read",
        };
        _ = writeln!(std::io::stdout().lock(), "{file} {verdict}");
        return Ok(());
    }
    server::log::start().context("the log")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        let interruption = Interruption::listen();
        server::run(config, &variables, || interruption.arrived()).await
    });
    // A DNS lookup that hangs has a thread of its own.
    runtime.shutdown_background();
    result
}
