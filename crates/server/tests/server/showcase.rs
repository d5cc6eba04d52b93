//! `simulator server`: the server on a laptop, in one command.

use std::ffi::OsString;

use crate::support::{BINARY, Directory};

#[test]
fn one_command_shows_what_each_party_sees() {
    let directory = Directory::new();
    let words = ["simulator", "server", "--binary", BINARY].map(OsString::from);
    let mut printed = Vec::new();
    let code = simulator::command::run(words, &directory.path(""), &mut printed).unwrap();
    let printed = String::from_utf8(printed).unwrap();
    assert_eq!(code, 0, "{printed}");
    // The page shows a part of it.
    let page = include_str!("../../../../docs/enforce.md");
    let (_, shown) = page.split_once("```text no-run\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let size = regex::Regex::new(r"\d+ bytes").unwrap();
    let printed = size.replace_all(&printed, "1902 bytes");
    assert!(printed.contains(shown), "{shown} in {printed}");
    for (line, times) in [
        ("the API sees         POST /deployments", 1),
        ("the API sees         nothing", 2),
        ("the server answers   200 OK", 1),
        ("the server answers   403 Forbidden", 1),
        ("the server answers   401 Unauthorized", 1),
        (
            "the job gets         201 Created {\"created\": \"a deployment of acme-org/infra\"}",
            1,
        ),
        ("needs branch `main`; this job has `feature/login`", 1),
    ] {
        assert_eq!(printed.matches(line).count(), times, "{line} in {printed}");
    }
}
