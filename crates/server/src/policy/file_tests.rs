use super::super::Condition;
use super::*;

const POLICY: &str =
    "version: 1\nrepositories:\n  - repository: a/b\n    permissions: [{ permission: 'x:y' }]\n";

/// A file in a directory of its own, and its store.
struct Stage {
    directory: PathBuf,
    file: PolicyFile,
    store: Arc<PolicyStore>,
}

impl Stage {
    fn new(name: &str, text: Option<&str>, stale: Duration) -> Self {
        let name = format!("repo-permissions-{name}-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("policy.yml");
        _ = std::fs::remove_file(&file);
        if let Some(text) = text {
            std::fs::write(&file, text).unwrap();
        }
        let refresh = Duration::from_secs(3600);
        let file = PolicyFile::open(&file, refresh, stale, true, Metrics::new());
        Self {
            directory,
            store: Arc::clone(file.store()),
            file,
        }
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.file.file, text).unwrap();
    }

    /// The file was at rest for a tick.
    fn rest(&self) {
        self.file.tick();
        self.file.tick();
    }

    fn reason(&self) -> Option<Reason> {
        self.store.current().err().map(|failure| failure.reason)
    }

    fn sha256(&self) -> String {
        self.store.current().unwrap().record.sha256.clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.directory);
    }
}

const LONG: Duration = Duration::from_secs(600);

#[test]
fn a_change_counts_once_the_file_rests() {
    let stage = Stage::new("change", Some(POLICY), LONG);
    assert_eq!(stage.sha256(), analysis::sha256(POLICY.as_bytes()));
    let longer = format!("{POLICY}      # more\n");
    stage.write(&longer);
    stage.file.tick();
    // Somebody could still be writing.
    assert_eq!(stage.sha256(), analysis::sha256(POLICY.as_bytes()));
    stage.file.tick();
    assert_eq!(stage.sha256(), analysis::sha256(longer.as_bytes()));
    assert_eq!(stage.store.condition(), Condition::Current);
}

#[test]
fn an_invalid_version_leaves_the_last_good_one_for_a_while() {
    let stage = Stage::new("invalid", Some(POLICY), Duration::from_millis(300));
    stage.write("version: 2\n");
    stage.rest();
    assert_eq!(stage.sha256(), analysis::sha256(POLICY.as_bytes()));
    assert!(matches!(stage.store.condition(), Condition::Stale(why) if why.contains("version")));
    std::thread::sleep(Duration::from_millis(400));
    // Looking at the same invalid file again renews nothing.
    stage.rest();
    assert_eq!(stage.reason(), Some(Reason::PolicyInvalid));
    assert!(matches!(stage.store.condition(), Condition::Unavailable(_)));
    stage.write(POLICY);
    stage.rest();
    assert_eq!(stage.store.condition(), Condition::Current);
}

#[test]
fn a_policy_that_is_gone_ends_at_once_and_can_come_back() {
    let stage = Stage::new("gone", Some(POLICY), LONG);
    std::fs::remove_file(&stage.file.file).unwrap();
    stage.file.tick();
    assert_eq!(stage.reason(), Some(Reason::PolicyNotFound));
    stage.write(POLICY);
    stage.rest();
    assert_eq!(stage.reason(), None);
}

#[test]
fn a_server_can_start_before_its_policy() {
    let stage = Stage::new("late", None, LONG);
    assert_eq!(stage.reason(), Some(Reason::PolicyNotFound));
    assert_eq!(stage.store.age(), None);
    stage.write("version: 1\nrepositories: [{}]\n");
    stage.rest();
    assert_eq!(stage.reason(), Some(Reason::PolicyInvalid));
    stage.write(POLICY);
    stage.rest();
    assert_eq!(stage.reason(), None);
    assert!(stage.store.age().is_some());
}

#[test]
fn a_directory_in_the_place_of_the_file_leaves_the_last_good_one() {
    let stage = Stage::new("directory", Some(POLICY), LONG);
    std::fs::remove_file(&stage.file.file).unwrap();
    std::fs::create_dir(&stage.file.file).unwrap();
    stage.rest();
    assert!(matches!(stage.store.condition(), Condition::Stale(_)));
    std::fs::remove_dir(&stage.file.file).unwrap();
    stage.write(POLICY);
    stage.rest();
    assert_eq!(stage.store.condition(), Condition::Current);
}

#[test]
fn rules_for_every_repository_are_refused() {
    for text in [
        "version: 1\npermissions: [{ permission: 'x:y' }]\n",
        "version: 1\npermissions: []\nrepositories: []\n",
    ] {
        let stage = Stage::new("top", Some(text), LONG);
        let failure = stage.store.current().unwrap_err();
        assert_eq!(failure.reason, Reason::PolicyInvalid);
        assert!(
            failure.message.contains("at the top of a central policy"),
            "{failure:?}"
        );
    }
}
