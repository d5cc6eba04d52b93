//! `lint`: finds errors and likely mistakes in policies.

mod diff;
mod file;
mod fingerprint;
mod fix;
mod github;
mod human;
mod json;
mod sarif;
mod search;
mod summary;

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::file::Linted;
use self::summary::Summary;
use super::instant::{instant, now};
use super::output::{print, report_error, write};
use super::style::Colours;
use super::work_tree::from_root;
use crate::workflows::find_workflows;
use engine::policy::quoted;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Policies to check; a directory stands for the policies in it, `-` for standard input [default:
    /// .github/repo-permissions.yml of the git work tree]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// Time at which rules count as expired, RFC 3339 [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    now: Option<Timestamp>,
    /// Apply the fixes that keep what the policy grants; the exit code counts the remaining findings
    #[arg(long)]
    fix: bool,
    /// With --fix, show the changes and write no files
    #[arg(long, requires = "fix")]
    diff: bool,
    /// Exit with code 1 for a warning too
    #[arg(long)]
    strict: bool,
    /// File to write the findings to, instead of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Output format of `lint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations for a GitHub Actions job.
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

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let now = arguments.now.unwrap_or_else(now);
    if arguments.diff && arguments.format != OutputFormat::Human {
        bail!("--diff has no other format: leave out --format");
    }
    let mut files = Vec::new();
    let mut failed = false;
    let paths = search::policies(&arguments.files)?;
    if arguments.fix && !arguments.diff && paths.iter().any(|path| path.as_os_str() == "-") {
        bail!(
            "--fix cannot change standard input: name the file, or add --diff to see the changes"
        );
    }
    for path in &paths {
        let name = quoted(&path.to_string_lossy());
        let read = Linted::read(path, now).with_context(|| format!("{name} cannot be read"));
        let mut file = match read {
            Ok(file) => file,
            Err(error) => {
                failed = true;
                report_error(&error);
                continue;
            }
        };
        let fixed = arguments.fix_file(&mut file, now);
        if let Err(error) = fixed.with_context(|| format!("{name} is not changed")) {
            failed = true;
            report_error(&error);
        }
        files.push(file);
    }
    let mut directories: Vec<PathBuf> = Vec::new();
    for directory in paths.iter().filter_map(|path| find_workflows(path)) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    for directory in &directories {
        let known = |file: &Linted| files.iter().any(|known| known.path == file.path);
        let mut found = Linted::workflow_files(directory);
        found.retain(|file| !known(file));
        files.append(&mut found);
    }
    let summary = Summary::of(&files, arguments.fix);
    let colours = Colours::stdout();
    if arguments.diff {
        let diffs = files.iter().map(|file| diff::render(file, colours));
        print(&diffs.collect::<String>());
    }
    if matches!(arguments.format, OutputFormat::Sarif | OutputFormat::Github) {
        let named = files.iter_mut().filter(|file| file.path.as_os_str() != "-");
        named.for_each(|file| file.path = from_root(&file.path));
    }
    write(arguments.output.as_deref(), |colours| {
        arguments.format.render(&files, summary, colours)
    })?;
    let counted = summary.errors
        + if arguments.strict {
            summary.warnings
        } else {
            0
        };
    Ok(match (failed, counted) {
        (true, _) => 2,
        (false, 0) => 0,
        (false, _) => 1,
    })
}

/// Lints a policy that is not in a file. Returns the output in each format, and the policy after `--fix`, if
/// there are safe fixes.
///
/// # Errors
/// The fixes cannot be applied.
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
    /// Fixes a policy and writes it, as the flags ask for.
    fn fix_file(&self, file: &mut Linted, now: Timestamp) -> anyhow::Result<()> {
        if !self.fix {
            return Ok(());
        }
        file.fix(now).map_err(anyhow::Error::msg)?;
        if self.diff {
            return Ok(());
        }
        let written = file.write();
        if written.is_err() {
            file.revert(now);
        }
        Ok(written?)
    }
}
