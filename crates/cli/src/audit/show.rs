//! `audit show`: prints a table of records.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::filter::Filter;
use super::log::{Line, each_record};
use crate::output::{OutputFormat, print, print_error, report_error};
use crate::style::Colours;
use analysis::audit::Recorded;
use analysis::report::text::visible;
use engine::decision::Decision;
use engine::plural::{count, count_of, grouped};

/// Number of rows that determine the widths of the columns.
const MAX_WAITING: usize = 200;
/// Maximum width of a column in characters. A longer value shifts its own row only.
const MAX_WIDTH: usize = 40;
const HEADING: [&str; 8] = [
    "time",
    "decision",
    "permission",
    "repository",
    "workflow",
    "branch",
    "environment",
    "actor",
];
/// The cells of a record.
type Cells = [String; HEADING.len()];

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Audit logs: files of the input `audit-log`, or logs of jobs
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    filter: Filter,
    /// Output format; `json` prints the unchanged records, one per line
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let mut table = Table::new(Colours::stdout());
    let mut unreadable = false;
    for path in &arguments.files {
        let take = |line: &Line<'_>| {
            match &line.record {
                Ok(recorded) if !arguments.filter.matches(recorded) => table.hidden += 1,
                Ok(recorded) if arguments.format == OutputFormat::Human => table.add(recorded),
                Ok(_) => {
                    let json = line.text.find('{').and_then(|start| line.text.get(start..));
                    print(&format!("{}\n", json.unwrap_or_default()));
                }
                Err(why) => print_error(&format!(
                    "warning: {}, line {}: {}\n",
                    visible(&path.display().to_string()),
                    line.number,
                    visible(&format!("{why:#}"))
                )),
            }
            Ok(())
        };
        if let Err(error) = each_record(path, take) {
            unreadable = true;
            report_error(&error);
        }
    }
    if arguments.format == OutputFormat::Human {
        table.finish();
    }
    if unreadable { 2 } else { 0 }
}

/// A table that buffers its first rows until the widths of the columns are known.
struct Table {
    colours: Colours,
    waiting: Vec<(Decision, Cells)>,
    widths: Option<[usize; HEADING.len()]>,
    /// Allowed, denied, errors.
    counts: [u64; 3],
    hidden: u64,
}

impl Table {
    fn new(colours: Colours) -> Self {
        Self {
            colours,
            waiting: Vec::new(),
            widths: None,
            counts: [0; 3],
            hidden: 0,
        }
    }

    fn add(&mut self, recorded: &Recorded) {
        let [allowed, denied, errors] = &mut self.counts;
        *match recorded.decision {
            Decision::Allowed => allowed,
            Decision::Denied => denied,
            Decision::Error => errors,
        } += 1;
        self.waiting.push((recorded.decision, row(recorded)));
        if self.widths.is_some() || self.waiting.len() >= MAX_WAITING {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let mut text = String::new();
        let widths = match self.widths {
            Some(widths) => widths,
            None => {
                let widths = std::array::from_fn(|column| self.width(column));
                let heading: String = HEADING
                    .iter()
                    .zip(widths)
                    .map(|(name, width)| format!("{name:<width$}  "))
                    .collect();
                let _ = writeln!(text, "{}", self.colours.dim(heading.trim_end()));
                self.widths = Some(widths);
                widths
            }
        };
        for (decision, row) in self.waiting.drain(..) {
            let cells = row.iter().zip(widths).enumerate();
            for (column, (cell, width)) in cells {
                let cell = match (column, decision) {
                    (1, Decision::Allowed) => self.colours.granted(cell),
                    (1, _) => self.colours.denied(cell),
                    _ => self.colours.plain(cell),
                };
                let _ = match column + 1 < HEADING.len() {
                    true => write!(text, "{cell:<width$}  "),
                    false => writeln!(text, "{cell}"),
                };
            }
        }
        print(&text);
    }

    fn width(&self, column: usize) -> usize {
        let rows = self.waiting.iter().filter_map(|(_, row)| row.get(column));
        let cells = rows.map(|cell| cell.chars().count().min(MAX_WIDTH));
        let heading = HEADING.get(column).map(|name| name.len());
        cells.chain(heading).max().unwrap_or_default()
    }

    fn finish(mut self) {
        self.flush();
        let [allowed, denied, errors] = self.counts;
        let mut summary = format!(
            "\n{} allowed, {} denied, {}",
            grouped(allowed),
            grouped(denied),
            count(errors, "error")
        );
        if self.hidden > 0 {
            let hidden = count_of(self.hidden, "record is", "records are");
            let _ = write!(summary, "; {hidden} hidden by the filter");
        }
        print(&(summary + "\n"));
    }
}

fn row(recorded: &Recorded) -> Cells {
    let context = recorded.context.as_ref();
    let value =
        |value: Option<&String>| value.map_or("-".to_owned(), |value| visible(value).into_owned());
    let decision = match recorded.decision {
        Decision::Allowed => "allowed".to_owned(),
        decision => format!("{} ({})", decision.as_str(), recorded.reason.code()),
    };
    [
        recorded.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        decision,
        value(Some(&recorded.permission)),
        value(context.and_then(|context| context.repository.as_ref())),
        value(context.and_then(|context| context.workflow.as_ref())),
        value(context.and_then(|context| context.branch.as_ref())),
        value(context.and_then(|context| context.environment.as_ref())),
        value(context.and_then(|context| context.actor.as_ref())),
    ]
}
