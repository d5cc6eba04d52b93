//! Files that cannot be written, or only in part.
//!
//! Whatever becomes of them, the exit code is the decision's, and the reports are made. A file of the runner's
//! or of the audit log has all of what was to be written, or nothing: of half an output the runner makes an
//! error, and half an outcome is none.

use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use serde_json::Value;
use simulator::StepResult;
use simulator::runner::{Exit, FileCommands};

use super::cell::assert_no_secret;
use super::scene::{Ask, Scene, SceneKind};
use crate::support::directory::Directory;
use crate::support::{each, record_lines, records, runner_through};

/// Exit code and reports are the decision's; each file is whole or untouched. Gives the number of files that
/// have something.
fn assert_whole(scene: &Scene, step: &StepResult, ask: Ask) -> usize {
    let (code, decision, conclusion) = match ask {
        Ask::Allowed => (0, "allowed", "success"),
        Ask::Denied => (1, "denied", "failure"),
    };
    assert_eq!(
        step.exit,
        Exit::Code(code),
        "{}\n{}",
        step.stdout,
        step.stderr
    );
    assert!(step.last_line().starts_with(decision), "{}", step.stdout);
    assert_eq!(step.runner_errors, Vec::<String>::new());
    assert_eq!(records(&step.stdout).len(), 1);
    let [run] = &scene.stage.github.check_runs()[..] else {
        panic!("{}", step.stdout);
    };
    assert_eq!(run.conclusion.as_deref(), Some(conclusion));
    assert_eq!(scene.stage.github.statuses().len(), 1);
    assert_no_secret(scene, step);
    let mut written = 0;
    let mut is_written = |variable: &str, written_to: bool| {
        let warned = step.stdout.contains(variable);
        assert!(written_to || warned, "{variable}: {}", step.stdout);
        written += usize::from(written_to);
    };
    // The check run's page comes by itself, and may be all that fits, or what does not.
    let has_outputs = !step.output("decision").is_empty();
    if has_outputs {
        assert_eq!(step.output("decision"), decision);
        let result: Value = serde_json::from_str(step.output("result")).unwrap();
        assert_eq!(result["decision"], decision);
    }
    is_written("`GITHUB_OUTPUT` cannot be written", has_outputs);
    if !step.summary.is_empty() {
        assert!(step.summary.contains("| Branch |"), "{}", step.summary);
        assert!(step.summary.ends_with('\n'));
    }
    is_written(
        "`GITHUB_STEP_SUMMARY` cannot be written",
        !step.summary.is_empty(),
    );
    let file = Scene::audit_log(step);
    if !file.is_empty() {
        assert_eq!(record_lines(&file), record_lines(&step.stdout));
    }
    is_written(
        "the audit log `audit.jsonl` could not be written, its records",
        !file.is_empty(),
    );
    written
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn file_commands_that_are_no_files() {
    for files in [
        FileCommands::Missing,
        FileCommands::Directories,
        FileCommands::Full,
        FileCommands::Pipes,
        FileCommands::Unset,
        FileCommands::ReadOnly,
        FileCommands::Links,
    ] {
        for ask in [Ask::Allowed, Ask::Denied] {
            let mut scene = Scene::new(SceneKind::Default, ask);
            scene.stage.runner = scene.stage.runner.clone().file_commands(files);
            let step = scene.run(|_| ());
            let written = assert_whole(&scene, &step, ask);
            let warnings = step.stdout.matches("`GITHUB_OUTPUT` cannot be written");
            assert!(warnings.count() <= 1, "{}", step.stdout);
            let expected = match files {
                FileCommands::Links => 3,
                // Root writes to them.
                FileCommands::ReadOnly if is_root() => 3,
                _ => 1,
            };
            assert_eq!(written, expected, "{files:?}\n{}", step.stdout);
        }
    }
}

/// Files that may have so many bytes, as `ulimit -f` and quotas have it.
#[test]
fn files_that_may_not_grow() {
    let limits: Vec<usize> = (0..40).map(|step| step * step * 10).collect();
    let written = std::sync::Mutex::new([0; 4]);
    each(&limits, 4, |limit| {
        for ask in [Ask::Allowed, Ask::Denied] {
            let mut scene = Scene::new(SceneKind::Default, ask);
            let limit = format!("--fsize={limit}:{limit}");
            scene.stage.runner = runner_through("/usr/bin/prlimit", &[&limit]);
            let step = scene.run(|_| ());
            let files = assert_whole(&scene, &step, ask);
            written.lock().unwrap()[files] += 1;
        }
    });
    let written = written.into_inner().unwrap();
    println!(
        "files that were written, of 3, under {} limits: {written:?}",
        limits.len()
    );
    assert!(written.iter().all(|count| *count > 0), "{written:?}");
}

/// A disk of some pages, with the step's directory on it.
struct Disk(Directory);

impl Disk {
    /// `None` where this process may not mount.
    fn of(kilobytes: usize) -> Option<Self> {
        let disk = Self(Directory::new());
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "tmpfs"])
            .arg(&disk.0.0)
            .output();
        mounted
            .is_ok_and(|mounted| mounted.status.success())
            .then_some(disk)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        _ = Command::new("umount").arg("-l").arg(&self.0.0).output();
    }
}

#[test]
fn a_full_disk() {
    let mut written = [0; 4];
    for kilobytes in (4..64).step_by(4) {
        for ask in [Ask::Allowed, Ask::Denied] {
            let Some(disk) = Disk::of(kilobytes) else {
                println!(
                    "not run: a full disk needs the right to mount one; /dev/full stands for it"
                );
                return;
            };
            let mut scene = Scene::new(SceneKind::Default, ask);
            scene.stage.runner = scene.stage.runner.clone().directory(&disk.0.0);
            let Some(step) = scene.try_run() else {
                // The runner's own files do not fit.
                continue;
            };
            written[assert_whole(&scene, &step, ask)] += 1;
            drop(step);
        }
    }
    println!("files that were written, of 3, on disks of 4 to 64 KB: {written:?}");
    assert!(written[0] > 0 && written[3] > 0, "{written:?}");
}
