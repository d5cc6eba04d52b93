//! Grammar of `github:`.

use url::Url;

use super::model::{AppConfig, GitHubConfig};
use super::values::{ConfigReader, read_filled, read_path};
use engine::policy::reader::Read;
use engine::policy::token::Syntax;
use engine::policy::{Problem, quoted};
use token::{Issuer, is_https_or_loopback, written_url};

/// `github:`, whose URL can follow from the issuer.
pub(super) struct GitHubDraft {
    api_url: Option<String>,
    app: AppConfig,
}

impl GitHubDraft {
    /// Returns whether the App has webhooks.
    pub(super) fn has_webhooks(&self) -> bool {
        self.app.webhook_secret_file.is_some()
    }

    /// Completes it.
    pub(super) fn config(self, issuer: &Issuer) -> GitHubConfig {
        GitHubConfig {
            api_url: self.api_url.unwrap_or_else(|| issuer.api_url()),
            app: self.app,
        }
    }
}

/// Reads `github:`. Returns `None` after a problem.
pub(super) fn read_github<'a, S: Syntax<'a>>(
    reader: &mut ConfigReader<'a, S>,
) -> Read<Option<GitHubDraft>> {
    let before = reader.problem_count();
    let (mut api_url, mut app) = (None, None);
    let at = reader.mapping("`github`", &["api_url", "app"], |reader, key, _| {
        match key {
            "api_url" => api_url = read_url(reader)?,
            _ => app = read_app(reader)?,
        }
        Ok(())
    })?;
    if let (Some(at), None, true) = (at, &app, reader.problem_count() == before) {
        let example = "app: { client_id: Iv23liEXAMPLE, private_key_file: app.pem }";
        reader.missing(at, "app", example)?;
    }
    Ok(app.map(|app| GitHubDraft { api_url, app }))
}

fn read_url<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<String>> {
    let Some((text, at)) = read_filled(reader, "`api_url`")? else {
        return Ok(None);
    };
    let is_usable = |url: &Url| {
        let has_rest = url.query().is_some() || url.fragment().is_some();
        is_https_or_loopback(url) && !has_rest && url.username().is_empty()
    };
    if written_url(&text).is_some_and(|url| is_usable(&url)) {
        return Ok(Some(text.into_owned()));
    }
    let message = format!("`api_url` is {}, expected an https URL", quoted(&text));
    let problem = Problem::new(at, message).over(&text);
    reader.problem(problem.help(
        "write `https://api.github.com`, or `https://HOST/api/v3` for a server of your own",
    ))?;
    Ok(None)
}

fn read_app<'a, S: Syntax<'a>>(reader: &mut ConfigReader<'a, S>) -> Read<Option<AppConfig>> {
    const KEYS: [&str; 3] = ["client_id", "private_key_file", "webhook_secret_file"];
    let before = reader.problem_count();
    let (mut client_id, mut key, mut secret) = (None, None, None);
    let at = reader.mapping("`app`", &KEYS, |reader, name, _| {
        match name {
            "client_id" => {
                let read = read_filled(reader, "`client_id`")?;
                client_id = read.map(|(text, _)| text.into_owned());
            }
            "private_key_file" => key = read_path(reader, "`private_key_file`")?,
            _ => secret = read_path(reader, "`webhook_secret_file`")?,
        }
        Ok(())
    })?;
    if let (Some(at), true) = (at, reader.problem_count() == before) {
        for (is_given, key, example) in [
            (client_id.is_some(), "client_id", "client_id: Iv23liEXAMPLE"),
            (
                key.is_some(),
                "private_key_file",
                "private_key_file: app.pem",
            ),
        ] {
            if !is_given {
                reader.missing(at, key, example)?;
            }
        }
    }
    let (Some(client_id), Some(private_key_file)) = (client_id, key) else {
        return Ok(None);
    };
    Ok(Some(AppConfig {
        client_id,
        private_key_file,
        webhook_secret_file: secret,
    }))
}
