//! Colours of the command line, on a real terminal and off it.

use crate::support::directory::Directory;
use crate::support::program::{Run, shown_on_a_terminal};

const POLICY: &str = "version: 1\npermissions:\n  - permission: ws:locks:create\n";
const CASES: &str = "policy: p.yml
tests:
  - name: locks
    permission: ws:locks:create
    context: { repository: acme-org/infra }
    expect: allowed
";
const COMMANDS: [&[&str]; 4] = [
    &["lint", "p.yml"],
    &["test", "cases.yml"],
    &[
        "check",
        "--policy",
        "p.yml",
        "--permission",
        "a:b",
        "--repository",
        "o/r",
    ],
    &["check", "--policy", "none.yml", "--permission", "a:b"],
];

/// What a command prints on both streams.
fn run(arguments: &[&str], variables: &[(&str, &str)], on_a_terminal: bool) -> String {
    let directory = Directory::new()
        .with("p.yml", POLICY)
        .with("cases.yml", CASES);
    let mut command = directory.command(arguments);
    command.envs(variables.iter().copied());
    if on_a_terminal {
        return shown_on_a_terminal(command, |command, terminal| {
            command.stdout(terminal()).stderr(terminal());
        });
    }
    let run = Run::of(&mut command);
    run.out + &run.err
}

#[test]
fn on_a_terminal_only() {
    let xterm = ("TERM", "xterm");
    for command in COMMANDS {
        for (variables, on_a_terminal, coloured) in [
            (&[xterm][..], true, true),
            (&[xterm], false, false),
            (&[xterm, ("NO_COLOR", "1")], true, false),
            (&[("TERM", "dumb")], true, false),
            (&[("CLICOLOR_FORCE", "1")], false, true),
        ] {
            let shown = run(command, variables, on_a_terminal);
            assert!(!shown.is_empty(), "{command:?}");
            assert_eq!(
                shown.contains('\u{1b}'),
                coloured,
                "{command:?} {variables:?} {on_a_terminal}: {shown}"
            );
        }
    }
}

#[test]
fn programs_get_no_colours() {
    let force = [("CLICOLOR_FORCE", "1")];
    for format in ["json", "sarif", "github"] {
        let shown = run(&["lint", "p.yml", "--format", format], &force, false);
        assert!(!shown.is_empty() && !shown.contains('\u{1b}'), "{shown}");
    }
    for format in ["json", "junit"] {
        let shown = run(&["test", "cases.yml", "--format", format], &force, false);
        assert!(!shown.is_empty() && !shown.contains('\u{1b}'), "{shown}");
    }
}
