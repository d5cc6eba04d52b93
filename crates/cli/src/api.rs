//! GitHub's API for the tools: URL, token and network from the process's variables.

use secrecy::SecretString;

use github::Api;
use github::http::{Budget, Network};
use platform::Variables;

/// Returns `GITHUB_API_URL`, or the URL of github.com's API.
pub(super) fn url(variables: &Variables) -> &str {
    let url = variables.get("GITHUB_API_URL");
    url.unwrap_or("https://api.github.com")
}

/// Returns `GITHUB_TOKEN`, or `GH_TOKEN`.
pub(super) fn token(variables: &Variables) -> Option<SecretString> {
    let mut names = ["GITHUB_TOKEN", "GH_TOKEN"].iter();
    names.find_map(|name| variables.secret(name))
}

/// Builds the client of the API at `url`. Call it inside a Tokio runtime.
pub(super) fn client(
    variables: &Variables,
    url: &str,
    token: Option<&SecretString>,
    ca_bundle: Option<Vec<u8>>,
    budget: Budget,
) -> anyhow::Result<Api> {
    let network = Network::of_variables(|name| variables.either_case(name), ca_bundle);
    Ok(Api::new(network.client()?, url, token, budget)?)
}

/// Runs a future on its own runtime.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let output = runtime.block_on(future);
    // Dropping the runtime would wait for a DNS lookup that hangs on its own thread.
    runtime.shutdown_background();
    Ok(output)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn url_and_token_are_in_the_variables() {
        for (variables, url, first) in [
            (&[][..], "https://api.github.com", None),
            (
                &[("GITHUB_TOKEN", "a"), ("GH_TOKEN", "b")],
                "https://api.github.com",
                Some("a"),
            ),
            (
                &[("GITHUB_TOKEN", ""), ("GH_TOKEN", "b")],
                "https://api.github.com",
                Some("b"),
            ),
            (
                &[("GITHUB_API_URL", "https://ghe.acme.org/api/v3")],
                "https://ghe.acme.org/api/v3",
                None,
            ),
        ] {
            let variables = variables
                .iter()
                .map(|(name, value)| (name.into(), value.into()));
            let variables = Variables::new(variables);
            assert_eq!(super::url(&variables), url);
            let token = token(&variables);
            assert_eq!(token.as_ref().map(|token| token.expose_secret()), first);
        }
    }
}
