//! One whole step: the release binary, started as the runner starts it, against the simulator, beside
//! an action in Node that does the same.
//!
//! `benches/run` builds all of it, runs this, and says what it needs. Every round runs each program
//! once, so that all of them see the same machine; what is printed are medians over the rounds, and
//! medians of the quotients within a round.

#![expect(clippy::print_stdout, reason = "it prints tables")]

mod launcher;
mod table;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use simulator::github::{APP_PRIVATE_KEY_PKCS1, App, Permissions, Repository};
use simulator::{GitHub, Job, Runner, StepResult};

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
    let arguments = Arguments::parse();
    let mut bench = Bench::new(&arguments)?;
    for round in 0..=arguments.rounds {
        for program in &mut bench.programs {
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
    round_trip: Duration,
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
        Ok(Self {
            name,
            round_trip,
            github,
            job,
        })
    }
}

/// What is run: a step on one of the networks, or a process without one.
struct Program {
    name: &'static str,
    network: Option<usize>,
    command: Vec<OsString>,
    inputs: Vec<(&'static str, &'static str)>,
    runs: Vec<Run>,
}

/// One run of it.
struct Run {
    cost: Measured,
    /// The requests since the start of the process.
    requests: Vec<Arrived>,
}

struct Arrived {
    at: Duration,
    connection: u64,
    request: String,
}

impl Program {
    fn new(name: &'static str, network: Option<usize>, command: &[&OsStr]) -> Self {
        Self {
            name,
            network,
            command: command.iter().map(OsString::from).collect(),
            inputs: vec![("permission", PERMISSION)],
            runs: Vec::new(),
        }
    }

    fn run(&self, networks: &[Network]) -> anyhow::Result<Run> {
        let own = std::env::current_exe()?;
        let Some(network) = self.network.and_then(|index| networks.get(index)) else {
            let output = Command::new(own).arg(LAUNCH).args(&self.command).output()?;
            return Ok(Run {
                cost: Measured::read(&String::from_utf8_lossy(&output.stdout))?,
                requests: Vec::new(),
            });
        };
        let Network { github, job, .. } = network;
        github.clear_records();
        let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("../action.yml");
        let mut arguments = vec![LAUNCH];
        arguments.extend(self.command.iter().filter_map(|text| text.to_str()));
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
            requests: requests.collect(),
        })
    }

    /// Every program has decided the same, and told it everywhere.
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
}

impl Bench {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let networks = vec![
            Network::new("no latency, HTTP", false, Duration::ZERO)?,
            Network::new("no latency, TLS", true, Duration::ZERO)?,
            Network::new("50 ms, TLS", true, ROUND_TRIP)?,
        ];
        let absolute = |path: &Path| {
            path.canonicalize()
                .with_context(|| format!("{}", path.display()))
        };
        let (binary, node) = (absolute(&arguments.binary)?, absolute(&arguments.node)?);
        let (binary, node) = (binary.as_os_str(), node.as_os_str());
        let peer = |name| absolute(&arguments.peers.join(name));
        let (sequential, overlapped) = (peer("sequential.cjs")?, peer("overlapped.cjs")?);
        let mut programs = vec![
            Program::new("an empty process", None, &["true".as_ref()]),
            Program::new("`node -e 0`", None, &[node, "-e".as_ref(), "0".as_ref()]),
        ];
        for index in 0..networks.len() {
            programs.push(Program::new(BINARY, Some(index), &[binary]));
        }
        for index in 1..networks.len() {
            let mut app = Program::new("the same, as a GitHub App", Some(index), &[binary]);
            app.inputs.extend([
                ("app-client-id", CLIENT_ID),
                ("app-private-key", APP_PRIVATE_KEY_PKCS1),
            ]);
            programs.push(app);
            for (name, bundle) in [
                ("in Node, sequential", &sequential),
                ("in Node, overlapped", &overlapped),
            ] {
                let bundle = bundle.as_os_str();
                programs.push(Program::new(name, Some(index), &[node, bundle]));
            }
        }
        Ok(Self { networks, programs })
    }

    fn print(&self, arguments: &Arguments) -> anyhow::Result<()> {
        about(arguments)?;
        let wall = |run: &Run| ms(run.cost.wall);
        let cpu = |run: &Run| ms(run.cost.cpu);
        let peak = |run: &Run| run.cost.peak as f64 / 1024.0;
        let mut rows = Vec::new();
        for program in &self.programs {
            let binary = self.binary_on(program.network);
            let times = |of: &dyn Fn(&Run) -> f64| match binary {
                Some(binary) if binary.command != program.command => {
                    format!("{} x", number(program.times(binary, of)))
                }
                _ => String::new(),
            };
            rows.push(vec![
                program.name.to_owned(),
                self.network(program)
                    .map_or("", |network| network.name)
                    .to_owned(),
                number(program.median(wall)),
                number(program.least(wall)),
                times(&wall),
                number(program.median(cpu)),
                times(&cpu),
                number(program.median(peak)),
            ]);
        }
        table::print(
            &[
                "",
                "round trip",
                "wall, ms",
                "least",
                "ratio",
                "CPU, ms",
                "ratio",
                "peak memory, MB",
            ],
            &rows,
        );
        self.print_starts();
        self.print_timeline()
    }

    fn network(&self, program: &Program) -> Option<&Network> {
        self.networks.get(program.network?)
    }

    fn binary_on(&self, network: Option<usize>) -> Option<&Program> {
        self.programs
            .iter()
            .find(|program| program.name == BINARY && program.network == network)
    }

    /// From the start of the process to the first request.
    fn print_starts(&self) {
        let first = |run: &Run| run.requests.first().map_or(f64::NAN, |first| ms(first.at));
        let mut rows = Vec::new();
        for program in &self.programs {
            if let Some(network) = self.network(program)
                && network.round_trip.is_zero()
            {
                rows.push(vec![
                    program.name.to_owned(),
                    network.name.to_owned(),
                    number(program.median(first)),
                    number(program.least(first)),
                ]);
            }
        }
        table::print(
            &["", "round trip", "start to first request, ms", "least"],
            &rows,
        );
    }

    /// The requests of the run in the middle, far away.
    fn print_timeline(&self) -> anyhow::Result<()> {
        let far = self.networks.len().checked_sub(1);
        let program = self.binary_on(far).context("the binary was not run")?;
        let mut runs: Vec<&Run> = program.runs.iter().collect();
        runs.sort_by_key(|run| run.cost.wall);
        let run = runs.get(runs.len() / 2).context("no run")?;
        let mut rows: Vec<Vec<String>> = Vec::new();
        for Arrived {
            at,
            connection,
            request,
        } in &run.requests
        {
            rows.push(vec![
                number(ms(*at)),
                connection.to_string(),
                request.clone(),
            ]);
        }
        rows.push(vec![
            number(ms(run.cost.wall)),
            String::new(),
            "end of the process".to_owned(),
        ]);
        table::print(&["ms", "connection", "request"], &rows);
        let limit = ROUND_TRIP * ROUND_TRIPS;
        let times = program.median(|run| run.cost.wall.as_secs_f64() / limit.as_secs_f64());
        println!(
            "{times:.3} times the limit of {ROUND_TRIPS} round trips, {} ms.",
            limit.as_millis()
        );
        Ok(())
    }
}

/// What was measured, where.
fn about(arguments: &Arguments) -> anyhow::Result<()> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or_default()
        .trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism()?;
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    let node = Command::new(&arguments.node).arg("--version").output()?;
    println!(
        "{}, {model}, {cores} cores, Linux {}, load {load} at the end; Node {}; binary {:.2} MB; {} rounds.\n",
        jiff::Timestamp::now().strftime("%F"),
        kernel.trim(),
        String::from_utf8_lossy(&node.stdout).trim(),
        std::fs::metadata(&arguments.binary)?.len() as f64 / 1e6,
        arguments.rounds,
    );
    Ok(())
}
