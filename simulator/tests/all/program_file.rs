//! A file that a test writes and starts.

use std::path::{Path, PathBuf};
use std::process::Command;

use simulator::write_program;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("program-file")
}

#[test]
fn it_starts_while_other_threads_start_theirs() {
    let directory = directory();
    std::fs::create_dir_all(&directory).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let directory = &directory;
            scope.spawn(move || {
                for number in 0..25 {
                    let path = directory.join(format!("{thread}-{number}"));
                    write_program(&path, "#!/bin/sh\nexit 3\n").unwrap();
                    let status = Command::new(&path).status().unwrap();
                    assert_eq!(status.code(), Some(3));
                }
            });
        }
    });
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn one_that_cannot_be_written_is_an_error() {
    let path = directory().with_extension("absent").join("program");
    let error = write_program(&path, "").unwrap_err().to_string();
    assert!(error.contains("program: not written"), "{error}");
}
