//! The measurements, each of them one row of the table or more.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use simulator::github::Endpoint;

use super::cerbos::Cerbos;
use super::load::{Answers, Load, Pace};
use super::nginx::{Nginx, terminate};
use super::pauses::{Delays, Witness};
use super::stage::{CONNECTIONS, GRANTED, Stage, policy, request};
use super::table::{median, ms, number};
use super::{Cost, Sizes, ring};

/// Entries and rules of most policies, and of the large one.
const USUAL: (usize, usize) = (200, 3);
const LARGE: (usize, usize) = (2_000, 5);

/// Connections of somebody who lets the server wait; it accepts 900 (`crates/server/src/connections.rs`).
const UNFINISHED: usize = 880;
/// Bytes of their heads and bodies: as many as the server accepts (64 KB each), but for some that the parser needs.
const HEAD: usize = 61 << 10;
const BODY: usize = 64 << 10;

/// Number of turns of two loads.
const SLICES: u32 = 6;

/// Measures, and keeps what it found.
pub(crate) struct Rows {
    binary: PathBuf,
    sizes: Sizes,
    /// Half of what the server answers in a second.
    half: Option<f64>,
    pub(crate) table: Vec<Vec<String>>,
}

impl Rows {
    pub(crate) fn new(binary: &Path, sizes: Sizes) -> anyhow::Result<Self> {
        Ok(Self {
            binary: binary
                .canonicalize()
                .with_context(|| format!("{}", binary.display()))?,
            sizes,
            half: None,
            table: Vec::new(),
        })
    }

    fn row(&mut self, what: &str, goal: &str, measured: String) {
        eprintln!("{what}: {measured}");
        self.table
            .push(vec![what.to_owned(), goal.to_owned(), measured]);
    }

    fn stage(&self) -> anyhow::Result<Stage> {
        Stage::start(&self.binary, &usual_policy())
    }

    /// Each round has ring, the server and the peer one after the other, so that all see the same machine.
    pub(crate) fn throughput(&mut self, cerbos: Option<&Path>) -> anyhow::Result<()> {
        let stage = self.stage()?;
        let peer = cerbos.map(Cerbos::start).transpose()?;
        let load = stage.load(Pace::Full)?;
        load.run_for(Duration::from_secs(1))?;
        let idle = stage.idle_load(Pace::Full)?;
        let socket = Stage::start_on_socket(&self.binary, &usual_policy())?;
        socket.load(Pace::Full)?.run_for(Duration::from_secs(1))?;
        let (mut own, mut on_socket, mut of_idle) = (Vec::new(), Vec::new(), Vec::new());
        let (mut of_ring, mut of_peer) = (Vec::new(), Vec::new());
        for _ in 0..self.sizes.rounds {
            let token = stage.token()?;
            of_ring.push(ring::measure(&token, self.sizes.round / 5)?);
            let time = self.sizes.round;
            own.push(cost(&stage, &stage.load(Pace::Full)?, GRANTED, time)?);
            on_socket.push(cost(&socket, &socket.load(Pace::Full)?, GRANTED, time)?);
            of_idle.push(cost(&stage, &idle, "200", time / 5)?);
            if let Some(peer) = &peer {
                of_peer.push(peer.measure(CONNECTIONS, self.sizes.round / 2)?);
            }
        }
        self.half = Some(median(own.iter().map(|cost| cost.rate)) / 2.0);
        self.row(
            "answers in a second on one core, 200 entries, 32 connections",
            "",
            costs(&own),
        );
        self.row("the same on a Unix socket", "", costs(&on_socket));
        let what = "the same of `/livez` by TCP: HTTP and the kernel alone";
        self.row(what, "", costs(&of_idle));
        self.row("RS256 verifications of ring there", "", costs(&of_ring));
        let share = |costs: &[Cost]| {
            let by_time = 100.0 * times(costs, &of_ring, rate);
            let by_processor = 100.0 * times(&of_ring, costs, micros);
            format!("{by_time:.0} %, {by_processor:.0} %")
        };
        let what = "the server's share of them, by time and by CPU time";
        self.row(what, "60 %", share(&own));
        self.row("the same on a Unix socket", "60 %", share(&on_socket));
        let measured = match &peer {
            None => "not run (no program given)".to_owned(),
            Some(peer) => beside(peer, &own, &of_peer)?,
        };
        self.row(
            "Cerbos there, one rule and no token to verify",
            "",
            measured,
        );
        Ok(())
    }

    /// Half of what a server answers now, in requests a second.
    fn half(&mut self, stage: &Stage) -> anyhow::Result<f64> {
        if let Some(half) = self.half {
            return Ok(half);
        }
        let load = stage.load(Pace::Full)?;
        load.run_for(Duration::from_secs(1))?;
        let half = load.run_for(self.sizes.round)?.rate() / 2.0;
        self.half = Some(half);
        Ok(half)
    }

    /// Beside it, an endpoint that does nothing gets the same load: on a shared machine, that is how late the machine is.
    pub(crate) fn latency(&mut self) -> anyhow::Result<()> {
        const GOAL: &str = "p99 1 ms, p99.9 5 ms";
        let stage = self.stage()?;
        let half = self.half(&stage)?;
        let good = stage.load(Pace::Rate(half))?;
        let idle = stage.idle_load(Pace::Rate(half))?;
        let witness = Witness::start();
        let (mut answers, mut of_idle) = (Answers::default(), Answers::default());
        for _ in 0..SLICES {
            answers.add(good.run_for(self.sizes.latency / SLICES)?);
            of_idle.add(idle.run_for(self.sizes.latency / SLICES)?);
        }
        all_granted(&answers)?;
        let delays = witness.and_then(Witness::end);
        let what =
            format!("time of an answer at half load ({half:.0} in a second), from when it was due");
        self.row(&what, GOAL, percentiles(&answers));
        let what = "the same, of the requests that no pause of the machine can have delayed";
        self.row(what, GOAL, undelayed(&answers, &delays));
        self.row("the same of `/livez`, in turn", "", percentiles(&of_idle));
        let what = "of `/livez`, without pauses of the machine";
        self.row(what, "", undelayed(&of_idle, &delays));
        Ok(())
    }

    pub(crate) fn memory(&mut self) -> anyhow::Result<()> {
        for ((entries, rules), goal) in [(USUAL, "16 MB"), (LARGE, "24 MB")] {
            let stage = Stage::start(&self.binary, &policy(entries, rules, Stage::PERMISSION))?;
            all_granted(&stage.load(Pace::Full)?.run_for(self.sizes.round)?)?;
            let [now, peak] = ["VmRSS", "VmHWM"].map(|line| stage.server.megabytes(line));
            let text = format!("{} MB, peak {} MB", number(now?), number(peak?));
            let what = format!(
                "memory, {entries} entries with {} rules, after full load",
                entries * rules
            );
            self.row(&what, goal, text);
        }
        Ok(())
    }

    /// Requests that never end, on as many connections as there can be.
    pub(crate) fn limits(&mut self) -> anyhow::Result<()> {
        let stage = self.stage()?;
        let idle = stage.server.megabytes("VmRSS")?;
        let request = unfinished();
        let connections: Vec<TcpStream> = (0..UNFINISHED)
            .map(|_| {
                let mut stream = TcpStream::connect(&stage.server.process.address)?;
                stream.write_all(&request)?;
                Ok(stream)
            })
            .collect::<std::io::Result<_>>()?;
        // Within the ten seconds after which the server gives each of them up.
        std::thread::sleep(Duration::from_secs(3));
        let peak = stage.server.megabytes("VmHWM")?;
        drop(connections);
        let what = format!(
            "memory with {UNFINISHED} connections, each with a head of 61 KB and 64 KB of a body that does not end"
        );
        let text = format!("{} MB, idle {} MB", number(peak), number(idle));
        self.row(&what, "", text);
        Ok(())
    }

    /// Two versions of the policy in turn: one grants, the other does not name the permission.
    pub(crate) fn swaps(&mut self) -> anyhow::Result<()> {
        const DENIED: &str = "403 permission_not_granted";
        let stage = self.stage()?;
        let versions = [
            policy(USUAL.0, USUAL.1, "ws:deployments:plan"),
            policy(USUAL.0, USUAL.1, Stage::PERMISSION),
        ];
        let swapped = || {
            stage
                .server
                .metric("repo_permissions_policy_refreshes_total{result=\"succeeded\"}")
        };
        let first = swapped()?;
        let load = stage.load(Pace::Full)?;
        let count = self.sizes.swaps;
        let (answers, done) = std::thread::scope(|scope| {
            let swapping = scope.spawn(|| -> anyhow::Result<usize> {
                for (number, version) in versions.iter().cycle().take(count).enumerate() {
                    stage.directory.write("policy.yml", version)?;
                    let until = Instant::now() + Duration::from_secs(20);
                    while swapped()? < first + number as f64 + 1.0 {
                        anyhow::ensure!(Instant::now() < until, "swap {number} did not come");
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
                Ok(count)
            });
            let answers = load.run(&|_| swapping.is_finished());
            (answers, swapping.join())
        });
        let answers = answers?;
        let done = done.map_err(|_| anyhow::anyhow!("the swaps panicked"))??;
        let seen = |kind| answers.kinds.get(kind).copied().unwrap_or_default();
        let text = format!(
            "{} by one, {} by the other, {} neither ({:.0} in a second)",
            seen(GRANTED),
            seen(DENIED),
            answers.other_than(&[GRANTED, DENIED]),
            answers.rate(),
        );
        self.row(
            &format!("answers while the policy changes {done} times at full load"),
            "0 neither",
            text,
        );
        Ok(())
    }

    /// Tokens of the good job, each under another key's name, among good ones at half load.
    pub(crate) fn unknown_keys(&mut self) -> anyhow::Result<()> {
        let stage = self.stage()?;
        let half = self.half(&stage)?;
        let token = stage.token()?;
        let (_, rest) = token.split_once('.').context("a token")?;
        let forged = (0..self.sizes.unknown).map(|number| {
            let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"unknown-{number}"}}"#);
            request(&format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header)))
        });
        let pace = Pace::Rate(self.sizes.unknown as f64 / self.sizes.unknown_in.as_secs_f64());
        let unknown = stage.load_of(forged.collect(), pace);
        let good = stage.load(Pace::Rate(half))?;
        let asked = || stage.github.requests_to(Endpoint::Keys).len();
        let before = asked();
        let time = self.sizes.unknown_in;
        let (unknown, good) = std::thread::scope(|scope| {
            let unknown = scope.spawn(|| unknown.run_for(time));
            let good = good.run_for(time);
            (unknown.join(), good)
        });
        let unknown = unknown.map_err(|_| anyhow::anyhow!("the load panicked"))??;
        let good = good?;
        let text = format!(
            "{} to the issuer; {} unknown: {}; {} good, {} failed, {}",
            asked() - before,
            unknown.count(),
            kinds(&unknown),
            good.count(),
            good.other_than(&[GRANTED]),
            percentiles(&good),
        );
        self.row(
            &format!(
                "requests for keys while {} tokens of unknown keys arrive in {} s",
                self.sizes.unknown,
                time.as_secs()
            ),
            "1, good tokens unaffected",
            text,
        );
        Ok(())
    }

    /// One of two servers behind a proxy ends, while clients ask for what the job may do.
    pub(crate) fn replicas(&mut self) -> anyhow::Result<()> {
        const CREATED: &str = "201 granted";
        let mut stage = self.stage()?;
        let second = stage.replica(&self.binary)?;
        let servers = [
            stage.server.process.address.as_str(),
            second.process.address.as_str(),
        ];
        let what = "failed requests while one of two replicas behind nginx ends by SIGTERM";
        let Some(nginx) = Nginx::start(&servers)? else {
            self.row(what, "0", "not run (nginx is not installed)".to_owned());
            return Ok(());
        };
        let token = stage.token()?;
        let request = format!(
            "POST /deployments/7 HTTP/1.1\r\nHost: deploy.acme.example\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let load = Load {
            address: nginx.address.clone(),
            requests: vec![request.into_bytes()],
            connections: CONNECTIONS,
            pace: Pace::Full,
        };
        let process = &mut stage.server.process;
        let (answers, code) = std::thread::scope(|scope| {
            let ending = scope.spawn(|| -> anyhow::Result<Option<i32>> {
                std::thread::sleep(Duration::from_secs(1));
                terminate(process.id())?;
                let code = process.wait()?;
                std::thread::sleep(Duration::from_secs(1));
                Ok(code)
            });
            let answers = load.run(&|_| ending.is_finished());
            (answers, ending.join())
        });
        let answers = answers?;
        let code = code.map_err(|_| anyhow::anyhow!("the end panicked"))??;
        anyhow::ensure!(code == Some(0), "the server ended with {code:?}");
        let failed = answers.other_than(&[CREATED]);
        let text = format!(
            "{failed} of {}; {} records of the other one",
            answers.count() + answers.broken,
            second.records()
        );
        self.row(what, "0", text);
        Ok(())
    }

    /// Minutes at half load, each with a fresh token.
    pub(crate) fn long(&mut self) -> anyhow::Result<()> {
        let stage = self.stage()?;
        let half = self.half(&stage)?;
        let before = stage.server.records();
        let mut all = Answers::default();
        let mut memory = Vec::new();
        for _ in 0..self.sizes.minutes {
            let load: Load = stage.load(Pace::Rate(half))?;
            all.add(load.run_for(Duration::from_secs(60))?);
            memory.push(stage.server.megabytes("VmRSS")?);
        }
        let at = |place: Option<&f64>| number(place.copied().unwrap_or_default());
        let text = format!(
            "{} MB after the first minute, {} MB at the end; {} answers, {} errors, {} records missing; {}",
            at(memory.first()),
            at(memory.last()),
            all.count(),
            all.other_than(&[GRANTED]),
            missing(&stage, before, &all),
            percentiles(&all),
        );
        self.row(
            &format!(
                "{} minutes at half load ({half:.0} in a second)",
                self.sizes.minutes
            ),
            "memory flat, 0 errors",
            text,
        );
        Ok(())
    }
}

/// Records that did not come although their answers did.
fn missing(stage: &Stage, before: u64, answers: &Answers) -> u64 {
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let missing = answers
            .count()
            .saturating_sub(stage.server.records() - before);
        if missing == 0 || Instant::now() > until {
            return missing;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The policy of [`USUAL`] size.
fn usual_policy() -> String {
    policy(USUAL.0, USUAL.1, Stage::PERMISSION)
}

/// What an answer costs at full load.
fn cost(stage: &Stage, load: &Load, kind: &str, time: Duration) -> anyhow::Result<Cost> {
    let before = stage.server.processor_time()?;
    let answers = load.run_for(time)?;
    all_are(kind, &answers)?;
    Cost::of(&answers, stage.server.processor_time()? - before)
}

/// A question of AuthZEN, without the last byte of its body.
fn unfinished() -> Vec<u8> {
    let start =
        "POST /access/v1/evaluation HTTP/1.1\r\nHost: pdp\r\nContent-Type: application/json\r\n";
    let filler = "a".repeat(HEAD - start.len());
    let body = " ".repeat(BODY - 1);
    format!("{start}Content-Length: {BODY}\r\nX-Filler: {filler}\r\n\r\n{body}").into_bytes()
}

fn all_granted(answers: &Answers) -> anyhow::Result<()> {
    all_are(GRANTED, answers)
}

fn all_are(kind: &str, answers: &Answers) -> anyhow::Result<()> {
    let others = answers.other_than(&[kind]);
    anyhow::ensure!(
        others == 0,
        "{others} answers other than {kind}: {}",
        kinds(answers)
    );
    Ok(())
}

fn kinds(answers: &Answers) -> String {
    let kinds = answers
        .kinds
        .iter()
        .map(|(kind, count)| format!("{count} × {kind}"));
    let broken = (answers.broken > 0).then(|| format!("{} without an answer", answers.broken));
    kinds.chain(broken).collect::<Vec<_>>().join(", ")
}

/// Percentiles of the requests that no pause can have delayed, and how many these are.
fn undelayed(answers: &Answers, delays: &anyhow::Result<Delays>) -> String {
    let delays = match delays {
        Ok(delays) => delays,
        Err(error) => return format!("not run ({error:#})"),
    };
    let kept = answers.without(delays);
    let share = 100.0 * kept.times.len() as f64 / answers.times.len() as f64;
    format!("{}; {share:.0} % of the requests", percentiles(&kept))
}

fn percentiles(answers: &Answers) -> String {
    let within = |share| number(ms(answers.within(share)));
    format!(
        "p50 {} ms, p99 {} ms, p99.9 {} ms, longest {} ms",
        within(0.5),
        within(0.99),
        within(0.999),
        within(1.0)
    )
}

/// What a peer did beside the server.
fn beside(peer: &Cerbos, own: &[Cost], of_peer: &[Cost]) -> anyhow::Result<String> {
    Ok(format!(
        "{}, {} MB; the server answers {} times as many",
        costs(of_peer),
        number(peer.peak()?),
        number(times(own, of_peer, rate)),
    ))
}

fn costs(costs: &[Cost]) -> String {
    let middle = |of: fn(&Cost) -> f64| number(median(costs.iter().map(of)));
    format!("{}, {} µs of CPU each", middle(rate), middle(micros))
}

fn rate(cost: &Cost) -> f64 {
    cost.rate
}

fn micros(cost: &Cost) -> f64 {
    cost.micros
}

/// How many times as much as the others, round by round.
fn times(costs: &[Cost], others: &[Cost], of: fn(&Cost) -> f64) -> f64 {
    let pairs = costs.iter().zip(others);
    median(pairs.map(|(one, other)| of(one) / of(other)))
}
