//! `lint`: what is wrong with policies, and what their authors will hardly have meant.

mod diff;
mod file;
mod fingerprint;
mod fix;
mod github;
mod human;
mod json;
mod sarif;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::file::Linted;
use super::instant::{instant, now};
use super::style::Colours;
use super::{complain, print};
use analysis::lint::Level;
use engine::plural::count;
use engine::policy::quoted;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The policies
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// The time that rules expire by, RFC 3339; now when left out
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
    /// Write the fixes that leave what the policy grants as it is; the exit code is for what is left
    #[arg(long)]
    fix: bool,
    /// With --fix: show what would be written, and write nothing
    #[arg(long, requires = "fix")]
    diff: bool,
}

/// How the findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of a GitHub Actions job.
    Github,
}

impl OutputFormat {
    fn render(self, files: &[Linted], summary: Summary, colours: Colours) -> String {
        match self {
            Self::Human => human::render(files, summary, colours),
            Self::Json => json::render(files, summary),
            Self::Sarif => sarif::render(files),
            Self::Github => github::render(files, summary),
        }
    }
}

/// How many findings there are of each level.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
    /// How many fixes were put in place, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    fixed: Option<usize>,
}

impl Summary {
    fn of(files: &[Linted], is_fix: bool) -> Self {
        let fixed = files.iter().filter_map(|file| file.fixed.as_ref());
        let fixed = fixed.map(|before| before.count).sum();
        let count = |level| {
            let findings = files.iter().flat_map(|file| &file.findings);
            findings.filter(|finding| finding.level == level).count()
        };
        Self {
            errors: count(Level::Error),
            warnings: count(Level::Warning),
            notes: count(Level::Note),
            fixed: is_fix.then_some(fixed),
        }
    }

    /// The last line for people.
    fn sentence(self, files: usize) -> String {
        let fixed = self.fixed.map(|fixed| format!("; {fixed} fixed"));
        format!(
            "{}, {}, {} in {}{}\n",
            count(self.errors, "error"),
            count(self.warnings, "warning"),
            count(self.notes, "note"),
            count(files, "file"),
            fixed.unwrap_or_default()
        )
    }
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let now = arguments.now.unwrap_or_else(now);
    if arguments.diff && arguments.format != OutputFormat::Human {
        complain("--diff is for people: leave --format out");
        return 2;
    }
    let mut files = Vec::new();
    let mut failed = false;
    for path in &arguments.files {
        let name = quoted(&path.to_string_lossy());
        let mut file = match Linted::read(path, now) {
            Ok(file) => file,
            Err(error) => {
                failed = true;
                complain(&format!("{name} cannot be read: {error}"));
                continue;
            }
        };
        if let Err(why) = arguments.mend(&mut file, now) {
            failed = true;
            complain(&format!("{name} is not changed: {why}"));
        }
        files.push(file);
    }
    let summary = Summary::of(&files, arguments.fix);
    let colours = Colours::stdout();
    if arguments.diff {
        let diffs = files.iter().map(|file| diff::render(file, colours));
        print(&diffs.collect::<String>());
    }
    print(&arguments.format.render(&files, summary, colours));
    match (failed, summary.errors) {
        (true, _) => 2,
        (false, 0) => 0,
        (false, _) => 1,
    }
}

/// What `lint` prints of a policy that is not in a file, in each of its formats, and what `--fix` makes
/// of it, if there is something to mend.
///
/// # Errors
/// It cannot be mended as it is.
#[doc(hidden)]
pub fn lint_text(
    name: &str,
    text: String,
    now: Timestamp,
) -> (Vec<String>, Result<Option<String>, &'static str>) {
    let mut file = [Linted::of(PathBuf::from(name), text, now)];
    let summary = Summary::of(&file, false);
    let formats = OutputFormat::value_variants().iter();
    let printed = formats.map(|format| format.render(&file, summary, Colours::default()));
    let printed = printed.collect();
    let [linted] = &mut file;
    let fixed = linted.fix(now).map(|()| {
        let fixed = linted.fixed.is_some();
        fixed.then(|| linted.text.clone())
    });
    (printed, fixed)
}

impl Arguments {
    /// Fixes a policy and writes it, as far as it is asked for.
    fn mend(&self, file: &mut Linted, now: Timestamp) -> Result<(), String> {
        if !self.fix {
            return Ok(());
        }
        file.fix(now)?;
        if self.diff {
            return Ok(());
        }
        file.write().map_err(|error| {
            file.take_back(now);
            error.to_string()
        })
    }
}
