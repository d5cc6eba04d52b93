//! The door: a step of a job, or a command line.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use cli::Cli;
use jiff::Timestamp;
use platform::{Environment, Interruption};
use repo_permissions as action;

fn main() -> ExitCode {
    // The step has no arguments, and does not wait until the command line is built to find that none is given.
    if std::env::args_os().nth(1).is_some() {
        let arguments = Cli::parse();
        if !arguments.is_action() {
            return ExitCode::from(arguments.run());
        }
    }
    let environment = Environment::new(std::env::vars_os());
    // Before the runtime: that it cannot listen to signals is a panic of its own.
    tell_of_panics(environment.clone());
    end_what_hangs(environment.clone());
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

async fn step(environment: &Environment) -> u8 {
    let interruption = Interruption::listen();
    action::run(environment, Timestamp::now, || interruption.arrived()).await
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

/// A step that nothing can wake, such as one whose log nobody reads, ends all the same.
fn end_what_hangs(environment: Environment) {
    /// A step that only waits has ended by then.
    const GRACE: Duration = Duration::from_secs(5);
    const STACK: usize = 256 << 10;
    let watch = move || {
        std::thread::sleep(action::time_limit(&environment) + GRACE);
        let message = "the step did not end within its time, so nothing is granted";
        action::write_internal_outputs(&environment, message);
        #[expect(clippy::exit, reason = "the main thread cannot end")]
        std::process::exit(2);
    };
    // Where there is no thread to be had, the job's own time limit is left.
    _ = std::thread::Builder::new().stack_size(STACK).spawn(watch);
}
