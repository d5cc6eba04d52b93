//! Every request × every fault × passing and lasting × a job that is to be allowed and one that is not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::cell::{Cell, OVERRUN, Report};
use super::kinds::{Kind, kinds};
use super::requests::REQUESTS;
use super::scene::Ask;
use crate::support::runs_all;

/// How many steps that wait more than they work run at once.
const IDLE: usize = 48;
/// Whether the fault passes, and the job.
const VARIANTS: [(bool, Ask); 4] = [
    (true, Ask::Allowed),
    (false, Ask::Denied),
    (true, Ask::Denied),
    (false, Ask::Allowed),
];

/// All of them, or each request with every fourth fault in one of the variants; faults and variants take turns.
/// `FAULTS_REQUEST` names the only request that matters while one works on it.
fn cells(kinds: &[Kind]) -> Vec<Cell<'_>> {
    let only = std::env::var("FAULTS_REQUEST").ok();
    let is_meant = |name: &str| only.as_ref().is_none_or(|only| only == name);
    let mut cells = Vec::new();
    let requests = REQUESTS.iter().enumerate();
    for (row, request) in requests.filter(|(_, request)| is_meant(request.name)) {
        for (column, kind) in kinds.iter().enumerate() {
            for (index, (once, ask)) in VARIANTS.into_iter().enumerate() {
                let turn =
                    (row + column) % 4 == 0 && (row / 4 + column / 4) % VARIANTS.len() == index;
                if runs_all() || turn {
                    cells.push(Cell {
                        request,
                        kind,
                        once,
                        ask,
                    });
                }
            }
        }
    }
    cells
}

/// Runs the cells, so many at once.
fn run<'a>(cells: &[Cell<'a>], at_once: usize) -> Vec<(Cell<'a>, Report)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut reports = Vec::new();
        while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
            reports.push((*cell, cell.run(1)));
        }
        reports
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        let reports = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        reports.collect()
    })
}

#[test]
fn every_request_meets_every_fault() {
    let started = Instant::now();
    let kinds = kinds();
    let cells = cells(&kinds);
    let (idle, working): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| cell.is_idle());
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let mut reports = std::thread::scope(|scope| {
        let idle = scope.spawn(|| run(&idle, IDLE));
        let mut reports = run(&working, 2 * cores);
        reports.extend(idle.join().unwrap());
        reports
    });
    // Who had little time gets more, alone: the machine may have been busy with other things.
    let mut again = 0;
    for (cell, report) in &mut reports {
        if report.complaint.is_some() && !report.wrong_grant && cell.waits() {
            again += 1;
            *report = cell.run(3);
        }
    }
    let wrong: Vec<_> = reports
        .iter()
        .filter(|(_, report)| report.wrong_grant)
        .map(|(cell, _)| cell.name())
        .collect();
    let latest = reports.iter().map(|(_, report)| report.overrun).max();
    let memory = reports.iter().map(|(_, report)| report.memory).max();
    println!(
        "{} requests × {} faults: {} steps in {:.0} s ({again} of them twice); wrong grants: {}; the latest \
         {:.1} s after its time (at most {:.1}); peak memory {:.1} MB",
        REQUESTS.len(),
        kinds.len(),
        cells.len(),
        started.elapsed().as_secs_f32(),
        wrong.len(),
        latest.unwrap_or(Duration::ZERO).as_secs_f32(),
        OVERRUN.as_secs_f32(),
        memory.unwrap_or_default() as f32 / 1024.0,
    );
    assert_eq!(wrong, Vec::<String>::new());
    let complaints: Vec<_> = reports
        .iter()
        .filter_map(|(_, report)| report.complaint.as_deref())
        .collect();
    assert!(
        complaints.is_empty(),
        "{} complaints\n{}",
        complaints.len(),
        complaints
            .iter()
            .take(5)
            .copied()
            .collect::<Vec<_>>()
            .join("\n\n")
    );
}
