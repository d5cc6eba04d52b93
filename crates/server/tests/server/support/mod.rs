//! A GitHub, a server in front of no API, and the jobs that ask.

pub mod api;
pub mod http;
#[path = "../../../../../tests/support/pattern.rs"]
pub mod pattern;
#[path = "../../../../../tests/support/schema.rs"]
pub mod schema;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Map, Value};
use simulator::github::Repository;
use simulator::{GitHub, Job};

use self::http::{Answer, exchange};

/// Where a repository's own policy lies.
pub const POLICY_PATH: &str = ".github/repo-permissions.yml";
/// The built program.
pub const BINARY: &str = env!("CARGO_BIN_EXE_repo-permissions-server");
pub const AUDIENCE: &str = "https://deploy.acme.example";
/// The account of `acme-org/infra`.
pub const OWNER: u64 = 4567;
pub const DEPLOY: &str = "ws:deployments:create";
pub const POLICY: &str = "\
version: 1
workspace: acme
repositories:
  - repository: acme-org/infra
    permissions:
      - name: production deploys
        permission: ws:deployments:create
        workflow: deploy-production.yml
        branch: main
        environment: production
      - permission: ws:locks:create
        branch: main
";

/// A directory that nothing else writes to, removed with the value.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("server-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// Writes a file at once, as one that is renamed into its place.
    pub fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let new = self.path(&format!(".{file}.new"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(file)).unwrap();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The lines of a stream, as they arrive.
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: JoinHandle<()>,
}

impl Lines {
    fn of(stream: impl std::io::Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let reader = std::thread::spawn({
            let lines = Arc::clone(&lines);
            move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    lines.lock().unwrap().push(line);
                }
            }
        });
        Self { lines, reader }
    }

    fn now(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// Waits until something is there, for at most 20 seconds.
#[track_caller]
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A running server.
pub struct Server {
    child: Child,
    out: Option<Lines>,
    unread: Option<ChildStdout>,
    err: Lines,
    pub address: String,
    pub admin: String,
}

impl Server {
    /// Starts the program with a configuration and waits until it listens.
    pub fn start(config: &Path) -> Self {
        Self::start_with(config, &[])
    }

    /// The same with variables.
    pub fn start_with(config: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = command(config);
        command.envs(variables.iter().copied());
        let mut server = Self::start_by(command);
        server.out = server.unread.take().map(Lines::of);
        server
    }

    /// The same, but nobody reads its records.
    pub fn start_unread(config: &Path) -> Self {
        Self::start_by(command(config))
    }

    fn start_by(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let err = Lines::of(child.stderr.take().unwrap());
        let address = |key: &str| {
            wait_for("the address", || {
                let listening = |line: &String| {
                    let line: Value = serde_json::from_str(line).ok()?;
                    let is_it = line["event"] == "listening" && line["for"] == key;
                    is_it.then(|| line["address"].as_str().unwrap().to_owned())
                };
                err.now().iter().find_map(listening)
            })
        };
        let (address, admin) = (address("listen"), address("admin"));
        Self {
            unread: child.stdout.take(),
            child,
            out: None,
            err,
            address,
            admin,
        }
    }

    /// Closes the records, which nobody reads.
    pub fn close_records(&mut self) {
        self.unread = None;
    }

    /// What it wrote to standard error.
    pub fn said(&self) -> String {
        self.err.now().join("\n")
    }

    /// The server's own log so far.
    pub fn log(&self) -> Vec<Value> {
        let lines = self.err.now();
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits for an event in the log.
    #[track_caller]
    pub fn logs(&self, event: &str) -> Value {
        wait_for(event, || {
            self.log().into_iter().find(|line| line["event"] == event)
        })
    }

    /// The audit log so far.
    pub fn audit(&self) -> Vec<String> {
        self.out.as_ref().map(Lines::now).unwrap_or_default()
    }

    /// Waits for so many audit records.
    #[track_caller]
    pub fn records(&self, count: usize) -> Vec<Value> {
        let lines = wait_for("the records", || {
            Some(self.audit()).filter(|lines| lines.len() >= count)
        });
        lines
            .iter()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end, and returns the audit log with the exit status.
    pub fn end(&mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        let lines = self.out.take().map(|out| {
            out.reader.join().unwrap();
            out.lines.lock().unwrap().clone()
        });
        (status, lines.unwrap_or_default())
    }

    /// Sends the head of a request; the lines of `headers` are complete.
    pub fn send(&self, method: &str, target: &str, headers: &[String]) -> Answer {
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nHost: server\r\nConnection: close\r\n");
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        exchange(&self.address, request.as_bytes())
    }

    /// Asks for a permission with a token.
    pub fn ask(&self, permission: &str, token: &str) -> Answer {
        let target = format!("/v1/forward-auth/{permission}");
        self.send("GET", &target, &[bearer(token)])
    }

    /// Posts a body of JSON; the lines of `headers` are complete.
    pub fn post(&self, target: &str, body: &str, headers: &[String]) -> Answer {
        let more: String = headers
            .iter()
            .map(|header| format!("{header}\r\n"))
            .collect();
        let request = format!(
            "POST {target} HTTP/1.1\r\nHost: server\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{more}\r\n{body}",
            body.len()
        );
        let answer = exchange(&self.address, request.as_bytes());
        keep_exchange(target, body, &answer);
        answer
    }

    /// Asks AuthZEN's API for one evaluation.
    pub fn evaluate(&self, permission: &str, token: &str) -> Answer {
        let body = evaluation(permission, token).to_string();
        self.post("/access/v1/evaluation", &body, &[])
    }

    /// Asks an operator's endpoint.
    pub fn admin(&self, target: &str) -> Answer {
        let request = format!("GET {target} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n");
        exchange(&self.admin, request.as_bytes())
    }

    /// The value of a metric, with its labels as in the text.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.admin("/metrics").body;
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    #[track_caller]
    pub fn wait_until_ready(&self) {
        wait_for("readiness", || {
            (self.admin("/readyz").status == 200).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The program, or the build of it in `SERVER_BINARY`, with a configuration and none of this process's variables.
pub fn command(config: &Path) -> Command {
    let given = std::env::var_os("SERVER_BINARY");
    let mut command = Command::new(given.unwrap_or_else(|| BINARY.into()));
    command
        .arg("--config")
        .arg(config)
        .env_clear()
        .stdin(Stdio::null());
    command
}

/// Keeps a question and its answer in the file that `AUTHZEN_EXCHANGES` names, for `.ci/outside/authzen`.
fn keep_exchange(target: &str, body: &str, answer: &Answer) {
    let Some(file) = std::env::var_os("AUTHZEN_EXCHANGES") else {
        return;
    };
    let parsed = |text: &str| engine::unique_json(text.as_bytes()).ok();
    let (Some(request), Some(answered)) = (parsed(body), parsed(&answer.body)) else {
        return;
    };
    let line = serde_json::json!({
        "target": target, "request": request, "status": answer.status, "answer": answered,
    });
    let mut file = std::fs::File::options().append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The request of an evaluation, about the repository of [`Stage`].
pub fn evaluation(permission: &str, token: &str) -> Value {
    serde_json::json!({
        "subject": {"type": "github_actions_job", "id": token},
        "action": {"name": permission},
        "resource": {"type": "repository", "id": "acme-org/infra"},
    })
}

pub fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

/// What a program printed to its end: exit code, standard output, standard error.
pub fn output(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A GitHub, a policy in a file, and a server that uses both.
pub struct Stage {
    pub github: GitHub,
    pub repository: Repository,
    pub directory: Directory,
    pub server: Server,
}

impl Stage {
    pub fn new() -> Self {
        Self::with(POLICY, "")
    }

    /// With a policy and more lines of the configuration.
    pub fn with(policy: &str, more: &str) -> Self {
        let stage = Self::unready(GitHub::start().unwrap(), policy, more);
        stage.server.wait_until_ready();
        stage
    }

    /// The same with a prepared GitHub, perhaps not ready.
    pub fn unready(github: GitHub, policy: &str, more: &str) -> Self {
        let directory = Directory::new();
        directory.write("policy.yml", policy);
        directory.write("server.yml", configuration(&github, more));
        let server = Server::start(&directory.path("server.yml"));
        Self {
            github,
            repository: Repository::new("acme-org/infra", 123, OWNER),
            directory,
            server,
        }
    }

    /// The job that may deploy.
    pub fn deploy(&self) -> Job {
        Job::push(&self.repository, "main")
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    }

    /// A token of a job, for this server.
    pub fn token(&self, job: &Job) -> String {
        self.github.mint_token(job.claims(), AUDIENCE).unwrap()
    }

    /// A token of the job that may deploy, with these claims changed.
    pub fn token_with(&self, claims: &[(&str, Value)]) -> String {
        let mut all: Map<String, Value> = self.deploy().claims();
        for (name, value) in claims {
            all.insert((*name).to_owned(), value.clone());
        }
        self.github.mint_token(all, AUDIENCE).unwrap()
    }
}

/// A configuration for a GitHub, with a policy in `policy.yml`.
pub fn configuration(github: &GitHub, more: &str) -> String {
    let policy = match more.contains("policy:") {
        true => "",
        false => "policy: { file: policy.yml }\n",
    };
    format!(
        "version: 1\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\nissuer: {}\naudience: {AUDIENCE}\nowners: [{OWNER}]\n\
         {policy}{more}",
        github.issuer()
    )
}
