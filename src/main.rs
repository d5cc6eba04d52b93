//! The door: a step of a job, or a command line.

use std::process::ExitCode;

use clap::Parser as _;
use jiff::Timestamp;
use repo_permissions::action::{self, Environment};
use repo_permissions::cli::Cli;
use tokio::signal::unix::{Signal, SignalKind, signal};

fn main() -> ExitCode {
    let arguments = Cli::parse();
    if !arguments.is_action() {
        return ExitCode::from(arguments.run());
    }
    let environment = Environment::new(std::env::vars_os());
    // Before the runtime: that it cannot listen to signals is a panic of its own.
    tell_of_panics(environment.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        action::write_internal_error(&environment, Timestamp::now, "no runtime could be started");
        return ExitCode::from(2);
    };
    let code = runtime.block_on(step(&environment));
    // A look-up of a name that hangs runs on a thread of its own and would be waited for.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// SIGXFSZ: a file would be larger than the process may write. Listened to, it ends nothing, and the write
/// fails as on a full disk.
const FILE_SIZE: SignalKind = SignalKind::from_raw(25);

async fn step(environment: &Environment) -> u8 {
    let _listened_to = signal(FILE_SIZE);
    let signals = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::hangup(),
    ]
    .map(|kind| signal(kind).ok());
    let signals = std::cell::RefCell::new(signals);
    let cancelled = || {
        std::future::poll_fn(|context| {
            let mut signals = signals.borrow_mut();
            let arrived = signals
                .iter_mut()
                .flatten()
                .any(|signal: &mut Signal| signal.poll_recv(context).is_ready());
            if arrived {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
    };
    action::run(environment, Timestamp::now, cancelled).await
}

/// A bug must not leave a job without outputs, nor with an exit code that could be read as a denial.
fn tell_of_panics(environment: Environment) {
    std::panic::set_hook(Box::new(move |panic| {
        action::write_internal_error(&environment, Timestamp::now, &panic.to_string());
        #[expect(
            clippy::exit,
            reason = "the release binary aborts on a panic, with another code"
        )]
        std::process::exit(2);
    }));
}
