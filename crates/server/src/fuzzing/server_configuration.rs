//! A server's configuration, read as YAML and as JSON: what is wrong stands inside the text, what is accepted has safe
//! values and is valid by the published schema, and means the same in the other syntax.

#[path = "../../../../fuzz/src/targets/places.rs"]
mod places;
#[path = "../../../../tests/support/schema.rs"]
mod schema;

use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use engine::policy::CaseSensitivity;
use platform::Address;
use regex::Regex;
use serde_json::{Value, json};

use self::places::Lines;
use self::schema::Schema;
use crate::config::{Config, PolicyPlace};

const DIRECTORY: &str = "/etc/gate";
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    Schema::new(include_str!(
        "../../../../schema/repo-permissions-server.schema.json"
    ))
});
/// Where a pattern was written.
static POSITION: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"Position \{ line: \d+, column: \d+ \}").expect("a pattern"));

pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let parsed = parse(text);
    if let Ok(config) = &parsed {
        is_safe(config);
    }
    // The standard library of JSON is stricter or as strict.
    let Ok(value) = engine::unique_json(data) else {
        return;
    };
    if !value.is_object() {
        return;
    }
    let json = in_ascii(&value, "\\u");
    let yaml = format!("# YAML\n{}", in_ascii(&value, "\\U"));
    let again = parse(&json);
    assert_eq!(parsed.is_ok(), again.is_ok(), "{json}");
    let Ok(config) = parsed else { return };
    assert!(SCHEMA.is_valid(&value), "{value:#}");
    assert_eq!(again.map(|again| shown(&again)), Ok(shown(&config)));
    match parse(&yaml) {
        Ok(again) => assert_eq!(shown(&again), shown(&config)),
        // YAML takes JSON, as long as its keys are short.
        Err(why) => assert!(yaml.len() > 1024, "{why}\n{yaml}"),
    }
    refuses_more(&value);
}

fn parse(text: &str) -> Result<Config, String> {
    let parsed = Config::parse(text, Path::new(DIRECTORY));
    parsed.map_err(|invalid| {
        let lines = Lines::of(text);
        let problems = invalid.iter().map(|problem| {
            lines.assert_inside(problem.position);
            assert!(!problem.message.is_empty());
            problem.to_string()
        });
        let problems: Vec<_> = problems.collect();
        assert!(!problems.is_empty());
        problems.join("\n")
    })
}

/// A configuration without the places of its values.
fn shown(config: &Config) -> String {
    POSITION
        .replace_all(&format!("{config:?}"), "")
        .into_owned()
}

/// What no accepted configuration lacks, whatever was written.
fn is_safe(config: &Config) {
    assert!(!config.audience.is_empty() && config.audience != "repo-permissions");
    assert!(!config.owners.is_empty() && !config.owners.contains(&0));
    let (day, second) = (Duration::from_secs(24 * 60 * 60), Duration::from_secs(1));
    for time in [
        config.max_token_age,
        config.policy.refresh,
        config.policy.stale,
    ] {
        assert!((second..=day).contains(&time), "{time:?}");
    }
    assert!(config.issuer.as_str().starts_with("https://") || is_local(config.issuer.as_str()));
    for address in [&config.listen, &config.admin] {
        if let Address::Unix(path) = address {
            assert!(path.is_absolute(), "{}", path.display());
        }
    }
    let is_chosen =
        |address: &Address| matches!(address, Address::Tcp(address) if address.port() == 0);
    assert!(config.listen != config.admin || is_chosen(&config.listen));
    match &config.policy.place {
        PolicyPlace::File(file) => assert!(file.is_absolute(), "{}", file.display()),
        PolicyPlace::Repository { .. } => assert!(config.github.is_some()),
        PolicyPlace::Own { delegate, .. } => {
            assert!(config.github.is_some() && !delegate.is_empty());
        }
    }
    if let Some(github) = &config.github {
        let api_url = github.api_url.to_ascii_lowercase();
        assert!(api_url.starts_with("https://") || is_local(&api_url));
        assert!(!github.app.client_id.is_empty() && github.app.private_key_file.is_absolute());
    }
    if let Some(rule) = config.deployments.first() {
        let github = config.github.as_ref().expect("an App");
        assert!(github.app.webhook_secret_file.is_some());
        assert!(config.deployments.len() <= 100);
        rule.environment
            .compile(CaseSensitivity::Insensitive)
            .expect("a pattern that compiles");
    }
}

/// Whether a URL is one of this machine.
fn is_local(url: &str) -> bool {
    let url = url::Url::parse(url).expect("a URL");
    let address = url.host_str().map(|host| host.trim_matches(['[', ']']));
    url.scheme() == "http"
        && address.is_some_and(|host| {
            host == "localhost"
                || host
                    .parse::<IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        })
}

/// A key that nobody knows is refused wherever it stands.
fn refuses_more(value: &Value) {
    let mut places = Vec::new();
    objects(value, String::new(), &mut places);
    for place in places {
        let mut more = value.clone();
        more.pointer_mut(&place).expect("an object")["unknown"] = json!(1);
        assert!(parse(&in_ascii(&more, "\\u")).is_err(), "{more}");
    }
}

/// Every object, as a JSON pointer.
fn objects(value: &Value, at: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                objects(member, format!("{at}/{name}"), found);
            }
            found.push(at);
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// JSON with escapes for what a configuration cannot have as it is: `\u` in JSON, `\U` in YAML.
fn in_ascii(value: &Value, escape: &str) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if matches!(c, ' '..='~') {
            text.push(c);
        } else if escape == "\\U" {
            text.push_str(&format!("\\U{:08x}", u32::from(c)));
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    text
}
