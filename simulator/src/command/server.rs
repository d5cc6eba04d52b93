//! The server, shown: jobs call an API behind a proxy.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::gateway::{Call, Message, Proxy, ServerProcess};
use crate::github::Repository;
use crate::show::WIDTH;
use crate::unique::hex;
use crate::{GitHub, Job};

const AUDIENCE: &str = "https://deploy.acme.example";
const PERMISSION: &str = "ws:deployments:create";
const OWNER: u64 = 4567;
const POLICY: &str = "\
version: 1
repositories:
  - repository: acme-org/infra
    permissions:
      - name: production deploys
        permission: ws:deployments:create
        workflow: deploy-production.yml
        branch: main
        environment: production
";

/// A directory for two files, removed with the value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("simulator-{}", hex(8)));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.0.join(name);
        std::fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left in the directory of temporary files does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Shows a job that may, one that may not, and a request without a token. Returns 0 if exactly the first reached the
/// API.
pub(super) fn show(binary: &Path, out: &mut impl Write) -> anyhow::Result<u8> {
    let github = GitHub::start()?;
    let directory = Directory::new()?;
    directory.write("policy.yml", POLICY)?;
    let text = format!(
        "version: 1\nlisten: 127.0.0.1:0\nadmin: 127.0.0.1:0\nissuer: {}\naudience: {AUDIENCE}\nowners: [{OWNER}]\n\
         policy: {{ file: policy.yml }}\n",
        github.issuer()
    );
    let config = directory.write("server.yml", &text)?;
    let mut server = ServerProcess::start(binary, &config)?;
    let proxy = Proxy::start(&server.address, PERMISSION)?;
    writeln!(out, "server.yml\n\n{}", indented(&text))?;
    writeln!(out, "policy.yml\n\n{}", indented(POLICY))?;
    let repository = Repository::new("acme-org/infra", 123_456_789, OWNER);
    let push = |branch: &str| {
        Job::push(&repository, branch)
            .with_workflow("deploy-production.yml")
            .with_environment("production")
    };
    let mut reached = Vec::new();
    for (title, job) in [
        (
            "a job on `main`, for the environment `production`",
            Some(push("main")),
        ),
        (
            "the same job on `feature/login`",
            Some(push("feature/login")),
        ),
        ("a request without a token", None),
    ] {
        let token = match &job {
            Some(job) => Some(github.mint_token(job.claims(), AUDIENCE)?),
            None => None,
        };
        let mut request =
            Message::new("POST /deployments HTTP/1.1").with("host", "deploy.acme.example");
        if let Some(token) = &token {
            request = request.with("authorization", &format!("Bearer {token}"));
        }
        let response = request.exchange(&proxy.address)?;
        let call = proxy.calls().pop().context("the proxy saw no request")?;
        let record = match token {
            Some(_) => Some(server.record()?),
            None => None,
        };
        writeln!(out, "{}\n{title}\n", "═".repeat(WIDTH))?;
        parties(out, &call, &response)?;
        let message = record
            .as_ref()
            .and_then(|record| record.pointer("/data/message")?.as_str());
        let record = message.unwrap_or("nothing: the request is nobody's");
        writeln!(out, "  the audit log says   {record}\n")?;
        reached.push(call.upstream.is_some());
    }
    Ok(u8::from(reached != [true, false, false]))
}

fn parties(out: &mut impl Write, call: &Call, response: &Message) -> std::io::Result<()> {
    let line = |message: &Message| message.start.trim_end_matches(" HTTP/1.1").to_owned();
    let status = |message: &Message| message.start.trim_start_matches("HTTP/1.1 ").to_owned();
    let upstream = match &call.upstream {
        Some(request) => line(request) + &headers(request),
        None => "nothing".to_owned(),
    };
    for (party, text) in [
        (
            "the job sends",
            line(&call.request) + &headers(&call.request),
        ),
        (
            "the proxy asks",
            line(&call.question) + &headers(&call.question),
        ),
        (
            "the server answers",
            status(&call.answer) + &headers(&call.answer),
        ),
        ("the API sees", upstream),
        (
            "the job gets",
            format!("{} {}", status(response), response.body),
        ),
    ] {
        writeln!(out, "  {party:20} {text}")?;
    }
    Ok(())
}

/// The headers that matter here, each on a line of its own.
fn headers(message: &Message) -> String {
    let shown = message.headers.iter().filter_map(|(name, value)| {
        let value = match name.as_str() {
            "authorization" => format!("Bearer eyJ… ({} bytes)", value.len()),
            "www-authenticate" => value.clone(),
            name if name.starts_with("x-repo-permissions-") => value.clone(),
            _ => return None,
        };
        Some(format!("\n{:23}{name}: {value}", ""))
    });
    shown.collect()
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
