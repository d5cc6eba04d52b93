//! One whole step: the release binary, started as the runner starts it, against the simulator, beside
//! an action in Node that does the same.
//!
//! `benches/run` builds all of it, runs this, and says what it needs. Every round runs each program
//! once, so that all of them see the same machine; what is printed are medians over the rounds, and
//! medians of the quotients within a round.

#![expect(clippy::print_stdout, reason = "it prints tables")]

mod container;
mod launcher;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use simulator::github::{APP_PRIVATE_KEY_PKCS1, App, Permissions, Repository};
use simulator::{GitHub, Job, Runner, StepResult};

use self::container::CONTAINER;
use self::launcher::{LAUNCH, Measured, launch, now};
use self::table::{median, ms, number};

const POLICY: &str = "\
version: 1
permissions:
  - permission: ws:deployments:create
    workflow: ci.yml
    branch: ^(main|release/.*)$
";
const PERMISSION: &str = "ws:deployments:create";
const BINARY: &str = "this action";
const CLIENT_ID: &str = "Iv23liBench";
/// The round trip of the network that is not near.
const ROUND_TRIP: Duration = Duration::from_millis(50);
/// What a client cannot do without: TCP, TLS, a round of requests, one more that depends on it.
const ROUND_TRIPS: u32 = 4;

/// Measures one step.
#[derive(Parser)]
struct Arguments {
    /// The action.
    #[arg(long)]
    binary: PathBuf,
    /// Node.
    #[arg(long)]
    node: PathBuf,
    /// The directory of the bundled peers.
    #[arg(long)]
    peers: PathBuf,
    /// The socket of a container engine.
    #[arg(long, requires = "image")]
    socket: Option<String>,
    /// The image there that has the action as `/repo-permissions` and this program as `/launcher`.
    #[arg(long, requires = "socket")]
    image: Option<String>,
    /// How often each program is run.
    #[arg(long, default_value_t = 30)]
    rounds: usize,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == LAUNCH).is_some() {
        return launch(arguments);
    }
    if arguments.next_if(|first| first == CONTAINER).is_some() {
        return container::run(arguments);
    }
    let arguments = Arguments::parse();
    let mut bench = Bench::new(&arguments)?;
    for round in 0..=arguments.rounds {
        for program in bench.programs.iter_mut().chain(&mut bench.contained) {
            let run = program.run(&bench.networks)?;
            // The first warms the file cache.
            if round > 0 {
                program.runs.push(run);
            }
        }
    }
    bench.print(&arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// A GitHub at some distance.
struct Network {
    name: &'static str,
    github: GitHub,
    job: Job,
}

impl Network {
    fn new(name: &'static str, tls: bool, round_trip: Duration) -> anyhow::Result<Self> {
        let github = GitHub::builder().tls(tls).round_trip(round_trip).start()?;
        let repository = Repository::new("acme-org/infra", 123, 4567).with_file(
            "main",
            ".github/repo-permissions.yml",
            POLICY,
        );
        github.add_repository(repository.clone());
        let app = App::new("gate", 77, CLIENT_ID);
        github.install_app(app, &["acme-org/infra"], Permissions::usual());
        // Node has no input for the authority, and reads the file that the action is given.
        let job = Job::push(&repository, "main")
            .with_workflow("ci.yml")
            .with_earlier_env("NODE_EXTRA_CA_CERTS", "simulator-ca.pem");
        Ok(Self { name, github, job })
    }
}

/// What is run: a step on one of the networks, or a process without one.
struct Program {
    name: &'static str,
    network: Option<usize>,
    /// How this program is to start it: [`LAUNCH`] or [`CONTAINER`].
    start: Vec<String>,
    command: Vec<String>,
    inputs: Vec<(&'static str, &'static str)>,
    runs: Vec<Run>,
}

/// One run of it.
struct Run {
    cost: Measured,
    /// From outside: with the container around it.
    whole: Duration,
    /// The requests since the start of the process.
    requests: Vec<Arrived>,
}

struct Arrived {
    at: Duration,
    connection: u64,
    request: String,
}

impl Program {
    fn new(name: &'static str, network: Option<usize>, command: &[&str]) -> Self {
        Self {
            name,
            network,
            start: vec![LAUNCH.to_owned()],
            command: command.iter().map(|text| (*text).to_owned()).collect(),
            inputs: vec![("permission", PERMISSION)],
            runs: Vec::new(),
        }
    }

    /// In a container of an image, by the socket of an engine.
    fn contained(self, socket: &str, image: &str) -> Self {
        let start = [CONTAINER, socket, image];
        Self {
            start: start.map(str::to_owned).into(),
            ..self
        }
    }

    fn run(&self, networks: &[Network]) -> anyhow::Result<Run> {
        let own = std::env::current_exe()?;
        let arguments: Vec<&str> = self
            .start
            .iter()
            .chain(&self.command)
            .map(String::as_str)
            .collect();
        let Some(Network { github, job, .. }) = self.network(networks) else {
            let output = Command::new(own).args(arguments).output()?;
            let cost = Measured::read(&String::from_utf8_lossy(&output.stdout))?;
            return Ok(Run {
                cost,
                whole: cost.wall,
                requests: Vec::new(),
            });
        };
        github.clear_records();
        let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("../action.yml");
        let runner = Runner::new(own)
            .with_action_file(&action)?
            .arguments(&arguments)
            .trusting(github);
        let zero = now()?.saturating_sub(github.clock());
        let step = runner.run(github, job, &self.inputs)?;
        self.check(&step, github)?;
        let cost = Measured::read(&step.stdout)?;
        let requests = github.requests().into_iter().map(|recorded| Arrived {
            at: (zero + recorded.at).saturating_sub(cost.started),
            connection: recorded.connection,
            request: format!("{:?}", recorded.endpoint),
        });
        Ok(Run {
            cost,
            whole: step.duration,
            requests: requests.collect(),
        })
    }

    fn network<'a>(&self, networks: &'a [Network]) -> Option<&'a Network> {
        networks.get(self.network?)
    }

    /// Checks that every program made the expected decision and reported it everywhere.
    fn check(&self, step: &StepResult, github: &GitHub) -> anyhow::Result<()> {
        let said = |name| step.output(name);
        ensure!(
            step.succeeded()
                && said("decision") == "allowed"
                && said("reason") == "granted"
                && said("branch") == "main"
                && said("workflow") == "ci.yml"
                && step.summary.contains(PERMISSION)
                && github.check_runs().len() == 1
                && github.statuses().len() == 1,
            "{} did not do its work: {}",
            self.name,
            step.stdout
        );
        Ok(())
    }

    fn median(&self, of: impl Fn(&Run) -> f64) -> f64 {
        median(self.runs.iter().map(of))
    }

    fn least(&self, of: impl Fn(&Run) -> f64) -> f64 {
        self.runs.iter().map(of).fold(f64::INFINITY, f64::min)
    }

    /// How many times as much as the other, round by round.
    fn times(&self, other: &Self, of: impl Fn(&Run) -> f64) -> f64 {
        let pairs = self.runs.iter().zip(&other.runs);
        median(pairs.map(|(own, other)| of(own) / of(other)))
    }
}

struct Bench {
    networks: Vec<Network>,
    programs: Vec<Program>,
    /// The same in the image, where there is an engine.
    contained: Vec<Program>,
}

impl Bench {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let networks = vec![
            Network::new("0 ms, HTTP", false, Duration::ZERO)?,
            Network::new("0 ms, TLS", true, Duration::ZERO)?,
            Network::new("50 ms, TLS", true, ROUND_TRIP)?,
        ];
        let binary = absolute(&arguments.binary)?;
        let node = absolute(&arguments.node)?;
        let sequential = absolute(&arguments.peers.join("sequential.cjs"))?;
        let overlapped = absolute(&arguments.peers.join("overlapped.cjs"))?;
        let mut programs = vec![
            Program::new("an empty process", None, &["true"]),
            Program::new("`node -e 0`", None, &[&node, "-e", "0"]),
            Program::new(BINARY, Some(0), &[&binary]),
        ];
        for index in 1..networks.len() {
            let network = Some(index);
            let mut app = Program::new("the same as a GitHub App", network, &[&binary]);
            app.inputs.extend([
                ("app-client-id", CLIENT_ID),
                ("app-private-key", APP_PRIVATE_KEY_PKCS1),
            ]);
            programs.extend([
                Program::new(BINARY, network, &[&binary]),
                app,
                Program::new("in Node, sequential", network, &[&node, &sequential]),
                Program::new("in Node, overlapped", network, &[&node, &overlapped]),
            ]);
        }
        let mut contained = Vec::new();
        if let (Some(socket), Some(image)) = (&arguments.socket, &arguments.image) {
            for index in 0..networks.len() {
                let program = Program::new("in its container", Some(index), &["/repo-permissions"]);
                contained.push(program.contained(socket, image));
            }
        }
        Ok(Self {
            networks,
            programs,
            contained,
        })
    }

    fn print(&self, arguments: &Arguments) -> anyhow::Result<()> {
        about(arguments)?;
        let wall = |run: &Run| ms(run.cost.wall);
        let cpu = |run: &Run| ms(run.cost.cpu);
        let mut rows = Vec::new();
        for program in &self.programs {
            let binary = self.binary_on(program.network);
            let other = binary.filter(|binary| binary.command != program.command);
            let times = |of: fn(&Run) -> f64| {
                other.map_or(String::new(), |binary| number(program.times(binary, of)))
            };
            rows.push(vec![
                program.name.to_owned(),
                self.name_of(program),
                number(program.median(wall)),
                number(program.least(wall)),
                times(wall),
                number(program.median(cpu)),
                times(cpu),
                number(program.median(|run| run.cost.peak as f64 / 1024.0)),
            ]);
        }
        table::print(
            &[
                "",
                "round trip",
                "wall, ms",
                "least",
                "times this",
                "CPU, ms",
                "times this",
                "peak memory, MB",
            ],
            &rows,
        );
        self.print_timeline()?;
        self.print_starts();
        Ok(())
    }

    fn name_of(&self, program: &Program) -> String {
        let network = program.network(&self.networks);
        network.map_or("", |network| network.name).to_owned()
    }

    fn binary_on(&self, network: Option<usize>) -> Option<&Program> {
        self.programs
            .iter()
            .find(|program| program.name == BINARY && program.network == network)
    }

    /// The requests of the run in the middle, far away.
    fn print_timeline(&self) -> anyhow::Result<()> {
        let far = self.networks.len().checked_sub(1);
        let program = self.binary_on(far).context("the binary was not run")?;
        let mut runs: Vec<&Run> = program.runs.iter().collect();
        runs.sort_by_key(|run| run.cost.wall);
        let run = runs.get(runs.len() / 2).context("no run")?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        for arrived in &run.requests {
            rows.push(vec![
                table::tenths(ms(arrived.at)),
                arrived.connection.to_string(),
                arrived.request.clone(),
            ]);
        }
        rows.push(vec![
            table::tenths(ms(run.cost.wall)),
            String::new(),
            "end of the process".to_owned(),
        ]);
        table::print(&["ms", "connection", "request"], &rows);
        let limit = ms(ROUND_TRIP * ROUND_TRIPS);
        let times = program.median(|run| ms(run.cost.wall) / limit);
        println!("{times:.3} times the limit of {ROUND_TRIPS} round trips, {limit} ms.\n");
        Ok(())
    }

    /// From the start of the process to its first request, and the container around it.
    fn print_starts(&self) {
        let first = |run: &Run| run.requests.first().map_or(f64::NAN, |first| ms(first.at));
        let mut rows = Vec::new();
        let outside = self
            .programs
            .iter()
            .filter(|program| program.name == BINARY);
        for program in outside.chain(&self.contained) {
            rows.push(vec![
                program.name.to_owned(),
                self.name_of(program),
                number(program.median(first)),
                number(program.least(first)),
                number(program.median(|run| ms(run.cost.wall))),
                number(program.median(|run| ms(run.whole))),
            ]);
        }
        table::print(
            &[
                "",
                "round trip",
                "start to first request, ms",
                "least",
                "to the end",
                "with its launcher or container",
            ],
            &rows,
        );
        if self.contained.is_empty() {
            println!("Not run: the image (no container engine).");
        }
    }
}

fn absolute(path: &Path) -> anyhow::Result<String> {
    let found = path
        .canonicalize()
        .with_context(|| format!("{}", path.display()))?;
    Ok(found.to_string_lossy().into_owned())
}

/// What was measured, where.
fn about(arguments: &Arguments) -> anyhow::Result<()> {
    let node = Command::new(&arguments.node).arg("--version").output()?;
    println!(
        "{}; Node {}; binary {:.2} MB; {} rounds.\n",
        table::machine(),
        String::from_utf8_lossy(&node.stdout).trim(),
        std::fs::metadata(&arguments.binary)?.len() as f64 / 1e6,
        arguments.rounds,
    );
    Ok(())
}
