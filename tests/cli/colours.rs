//! Colours of the command line, on a real terminal and off it.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

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
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("colours");
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in [("p.yml", POLICY), ("cases.yml", CASES)] {
        // Tests run side by side, and each writes the same.
        let own = directory.join(format!("{name}.{:?}", std::thread::current().id()));
        std::fs::write(&own, text).unwrap();
        std::fs::rename(own, directory.join(name)).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_repo-permissions"));
    command.args(arguments).current_dir(&directory);
    command.env_clear().envs(variables.iter().copied());
    if !on_a_terminal {
        let output = command.output().unwrap();
        return String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    }
    let terminal = nix::pty::openpty(None, None).unwrap();
    let stream = || Stdio::from(terminal.slave.try_clone().unwrap());
    let mut child = command.stdout(stream()).stderr(stream()).spawn().unwrap();
    // The last open end of the terminal is the program's own.
    drop(command);
    drop(terminal.slave);
    let mut shown = Vec::new();
    // A terminal whose other end is closed gives an error, not an end.
    let _ = std::fs::File::from(terminal.master).read_to_end(&mut shown);
    child.wait().unwrap();
    String::from_utf8(shown).unwrap()
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
