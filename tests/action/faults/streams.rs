//! Standard output and error that cannot be written.

use std::time::Duration;

use simulator::runner::Exit;

use super::scene::{Ask, Scene, SceneKind};
use crate::support::{records, runner_through};

#[test]
fn a_log_that_cannot_be_written_changes_nothing() {
    for script in [
        "exec \"$0\" >&-",
        "exec \"$0\" >&- 2>&- <&-",
        "exec \"$0\" >/dev/full 2>/dev/full",
        // The reader goes away at once, or after some lines.
        "mkfifo ../log; true <../log & exec \"$0\" >../log",
        "mkfifo ../log; head -c 200 <../log >/dev/null & exec \"$0\" >../log",
    ] {
        for (ask, code, decision) in [(Ask::Allowed, 0, "allowed"), (Ask::Denied, 1, "denied")] {
            let mut scene = Scene::new(SceneKind::Default, ask);
            // Not every shell hands variables on whose names have hyphens.
            scene.stage.runner = runner_through("/bin/bash", &["-c", script]);
            let step = scene.run(|_| ());
            assert_eq!(step.exit, Exit::Code(code), "{script}");
            assert_eq!(step.output("decision"), decision, "{script}");
            assert!(step.summary.contains("### "), "{script}");
            let file = Scene::audit_log(&step);
            assert_eq!(records(&file).len(), 1, "{script}");
            assert_eq!(scene.stage.github.check_runs().len(), 1, "{script}");
            assert_eq!(scene.stage.github.statuses().len(), 1, "{script}");
            assert_eq!(step.stderr, "", "{script}");
        }
    }
}

/// A full pipe without a reader: a write to it blocks.
#[test]
fn a_log_that_nobody_reads_ends_with_the_time() {
    for ask in [Ask::Allowed, Ask::Denied] {
        let mut scene = Scene::new(SceneKind::Default, ask);
        scene.input("timeout", "1");
        let script = "mkfifo ../log; exec 3<>../log; head -c 65536 /dev/zero >&3; exec \"$0\" >&3";
        scene.stage.runner = runner_through("/bin/bash", &["-c", script]);
        let step = scene.run(|_| ());
        assert_eq!(step.exit, Exit::Code(2));
        assert!(
            step.duration < Duration::from_secs(8),
            "{:?}",
            step.duration
        );
        let outputs = ["decision", "allowed", "reason"].map(|name| step.output(name));
        assert_eq!(outputs, ["error", "false", "internal"]);
    }
}
