//! `survey`: checks how the repositories of an organisation use this gate, and whether a central policy has
//! entries for them.

mod fetch;
mod human;
mod json;
mod markdown;
mod pace;
mod progress;
mod report;
mod run;
mod stop;

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use url::Url;

use self::fetch::Fetcher;
use self::progress::Progress;
use self::report::{Central, Report};
use self::run::SurveyRun;
use self::stop::Stop;
use super::api;
use super::instant::now;
use super::policy_text::{InvalidPolicy, PolicyText};
use super::style::Colours;
use crate::workflows::ACTION;
use analysis::survey::{Survey, SurveyPolicy};
use engine::RepositoryName;
use engine::plural::{count_of, grouped};
use engine::policy::{Policy, quoted};
use github::http::{Budget, MAX_CA_BUNDLE};
use platform::Variables;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Organisation or user
    #[arg(value_name = "OWNER")]
    owner: String,
    /// Central policy to check the repositories against
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
    /// Name of this action in `uses:`, without its owner
    #[arg(long, value_name = "NAME", default_value = ACTION)]
    action: String,
    /// URL of the REST API [default: GITHUB_API_URL, or https://api.github.com]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// PEM certificates to trust in addition to the built-in roots
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
    /// Number of repositories per request, 1 to 100; reduced if GitHub takes too long
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=100))]
    page_size: u32,
}

/// Output format of `survey`.
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

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let policy = arguments.policy.as_deref().map(PolicyText::read);
    let policy = policy.transpose();
    let policy = policy.map_err(|failure| anyhow!(failure.message))?;
    let parsed = policy.as_ref().map(parse).transpose()?;
    let policy = policy.as_ref().zip(parsed.as_ref());
    let has_problems = survey(arguments, policy)?;
    Ok(u8::from(has_problems))
}

/// Parses the central policy, and compiles the patterns of its entries, as every check does.
fn parse(text: &PolicyText) -> Result<Policy, InvalidPolicy> {
    let parsed = text.parse().and_then(|parsed| {
        SurveyPolicy::new(&parsed, "")?;
        Ok(parsed)
    });
    parsed.map_err(|invalid| text.invalid(&invalid))
}

/// Runs the survey and returns whether it found problems.
fn survey(arguments: &Arguments, policy: Option<(&PolicyText, &Policy)>) -> anyhow::Result<bool> {
    let owner = &arguments.owner;
    if RepositoryName::new(owner, "x").is_none() {
        bail!(
            "OWNER is {}, expected the name of an organisation or a user",
            quoted(owner)
        );
    }
    let variables = Variables::new(std::env::vars_os());
    let api_url = arguments.api_url.as_deref();
    let api_url = api_url.unwrap_or_else(|| api::url(&variables));
    let entries = policy.map(|(_, parsed)| SurveyPolicy::new(parsed, owner));
    let entries = entries
        .transpose()
        .map_err(|invalid| anyhow!("{invalid}"))?;
    let counts = entries.as_ref().map(SurveyPolicy::counts);
    let mut survey = Survey::new(&arguments.action, entries);
    let started = now().to_string();
    let surveyed = api::block_on(async {
        let mut survey_run = SurveyRun {
            survey: &mut survey,
            fetcher: fetcher(arguments, &variables, api_url)?,
            progress: Progress::new(owner),
            rows: Vec::new(),
            total: 0,
        };
        let done = survey_run.run().await;
        done.map_err(|stop| stopped(&stop, &survey_run))?;
        anyhow::Ok((survey_run.rows, survey_run.fetcher.cost()))
    });
    let (rows, cost) = surveyed??;
    let report = Report {
        owner: owner.to_ascii_lowercase(),
        api: api_url,
        action: &arguments.action,
        policy: policy
            .zip(counts)
            .map(|((policy, _), (entries, others))| Central {
                file: &policy.name,
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

fn print(format: OutputFormat, report: &Report<'_>) -> anyhow::Result<()> {
    let printed = match format {
        OutputFormat::Human => human::print(report, Colours::stdout()),
        OutputFormat::Json => json::print(report),
        OutputFormat::Jsonl => json::print_lines(report),
        OutputFormat::Markdown => markdown::print(report),
    };
    match printed {
        // A closed pipe (`| head`) is not an error.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("the result cannot be printed"),
    }
}

fn fetcher(arguments: &Arguments, variables: &Variables, api_url: &str) -> anyhow::Result<Fetcher> {
    let owner = &arguments.owner;
    let token = api::token(variables).with_context(|| {
        format!("no token: set `GITHUB_TOKEN` or `GH_TOKEN` to a token that may read the contents and metadata of the repositories of {}", quoted(owner))
    })?;
    let ca_bundle = arguments.ca_bundle.as_deref().map(|file| {
        platform::read_capped(file, MAX_CA_BUNDLE)
            .with_context(|| format!("{} cannot be read", quoted(&file.display().to_string())))
    });
    // Each request gets its own budget.
    let budget = Budget::until(tokio::time::Instant::now());
    let api = api::client(
        variables,
        api_url,
        Some(&token),
        ca_bundle.transpose()?,
        budget,
    )?;
    let given = match arguments.api_url {
        None => variables.get("GITHUB_GRAPHQL_URL"),
        Some(_) => None,
    };
    let graphql = graphql_url(api_url, given)?;
    Ok(Fetcher::new(api, graphql, owner, arguments.page_size))
}

/// Returns `GITHUB_GRAPHQL_URL`, or derives the URL from the REST API's: `/graphql`, and `/api/graphql` on an
/// Enterprise Server (`/api/v3`). The host must be the same, because it receives the token.
fn graphql_url(api_url: &str, given: Option<&str>) -> anyhow::Result<Url> {
    let invalid =
        |what: &str, url: &str| anyhow!("{what} is {}, expected an https URL", quoted(url));
    let api = Url::parse(api_url).map_err(|_| invalid("the URL of the API", api_url))?;
    let Some(given) = given else {
        let path = api.path().trim_end_matches('/');
        let path = path.strip_suffix("/v3").unwrap_or(path);
        let mut url = api.clone();
        url.set_path(&format!("{path}/graphql"));
        return Ok(url);
    };
    let url = Url::parse(given).map_err(|_| invalid("the variable `GITHUB_GRAPHQL_URL`", given))?;
    if url.origin() != api.origin() {
        bail!(
            "the variable `GITHUB_GRAPHQL_URL` is {}, which has another host than the API, {}",
            quoted(given),
            quoted(api_url)
        );
    }
    Ok(url)
}

/// Describes why the survey stopped, and how far it got.
fn stopped(stop: &Stop, survey_run: &SurveyRun<'_, '_>) -> anyhow::Error {
    let how_far = match survey_run.seen() {
        (0, _) => "before the first repository".to_owned(),
        (seen, total) => format!(
            "after {} of {}",
            grouped(seen),
            count_of(total, "repository", "repositories")
        ),
    };
    match stop {
        Stop::Refused(why) => anyhow!("{why}"),
        Stop::Interrupted => anyhow!("interrupted {how_far}"),
        Stop::Failed(why) => anyhow!("stopped {how_far}: {why}"),
        Stop::Limited { until, why } => anyhow!(
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
