//! Grammar of the configuration, as strict as that of policies.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::deployments::read_deployments;
use super::github::{GitHubDraft, read_github};
use super::model::{Config, DeploymentRule, PolicyConfig, RoutesConfig};
use super::policy::read_policy;
use super::routes::read_routes;
use super::values::{At, ConfigGrammar, ConfigReader, read_duration, read_filled, read_path};
use analysis::report::Detail;
use engine::policy::reader::{Grammar, Read, Reader};
use engine::policy::token::{ScalarKind, Syntax, Token};
use engine::policy::{Problem, quoted};
use platform::Address;
use token::Issuer;

/// Audience of the action's tokens: every gate of every workflow requests one, and could be made to pass it on.
const AUDIENCE_OF_THE_ACTION: &str = "repo-permissions";
const DEFAULT_ISSUER: &str = "https://token.actions.githubusercontent.com";
const DEFAULT_LISTEN: SocketAddr = local(8080);
const DEFAULT_ADMIN: SocketAddr = local(9090);
const DEFAULT_TOKEN_AGE: Duration = Duration::from_secs(15 * 60);

const KEYS: [&str; 14] = [
    "version",
    "listen",
    "admin",
    "insecure_listen",
    "issuer",
    "audience",
    "owners",
    "max_token_age",
    "ca_bundle",
    "detail",
    "policy",
    "github",
    "deployments",
    "routes",
];

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port)
}

impl<'a> Grammar<'a> for ConfigGrammar {
    type Output = Config;
    const NOUN: &'static str = "configuration";
    const START: &'static str = "start with `version: 1`, `audience:`, `owners:` and `policy:`";

    fn root<S: Syntax<'a>>(reader: &mut Reader<'a, S, Self>) -> Read<Config> {
        read_config(reader)
    }
}

/// The values of a file, before the required ones are known to be there.
#[derive(Default)]
struct Draft {
    version: bool,
    listen: Option<At<Address>>,
    admin: Option<At<Address>>,
    insecure_listen: bool,
    issuer: Option<Issuer>,
    audience: Option<String>,
    owners: Option<Vec<u64>>,
    max_token_age: Option<Duration>,
    ca_bundle: Option<PathBuf>,
    detail: Option<Detail>,
    policy: Option<At<PolicyConfig>>,
    names_github: bool,
    github: Option<GitHubDraft>,
    deployments: Option<At<Vec<DeploymentRule>>>,
    routes: Option<RoutesConfig>,
}

fn read_config<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Config> {
    let before = reader.problem_count();
    let mut draft = Draft::default();
    let at = reader.mapping("the configuration", &KEYS, |reader, key, at| {
        draft.member(reader, key, at)
    })?;
    draft.check_listeners(reader)?;
    draft.check_policy(reader)?;
    draft.check_deployments(reader)?;
    let is_clean = reader.problem_count() == before;
    if let (Some(at), true) = (at, is_clean) {
        for (is_given, key, example) in [
            (draft.version, "version", "version: 1"),
            (
                draft.audience.is_some(),
                "audience",
                "audience: https://deploy.example.com",
            ),
            (draft.owners.is_some(), "owners", "owners: [1234]"),
            (
                draft.policy.is_some(),
                "policy",
                "policy: { file: policy.yml }",
            ),
        ] {
            if !is_given {
                reader.missing(at, key, example)?;
            }
        }
    }
    let issuer = match draft.issuer {
        Some(issuer) => issuer,
        None => Issuer::parse(DEFAULT_ISSUER).map_err(|_| engine::policy::reader::Fatal)?,
    };
    let address = |given: Option<At<Address>>, default| match given {
        Some((address, _)) => address,
        None => Address::Tcp(default),
    };
    // A configuration without a required value has a problem, so nobody gets these defaults.
    Ok(Config {
        listen: address(draft.listen, DEFAULT_LISTEN),
        admin: address(draft.admin, DEFAULT_ADMIN),
        audience: draft.audience.unwrap_or_default(),
        owners: draft.owners.unwrap_or_default(),
        max_token_age: draft.max_token_age.unwrap_or(DEFAULT_TOKEN_AGE),
        ca_bundle: draft.ca_bundle,
        detail: draft.detail.unwrap_or(Detail::Reason),
        policy: draft.policy.map(|(policy, _)| policy).unwrap_or_default(),
        github: draft.github.map(|github| github.config(&issuer)),
        deployments: draft
            .deployments
            .map(|(rules, _)| rules)
            .unwrap_or_default(),
        issuer,
        routes: draft.routes,
    })
}

impl Draft {
    fn member<'a, S: Syntax<'a>>(
        &mut self,
        reader: &mut ConfigReader<'a, S>,
        key: &'static str,
        at: S::At,
    ) -> Read<()> {
        match key {
            "version" => self.version = read_version(reader)?,
            "listen" => self.listen = read_address(reader, "`listen`")?,
            "admin" => self.admin = read_address(reader, "`admin`")?,
            "insecure_listen" => {
                let found = reader.scalar("`insecure_listen`", ScalarKind::Bool)?;
                // Anything but a boolean has a problem of its own.
                self.insecure_listen = found.is_none_or(|(scalar, _)| scalar.text == "true");
            }
            "issuer" => self.issuer = read_issuer(reader)?,
            "audience" => self.audience = read_audience(reader)?,
            "owners" => self.owners = read_owners(reader, at)?,
            "max_token_age" => self.max_token_age = read_duration(reader, "`max_token_age`")?,
            "ca_bundle" => self.ca_bundle = read_path(reader, "`ca_bundle`")?,
            "detail" => self.detail = read_detail(reader)?,
            "policy" => {
                let policy = read_policy(reader)?;
                let at = reader.position(at);
                self.policy = policy.map(|policy| (policy, at));
            }
            "github" => {
                self.names_github = true;
                self.github = read_github(reader)?;
            }
            "deployments" => {
                let rules = read_deployments(reader, at)?;
                self.deployments = Some((rules, reader.position(at)));
            }
            _ => self.routes = read_routes(reader)?,
        }
        Ok(())
    }

    /// GitHub serves policies to an App.
    fn check_policy<'a, S: Syntax<'a>>(&self, reader: &mut ConfigReader<'a, S>) -> Read<()> {
        match (&self.policy, &self.github) {
            (Some((policy, at)), None) if !policy.is_file() && !self.names_github => {
                let problem = Problem::new(*at, "`policy` is at GitHub, and `github` is missing");
                reader.problem(problem.help(
                    "add `github: { app: { client_id: …, private_key_file: … } }`, or name a `file`",
                ))
            }
            _ => Ok(()),
        }
    }

    /// GitHub asks for reviews by webhooks.
    fn check_deployments<'a, S: Syntax<'a>>(&self, reader: &mut ConfigReader<'a, S>) -> Read<()> {
        let Some((_, at)) = &self.deployments else {
            return Ok(());
        };
        // One that is not valid has a problem of its own.
        let has_webhooks = match &self.github {
            Some(github) => github.has_webhooks(),
            None => self.names_github,
        };
        if has_webhooks {
            return Ok(());
        }
        let message =
            "`deployments` needs webhooks, and `github.app.webhook_secret_file` is missing";
        let problem = Problem::new(*at, message);
        reader.problem(problem.help("add `webhook_secret_file: FILE` to `github.app`"))
    }

    /// Tokens are secrets: beyond this machine they travel in plain text, because TLS is the proxy's.
    fn check_listeners<'a, S: Syntax<'a>>(&self, reader: &mut ConfigReader<'a, S>) -> Read<()> {
        let listeners = [("listen", &self.listen), ("admin", &self.admin)];
        for (key, given) in listeners {
            let Some((address, at)) = given else { continue };
            if !address.is_local() && !self.insecure_listen {
                let message = format!(
                    "`{key}` is `{address}`, which other machines reach, and this server has no TLS"
                );
                let problem = Problem::new(*at, message);
                reader.problem(problem.help(
                    "listen on 127.0.0.1, [::1] or unix:PATH, or set `insecure_listen: true` where only the proxy \
                     reaches the address",
                ))?;
            }
        }
        let [listen, admin] = [(&self.listen, DEFAULT_LISTEN), (&self.admin, DEFAULT_ADMIN)].map(
            |(given, default)| match given {
                Some((address, at)) => (address.clone(), Some(*at)),
                None => (Address::Tcp(default), None),
            },
        );
        let is_any = matches!(listen.0, Address::Tcp(address) if address.port() == 0);
        // One of them is given: the defaults differ.
        if let Some(at) = admin.1.or(listen.1)
            && listen.0 == admin.0
            && !is_any
        {
            let message = format!("`listen` and `admin` are both `{}`", admin.0);
            reader.problem(Problem::new(at, message).help("give one of them another address"))?;
        }
        Ok(())
    }
}

fn read_version<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<bool> {
    let Some((scalar, at)) = reader.scalar("`version`", ScalarKind::Integer)? else {
        return Ok(false);
    };
    if scalar.text == "1" {
        return Ok(true);
    }
    let message = format!("`version` is {}, expected `1`", quoted(&scalar.text));
    let problem = Problem::new(reader.position(at), message).over(&scalar.text);
    reader.problem(problem)?;
    Ok(false)
}

fn read_address<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
    what: &str,
) -> Read<Option<At<Address>>> {
    // A port alone is a number.
    let expects_text =
        !matches!(&reader.peek()?.0, Token::Scalar(scalar) if scalar.kind == ScalarKind::Integer);
    let found = match expects_text {
        true => read_filled(reader, what)?,
        false => {
            let scalar = reader.any_scalar(what, "an address")?;
            scalar.map(|(scalar, at)| (scalar.text, reader.position(at)))
        }
    };
    let Some((text, at)) = found else {
        return Ok(None);
    };
    if let Some(path) = text.strip_prefix("unix:") {
        if !path.is_empty() {
            let path = reader.grammar.directory.join(path);
            return Ok(Some((Address::Unix(path), at)));
        }
    } else if let Ok(address) = text.parse() {
        return Ok(Some((Address::Tcp(address), at)));
    }
    let message = format!("{what} is {}, expected an address", quoted(&text));
    let problem = Problem::new(at, message).over(&text);
    reader.problem(problem.help(match port_of(&text) {
        Some(port) => format!("write `{}`", local(port)),
        None => "write `127.0.0.1:8080`, `[::1]:8080` or `unix:PATH`".to_owned(),
    }))?;
    Ok(None)
}

/// Returns the port of a text that names no host but this machine.
fn port_of(text: &str) -> Option<u16> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let is_here = host.is_empty() || host.eq_ignore_ascii_case("localhost");
    port.parse().ok().filter(|port| is_here && *port > 0)
}

fn read_issuer<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<Issuer>> {
    let Some((text, at)) = read_filled(reader, "`issuer`")? else {
        return Ok(None);
    };
    match Issuer::parse(&text) {
        Ok(issuer) => Ok(Some(issuer)),
        Err(error) => {
            reader.problem(Problem::new(at, error.to_string()).over(&text))?;
            Ok(None)
        }
    }
}

fn read_audience<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<String>> {
    let Some((text, at)) = read_filled(reader, "`audience`")? else {
        return Ok(None);
    };
    if text == AUDIENCE_OF_THE_ACTION {
        let message = format!("`audience` is `{text}`, the audience of the action's tokens");
        let problem = Problem::new(at, message).over(&text);
        reader.problem(problem.help(
            "give each server an audience of its own, such as the URL of the API behind it: otherwise anyone who \
             receives one of these tokens can use it here",
        ))?;
        return Ok(None);
    }
    Ok(Some(text.into_owned()))
}

fn read_owners<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
    at: S::At,
) -> Read<Option<Vec<u64>>> {
    let before = reader.problem_count();
    let mut owners = Vec::new();
    reader.list_of("`owners`", ScalarKind::Integer, |reader, _| {
        owners.extend(reader.id("an id of `owners`")?);
        Ok(())
    })?;
    if owners.is_empty() && reader.problem_count() == before {
        let problem = Problem::new(
            reader.position(at),
            "`owners` is empty: no token would count",
        );
        reader.problem(
            problem.help("name the id of your organisation: `gh api orgs/NAME --jq .id`"),
        )?;
    }
    Ok(Some(owners))
}

fn read_detail<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<Detail>> {
    let Some((text, at)) = read_filled(reader, "`detail`")? else {
        return Ok(None);
    };
    let detail = match &*text {
        "full" => Some(Detail::Full),
        "reason" => Some(Detail::Reason),
        "none" => Some(Detail::None),
        _ => None,
    };
    if detail.is_none() {
        let message = format!("`detail` is {}", quoted(&text));
        let problem = Problem::new(at, message).over(&text);
        reader.problem(problem.help("expected `full`, `reason` or `none`"))?;
    }
    Ok(detail)
}
