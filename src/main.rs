//! Entry point: runs the action in a step of a job, or a command line tool.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use cli::Cli;
use jiff::Timestamp;
use platform::{Interruption, Variables};
use repo_permissions as action;

fn main() -> ExitCode {
    // The action has no arguments. It skips building the command line, which costs time.
    if std::env::args_os().nth(1).is_some() {
        let arguments = Cli::parse();
        if !arguments.is_action() {
            return ExitCode::from(arguments.run());
        }
    }
    let variables = Variables::new(std::env::vars_os());
    if !action::is_in_job(&variables) {
        cli::print_help();
        // Nothing was decided, so a script must not take it for a grant.
        return ExitCode::from(2);
    }
    // Before the runtime, which panics if it cannot handle signals.
    report_panics(variables.clone());
    watchdog(variables.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        action::write_internal_error(
            &variables,
            Timestamp::now,
            "the async runtime could not be started",
        );
        return ExitCode::from(2);
    };
    let code = runtime.block_on(step(&variables));
    // Dropping the runtime would wait for a DNS lookup that hangs on its own thread.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn step(variables: &Variables) -> u8 {
    let interruption = Interruption::listen();
    action::run(variables, Timestamp::now, || interruption.arrived()).await
}

/// Installs a panic hook, so that a bug leaves outputs and an exit code that cannot pass for a denial.
fn report_panics(variables: Variables) {
    std::panic::set_hook(Box::new(move |panic| {
        action::write_internal_error(&variables, Timestamp::now, &panic.to_string());
        #[expect(
            clippy::exit,
            reason = "the release binary aborts on a panic, with another code"
        )]
        std::process::exit(2);
    }));
}

/// Starts a thread that ends a hanging step, such as one whose log nobody reads.
fn watchdog(variables: Variables) {
    /// Extra time after the limit, in which a waiting step ends itself.
    const GRACE: Duration = Duration::from_secs(5);
    const STACK: usize = 256 << 10;
    let watch = move || {
        std::thread::sleep(action::time_limit(&variables) + GRACE);
        let message = "the step exceeded its time limit, so nothing is granted";
        action::write_internal_outputs(&variables, message);
        #[expect(clippy::exit, reason = "the main thread cannot end")]
        std::process::exit(2);
    };
    // If the thread cannot start, the job's own time limit remains.
    _ = std::thread::Builder::new().stack_size(STACK).spawn(watch);
}
