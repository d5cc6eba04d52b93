//! The command line and the configuration's file.

use simulator::GitHub;

use crate::support::http::read_answer;
use crate::support::{
    BINARY, DEPLOY, Directory, POLICY, Server, Stage, bearer, command, configuration, output,
};

#[test]
fn check_finds_what_would_not_work() {
    let (github, directory) = (GitHub::start().unwrap(), Directory::new());
    directory.write("server.yml", configuration(&github, ""));
    let file = directory.path("server.yml");
    let check = || output(command(&file).arg("--check"));
    let (code, _, error) = check();
    assert_eq!(code, Some(2));
    assert!(
        error.contains("policy.yml` cannot be read: No such file"),
        "{error}"
    );
    directory.write("policy.yml", POLICY);
    let (code, out, error) = check();
    assert_eq!((code, &*error), (Some(0), ""));
    assert_eq!(
        out,
        format!("{} and its policy are valid\n", file.display())
    );
    directory.write("policy.yml", "version: 1\npermissions: []\n");
    let (code, _, error) = check();
    assert_eq!(code, Some(2));
    assert!(error.contains("at the top of a central policy"), "{error}");
    let more = "ca_bundle: roots.pem\n";
    directory.write("server.yml", configuration(&github, more));
    assert!(check().2.contains("roots.pem`, which cannot be read"));
    directory.write(
        "server.yml",
        configuration(&github, "detial: full\nowner: 7\n"),
    );
    let (code, _, error) = check();
    assert_eq!(code, Some(2));
    let shown = file.display();
    for line in [
        format!("{shown}:8:1: unknown key `detial` in the configuration"),
        format!("{shown}:9:1: unknown key `owner` in the configuration"),
    ] {
        assert!(error.contains(&line), "{line} in {error}");
    }
    // Nobody was asked.
    assert_eq!(github.connections(), 0);
}

#[test]
fn an_address_in_use_is_an_error() {
    let stage = Stage::new();
    let more = format!("listen: {}", stage.server.address);
    let text = configuration(&stage.github, "").replace("listen: 127.0.0.1:0", &more);
    stage.directory.write("server.yml", text);
    let (code, _, error) = output(&mut command(&stage.directory.path("server.yml")));
    assert_eq!(code, Some(2));
    assert!(
        error.contains("which cannot be listened on: Address already in use"),
        "{error}"
    );
}

#[test]
fn a_unix_socket_is_for_its_group() {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new();
    let text = configuration(&stage.github, "");
    // The path of a socket has at most 107 bytes.
    let socket = std::env::temp_dir().join(format!("gate-{}.sock", std::process::id()));
    let listen = format!("listen: 'unix:{}'", socket.display());
    stage
        .directory
        .write("server.yml", text.replace("listen: 127.0.0.1:0", &listen));
    let file = stage.directory.path("server.yml");
    // A process that was killed leaves its socket behind.
    drop(Server::start(&file));
    assert!(socket.exists());
    let mut server = Server::start(&file);
    server.wait_until_ready();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let (code, _, error) = output(&mut command(&file));
    assert_eq!(code, Some(2), "{error}");
    let token = bearer(&stage.token(&stage.deploy()));
    let mut stream = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    write!(
        stream,
        "GET /v1/forward-auth/{DEPLOY} HTTP/1.1\r\nHost: a\r\n{token}\r\n\r\n"
    )
    .unwrap();
    assert_eq!(read_answer(&mut stream).status, 200);
    server.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(server.end().0.code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn help_and_version() {
    let run = |argument: &str| output(std::process::Command::new(BINARY).arg(argument));
    let (code, out, _) = run("--version");
    assert_eq!(code, Some(0));
    assert!(out.starts_with("repo-permissions-server "), "{out}");
    let (code, _, error) = run("--nothing");
    assert_eq!(code, Some(2), "{error}");
}
