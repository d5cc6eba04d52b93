//! Keeps the policy: read from a file, swapped as a whole, with the last good one for a while.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;

use crate::config::PolicyConfig;
use crate::log;
use crate::metrics::{Metrics, Refresh};
use analysis::report::{Failure, PolicyRecord};
use engine::decision::{Engine, Reason};
use engine::encoding::text_of;
use engine::policy::{Format, Invalid, MAX_FILE, Policy, Position, Problem};

/// Time between two looks at the file.
pub const TICK: Duration = Duration::from_millis(500);
/// Time after which a policy counts as not renewed although no reading failed: the readings have stopped.
const HANGING: Duration = Duration::from_secs(10);

/// A policy in use.
#[derive(Debug)]
pub struct ActivePolicy {
    /// The policy, ready for decisions.
    pub engine: Engine,
    /// Its origin, for audit records.
    pub record: PolicyRecord,
}

/// The policy, shared by all requests.
#[derive(Debug)]
pub struct PolicyStore {
    file: PathBuf,
    refresh: Duration,
    stale: Duration,
    state: ArcSwap<State>,
    seen: Mutex<Seen>,
    metrics: Arc<Metrics>,
}

/// What decides now. It changes as a whole, so no request sees parts of two versions.
#[derive(Clone, Debug)]
struct State {
    active: Option<Arc<ActivePolicy>>,
    /// When the source was last known to have the active policy.
    confirmed: Instant,
    /// Why the source has no newer one.
    problem: Option<Failure>,
}

/// What the reader remembers of the file.
#[derive(Debug)]
struct Seen {
    stamp: Option<Stamp>,
    read_at: Instant,
    /// SHA-256 of the text that was last read, valid or not; empty if it has to be read.
    sha256: String,
}

/// What tells two versions of a file apart without reading it.
type Stamp = (SystemTime, u64);

/// Condition of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is the source's.
    Current,
    /// It is an older one, because of a problem.
    Stale(String),
    /// There is none.
    Unavailable(String),
}

impl PolicyStore {
    /// Reads the policy for the first time. Without a policy, the store waits for one.
    pub fn open(config: &PolicyConfig, metrics: Arc<Metrics>) -> Self {
        let store = Self::new(config, metrics);
        let stamp = store.stamp().ok();
        store.read(&mut store.seen(), stamp, Instant::now());
        store
    }

    /// Returns what is wrong with the policy, and takes nothing.
    ///
    /// # Errors
    /// It cannot be read, or is not valid.
    pub fn check(config: &PolicyConfig) -> Result<(), Failure> {
        let store = Self::new(config, Metrics::new());
        let bytes = platform::read_capped(&store.file, MAX_FILE);
        let bytes = bytes.map_err(|error| store.unreadable_failure(&error).0)?;
        store.parse(bytes, "").map(drop)
    }

    fn new(config: &PolicyConfig, metrics: Arc<Metrics>) -> Self {
        let now = Instant::now();
        Self {
            file: config.file.clone(),
            refresh: config.refresh,
            stale: config.stale,
            state: ArcSwap::from_pointee(State {
                active: None,
                confirmed: now,
                problem: None,
            }),
            seen: Mutex::new(Seen {
                stamp: None,
                read_at: now,
                sha256: String::new(),
            }),
            metrics,
        }
    }

    /// Returns the policy that decides now.
    ///
    /// # Errors
    /// There is none, or it is too old.
    pub fn current(&self) -> Result<Arc<ActivePolicy>, Failure> {
        let state = self.state.load();
        let age = state.confirmed.elapsed();
        let limit = match &state.problem {
            Some(_) => self.stale,
            None => self.stale + HANGING,
        };
        match (&state.active, &state.problem) {
            (Some(active), _) if age < limit => Ok(Arc::clone(active)),
            (_, Some(problem)) => Err(problem.clone()),
            _ => Err(Failure::new(
                Reason::PolicyUnreadable,
                "the policy was not renewed for too long",
            )),
        }
    }

    /// Returns the condition of the policy.
    pub fn condition(&self) -> Condition {
        match (self.current(), &self.state.load().problem) {
            (Ok(_), None) => Condition::Current,
            (Ok(_), Some(problem)) => Condition::Stale(problem.message.clone()),
            (Err(failure), _) => Condition::Unavailable(failure.message),
        }
    }

    /// Returns the time since the source was last known to have the policy in use.
    pub fn age(&self) -> Option<Duration> {
        let state = self.state.load();
        state.active.as_ref().map(|_| state.confirmed.elapsed())
    }

    /// Looks at the file, and reads it when it has changed. Blocks for as long as that takes.
    pub fn tick(&self) {
        let now = Instant::now();
        let mut seen = self.seen();
        let stamp = match self.stamp() {
            Ok(stamp) => stamp,
            Err(error) => return self.unreadable(&mut seen, &error),
        };
        if seen.stamp != Some(stamp) {
            // Somebody may still be writing: half a policy can be a valid one. It is read once it has rested for
            // a tick; until then nothing confirms the active one.
            seen.stamp = Some(stamp);
            seen.sha256.clear();
        } else if seen.sha256.is_empty() || now.duration_since(seen.read_at) >= self.refresh {
            self.read(&mut seen, Some(stamp), now);
        } else if self.state.load().problem.is_none() {
            self.confirm(now);
        }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stamp(&self) -> std::io::Result<Stamp> {
        let metadata = std::fs::metadata(&self.file)?;
        Ok((metadata.modified()?, metadata.len()))
    }

    fn confirm(&self, now: Instant) {
        self.state.store(Arc::new(State {
            confirmed: now,
            ..State::clone(&self.state.load())
        }));
    }

    /// Reads the file and takes its policy, unless it is the one that was read before.
    fn read(&self, seen: &mut Seen, stamp: Option<Stamp>, now: Instant) {
        let bytes = match platform::read_capped(&self.file, MAX_FILE) {
            Ok(bytes) => bytes,
            Err(error) => return self.unreadable(seen, &error),
        };
        let sha256 = analysis::sha256(&bytes);
        let is_same = !seen.sha256.is_empty() && seen.sha256 == sha256;
        (seen.stamp, seen.read_at) = (stamp, now);
        if is_same {
            if self.state.load().problem.is_none() {
                self.confirm(now);
            }
            return;
        }
        seen.sha256.clone_from(&sha256);
        match self.parse(bytes, &sha256) {
            Ok(active) => self.take(active, now),
            Err(failure) => self.fail(failure, Refresh::Invalid, true),
        }
    }

    fn parse(&self, bytes: Vec<u8>, sha256: &str) -> Result<ActivePolicy, Failure> {
        let file = self.file.display().to_string();
        let text = text_of(bytes).map_err(|why| {
            Failure::new(
                Reason::PolicyInvalid,
                format!("the policy `{file}` is {why}"),
            )
        })?;
        let policy = Policy::parse(&text, Format::of_path(&file))
            .and_then(central)
            .map_err(|invalid| Failure::invalid_policy(&file, &invalid))?;
        Ok(ActivePolicy {
            engine: Engine::new(policy),
            record: PolicyRecord {
                source: file.clone(),
                file,
                sha256: sha256.to_owned(),
                ..PolicyRecord::default()
            },
        })
    }

    fn take(&self, active: ActivePolicy, now: Instant) {
        self.metrics.policy_refreshed(Refresh::Succeeded);
        log::info(
            "policy_in_use",
            &[
                ("source", &active.record.source),
                ("sha256", &active.record.sha256),
            ],
        );
        let policy = active.engine.policy();
        let entries = policy.repositories.iter().flat_map(|(_, entries)| entries);
        for entry in entries.filter(|entry| !entry.delegate.is_empty()) {
            let why = "this version of the server reads no repository's own policy: what only that one grants is denied";
            log::warning(
                "delegate_ignored",
                &[("line", &entry.position.line), ("why", &why)],
            );
        }
        self.state.store(Arc::new(State {
            active: Some(Arc::new(active)),
            confirmed: now,
            problem: None,
        }));
    }

    fn unreadable(&self, seen: &mut Seen, error: &std::io::Error) {
        seen.sha256.clear();
        let (failure, keeps) = self.unreadable_failure(error);
        let result = match failure.reason {
            Reason::PolicyInvalid => Refresh::Invalid,
            _ => Refresh::Failed,
        };
        self.fail(failure, result, keeps);
    }

    /// Returns the failure, and whether the active policy decides on for a while.
    fn unreadable_failure(&self, error: &std::io::Error) -> (Failure, bool) {
        let file = self.file.display();
        let message = format!("the policy `{file}` cannot be read: {error}");
        let (reason, keeps) = match error.kind() {
            ErrorKind::NotFound => (Reason::PolicyNotFound, false),
            // Somebody withdrew it.
            ErrorKind::PermissionDenied => (Reason::PolicyUnreadable, false),
            ErrorKind::FileTooLarge => (Reason::PolicyInvalid, true),
            _ => (Reason::PolicyUnreadable, true),
        };
        let redacted = "the policy cannot be read".to_owned();
        let failure = Failure {
            redacted: Some(redacted),
            ..Failure::new(reason, message)
        };
        (failure, keeps)
    }

    /// Notes a problem. `keeps` says whether the active policy decides on for a while.
    fn fail(&self, failure: Failure, result: Refresh, keeps: bool) {
        let state = self.state.load();
        let active = state.active.clone().filter(|_| keeps);
        // The same problem at every tick is one event.
        if state.problem.as_ref() != Some(&failure) || state.active.is_some() != active.is_some() {
            self.metrics.policy_refreshed(result);
            let keeps = match active {
                Some(_) => "the last good policy",
                None => "nobody",
            };
            log::error(
                "policy_not_renewed",
                &[("why", &failure.message), ("decides", &keeps)],
            );
        }
        self.state.store(Arc::new(State {
            active,
            confirmed: state.confirmed,
            problem: Some(failure),
        }));
    }
}

/// Accepts a central policy: one that names the repositories that it applies to.
fn central(policy: Policy) -> Result<Policy, Invalid> {
    let Some(rules) = &policy.permissions else {
        return Ok(policy);
    };
    let first = rules.first();
    let at = first.map_or(Position::START, |rule| rule.position);
    let message = "`permissions:` at the top of a central policy would apply to every repository";
    let problem = Problem::new(at, message);
    Err(problem
        .help("write the rules under `repositories:`, each with the repository that it applies to")
        .into())
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
