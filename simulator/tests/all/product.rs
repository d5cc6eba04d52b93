//! The program that the simulator starts.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Puts the simulator into an empty directory, which is not one of cargo's. Nothing is written: see
/// [`simulator::write_program`].
fn placed(name: &str) -> std::path::PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_simulator"), directory.join("simulator")).unwrap();
    fs::write(
        directory.join("policy.yml"),
        "version: 1\npermissions: []\n",
    )
    .unwrap();
    directory
}

fn run(directory: &Path) -> Output {
    Command::new(directory.join("simulator"))
        .args(["--policy", "policy.yml", "--show", "log"])
        .current_dir(directory)
        .output()
        .unwrap()
}

#[test]
fn the_program_beside_the_simulator_runs_and_nothing_is_built() {
    let directory = placed("beside");
    let program = directory.join("repo-permissions");
    simulator::write_program(&program, "#!/bin/sh\necho the program beside it\n").unwrap();
    let output = run(&directory);
    let log = String::from_utf8(output.stdout).unwrap();
    assert!(log.contains("the program beside it"), "{log}");
    assert!(!directory.parent().unwrap().join("debug").exists());
}

#[test]
fn without_a_program_the_simulator_asks_for_one() {
    let output = run(&placed("alone"));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        error.contains("repo-permissions does not lie beside this program")
            && error.contains("--binary FILE"),
        "{error}"
    );
}
