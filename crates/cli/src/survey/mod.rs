//! `survey`: the repositories of an organisation, whether they ask this gate as they have to, and what
//! a central policy says of them.

mod ask;
mod human;
mod json;
mod markdown;
mod pace;
mod progress;
mod report;
mod run;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use url::Url;

use self::ask::Asker;
use self::progress::Progress;
use self::report::{Central, Report};
use self::run::{Stop, Work};
use super::instant::now;
use super::style::Colours;
use super::{api, complain, diagnostic, print_error};
use analysis::survey::{Survey, SurveyPolicy};
use engine::RepositoryName;
use engine::encoding::text_of;
use engine::plural::{count_of, grouped};
use engine::policy::{Document, Format, MAX_FILE, quoted};
use github::http::{Budget, MAX_CA_BUNDLE};
use platform::Environment;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The organisation, or the user
    #[arg(value_name = "OWNER")]
    owner: String,
    /// The central policy that the repositories are held against
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// The name that this action has in `uses:`, without its owner
    #[arg(long, value_name = "NAME", default_value = "repo-permissions")]
    action: String,
    /// The REST API; default: GITHUB_API_URL, else https://api.github.com
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// Certificates (PEM) that are trusted besides the built-in roots
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// How many repositories are asked for at once, 1 to 100; fewer where GitHub takes too long
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100))]
    page_size: u32,
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum OutputFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object.
    Json,
    /// A JSON object for each repository and entry, then the summary.
    Jsonl,
    /// For an issue or a job's summary.
    Markdown,
}

pub(super) fn run(arguments: &Arguments) -> u8 {
    let policy = match arguments.policy.as_deref().map(read).transpose() {
        Ok(policy) => policy,
        Err(message) => {
            complain(&message);
            return 2;
        }
    };
    let document = match policy.as_ref().map(Policy::document).transpose() {
        Ok(document) => document,
        Err(shown) => {
            print_error(&shown);
            return 2;
        }
    };
    let policy = policy.as_ref().zip(document.as_ref());
    match survey(arguments, policy) {
        Ok(has_problems) => u8::from(has_problems),
        Err(message) => {
            complain(&message);
            2
        }
    }
}

/// A policy's file.
struct Policy {
    file: String,
    text: String,
    format: Format,
}

fn read(file: &Path) -> Result<Policy, String> {
    let name = file.display().to_string();
    let bytes = platform::read_capped(file, MAX_FILE)
        .map_err(|error| format!("{} cannot be read: {error}", quoted(&name)))?;
    let text = text_of(bytes).map_err(|why| format!("{} is {why}", quoted(&name)))?;
    let format = Format::of_path(&name);
    Ok(Policy {
        file: name,
        text,
        format,
    })
}

impl Policy {
    /// The document, or what is shown of its problems.
    fn document(&self) -> Result<Document<'_>, String> {
        let document = Document::parse(&self.text, self.format);
        // Every pattern of an entry is compiled by every check.
        let checked = document.and_then(|document| {
            SurveyPolicy::new(&document, "")?;
            Ok(document)
        });
        checked.map_err(|invalid| {
            let colours = Colours::stderr();
            diagnostic::render_file(&self.file, invalid.iter(), colours)
        })
    }
}

/// Whether there are problems.
fn survey(arguments: &Arguments, policy: Option<(&Policy, &Document<'_>)>) -> Result<bool, String> {
    let owner = &arguments.owner;
    if RepositoryName::new(owner, "x").is_none() {
        return Err(format!(
            "OWNER is {}, expected the name of an organisation or a user",
            quoted(owner)
        ));
    }
    let environment = Environment::new(std::env::vars_os());
    let api_url = arguments.api_url.as_deref();
    let api_url = api_url.unwrap_or_else(|| api::url(&environment));
    let entries = policy.map(|(_, document)| SurveyPolicy::new(document, owner));
    let entries = entries.transpose().map_err(|invalid| invalid.to_string())?;
    let counts = entries.as_ref().map(SurveyPolicy::counts);
    let mut survey = Survey::new(&arguments.action, entries);
    let started = now().to_string();
    let surveyed = api::block_on(async {
        let mut work = Work {
            survey: &mut survey,
            asker: asker(arguments, &environment, api_url)?,
            progress: Progress::new(owner),
            rows: Vec::new(),
            total: 0,
        };
        let done = work.run().await;
        done.map_err(|stop| stopped(&stop, &work))?;
        Ok::<_, String>((work.rows, work.asker.cost()))
    });
    let (rows, cost) = surveyed??;
    let report = Report {
        owner: owner.to_ascii_lowercase(),
        api: api_url,
        action: &arguments.action,
        policy: policy
            .zip(counts)
            .map(|((policy, _), (entries, others))| Central {
                file: &policy.file,
                text: &policy.text,
                entries,
                others,
            }),
        started,
        finished: now().to_string(),
        rows,
        summary: &survey.summary,
        cost,
    };
    print(arguments.format, &report)?;
    Ok(survey.summary.has_problems())
}

fn print(format: OutputFormat, report: &Report<'_>) -> Result<(), String> {
    let printed = match format {
        OutputFormat::Human => human::print(report, Colours::stdout()),
        OutputFormat::Json => json::print(report),
        OutputFormat::Jsonl => json::print_lines(report),
        OutputFormat::Markdown => markdown::print(report),
    };
    match printed {
        // A reader that went away (`| head`) is no error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(format!("the result cannot be printed: {error}"))
        }
        _ => Ok(()),
    }
}

fn asker(arguments: &Arguments, environment: &Environment, api_url: &str) -> Result<Asker, String> {
    let owner = &arguments.owner;
    let token = api::token(environment).ok_or_else(|| {
        format!("there is no token: set `GITHUB_TOKEN` or `GH_TOKEN` to one that may read contents and metadata of the repositories of {}", quoted(owner))
    })?;
    let ca_bundle = arguments.ca_bundle.as_deref().map(|file| {
        platform::read_capped(file, MAX_CA_BUNDLE).map_err(|error| {
            let file = file.display().to_string();
            format!("{} cannot be read: {error}", quoted(&file))
        })
    });
    // Each request gets its own time.
    let budget = Budget::until(tokio::time::Instant::now());
    let api = api::client(
        environment,
        api_url,
        Some(&token),
        ca_bundle.transpose()?,
        budget,
    )?;
    let given = match arguments.api_url {
        None => environment.get("GITHUB_GRAPHQL_URL"),
        Some(_) => None,
    };
    let graphql = graphql_url(api_url, given)?;
    Ok(Asker::new(api, graphql, owner, arguments.page_size))
}

/// `GITHUB_GRAPHQL_URL`, else what follows from the REST API: `/graphql` beside it, on an Enterprise
/// Server (`/api/v3`) `/api/graphql`. Never another host: the token goes there.
fn graphql_url(api_url: &str, given: Option<&str>) -> Result<Url, String> {
    let wrong = |what: &str, url: &str| format!("{what} is {}, expected an https URL", quoted(url));
    let api = Url::parse(api_url).map_err(|_| wrong("the URL of the API", api_url))?;
    let Some(given) = given else {
        let path = api.path().trim_end_matches('/');
        let path = path.strip_suffix("/v3").unwrap_or(path);
        let mut url = api.clone();
        url.set_path(&format!("{path}/graphql"));
        return Ok(url);
    };
    let url = Url::parse(given).map_err(|_| wrong("the variable `GITHUB_GRAPHQL_URL`", given))?;
    if url.origin() != api.origin() {
        return Err(format!(
            "the variable `GITHUB_GRAPHQL_URL` is {}, which is another host than the API's {}",
            quoted(given),
            quoted(api_url)
        ));
    }
    Ok(url)
}

/// Why the survey stopped, and how far it was.
fn stopped(stop: &Stop, work: &Work<'_, '_>) -> String {
    let how_far = match work.seen() {
        (0, _) => "before the first repository".to_owned(),
        (seen, total) => format!(
            "after {} of {}",
            grouped(seen),
            count_of(total, "repository", "repositories")
        ),
    };
    match stop {
        Stop::Refused(why) => why.clone(),
        Stop::Interrupted => format!("interrupted {how_far}"),
        Stop::Failed(why) => format!("stopped {how_far}: {why}"),
        Stop::Limited { until, why } => format!(
            "stopped {how_far}: {why}; GitHub accepts requests again at {}",
            until.strftime("%H:%M UTC")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_graphql_is() {
        for (api, given, expected) in [
            (
                "https://api.github.com",
                None,
                "https://api.github.com/graphql",
            ),
            (
                "https://api.github.com/",
                None,
                "https://api.github.com/graphql",
            ),
            (
                "https://api.acme.ghe.com",
                None,
                "https://api.acme.ghe.com/graphql",
            ),
            (
                "https://ghe.acme.org/api/v3",
                None,
                "https://ghe.acme.org/api/graphql",
            ),
            (
                "https://ghe.acme.org:8443/api/v3/",
                None,
                "https://ghe.acme.org:8443/api/graphql",
            ),
            (
                "https://x.org/a",
                Some("https://x.org/b"),
                "https://x.org/b",
            ),
        ] {
            assert_eq!(graphql_url(api, given).unwrap().as_str(), expected, "{api}");
        }
        for (api, given) in [
            ("api.github.com", None),
            ("https://api.github.com", Some("graphql")),
            (
                "https://api.github.com",
                Some("https://evil.example/graphql"),
            ),
            (
                "https://api.github.com",
                Some("http://api.github.com/graphql"),
            ),
        ] {
            assert!(graphql_url(api, given).is_err(), "{api} {given:?}");
        }
    }
}
